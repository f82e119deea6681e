package gemm

import (
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/elementary"
)

// plain is the product in Go: what every kernel must give to the bit, and what is used where there is none.
func plain[F plugins.Float](c, a Stack[F], b Matrix[F], k, n int, add bool) {
	if !add {
		c.clear(n)
	}
	for s := range a.At {
		for i := range a.Rows {
			row := c.Data[c.At[s]+i*c.Row:][:n]
			for l := range k {
				x := a.Data[a.At[s]+i*a.Row+l*a.Col]
				for j, y := range b.Data[l*b.Row:][:n] {
					row[j] = elementary.FMA(x, y, row[j])
				}
			}
		}
	}
}
