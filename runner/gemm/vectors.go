package gemm

import "github.com/xrun-dev/xrun/plugins"

// A tile is a micro-kernel for some rows of c: width vectors of columns. That for the edge has less than a whole last one.
type tile[F plugins.Float] struct {
	width       int
	whole, edge func(k int, a *F, ar, ac uintptr, b *F, br uintptr, c *F, cr uintptr, last uintptr, add bool)
}

// A set has the tiles for the vectors of some instructions, by number of rows, the widest first. Each processor's file
// lists its sets, the best first.
type set struct {
	name      string
	available bool
	bytes     int // of a vector
	f64       [][]tile[float64]
	f32       [][]tile[float32]
	// last is the argument of that name of a kernel whose last vector has only so many elements of its own.
	last func(size, elements int) uintptr
	// Instructions with masks leave the rest of that vector out. Without them it is moved back over the vector before it,
	// and both compute the same numbers in what they share. So a tile of one vector has no edge, and these, whose vectors
	// are single elements, have the columns if there are fewer than a vector has elements.
	narrow64 [][]tile[float64]
	narrow32 [][]tile[float32]
}

var chosen = choose()

func choose() *set {
	for i := range sets {
		if sets[i].available {
			return &sets[i]
		}
	}
	return nil
}

// Vectors names the instructions that the products use here: "AVX-512", or "plain Go" where there is no kernel.
func Vectors() string {
	if chosen == nil {
		return "plain Go"
	}
	return chosen.name
}

func vectors[F plugins.Float](c, a Stack[F], b Matrix[F], k, n int, add bool) bool {
	if chosen == nil {
		return false
	}
	with(chosen, c, a, b, k, n, add)
	return true
}

func with[F plugins.Float](s *set, c, a Stack[F], b Matrix[F], k, n int, add bool) {
	switch c := any(&c).(type) {
	case *Stack[float64]:
		product(s, s.f64, s.narrow64, 8, *c, *any(&a).(*Stack[float64]), *any(&b).(*Matrix[float64]), k, n, add)
	case *Stack[float32]:
		product(s, s.f32, s.narrow32, 4, *c, *any(&a).(*Stack[float32]), *any(&b).(*Matrix[float32]), k, n, add)
	}
}

// depth is the number of k that a tile goes through before the next: that part of b stays in the first-level cache.
const depth = 256

func product[F plugins.Float](s *set, tiles, narrow [][]tile[F], size int, c, a Stack[F], b Matrix[F], k, n int, add bool) {
	a, c = joined(a, c)
	lanes, masks := s.bytes/size, narrow == nil
	if n < lanes && !masks {
		tiles, lanes = narrow, 1
	}
	// Tiles have as equal heights as possible: more of one, and then others with a row less.
	count := (a.Rows + len(tiles) - 2) / (len(tiles) - 1)
	low := a.Rows / count
	for from := 0; from < k; from += depth {
		deep := min(depth, k-from)
		row := 0
		for _, group := range [2]struct{ tiles, rows int }{{a.Rows - low*count, low + 1}, {count - a.Rows%count, low}} {
			if group.tiles == 0 {
				continue
			}
			kinds := tiles[group.rows]
			for column := 0; column < n; {
				t := widest(kinds, n-column, lanes, masks)
				wide := t.width * lanes
				kernel, last := t.whole, s.last(size, lanes)
				if column+wide > n {
					kernel, last = t.edge, s.last(size, n-column-wide+lanes)
				}
				right := &b.Data[from*b.Row+column]
				for m := range a.At {
					for i := range group.tiles {
						r := row + i*group.rows
						kernel(deep, &a.Data[a.At[m]+r*a.Row+from*a.Col], uintptr(a.Row*size), uintptr(a.Col*size), right, uintptr(b.Row*size),
							&c.Data[c.At[m]+r*c.Row+column], uintptr(c.Row*size), last, add || from > 0)
					}
				}
				column += wide
			}
			row += group.tiles * group.rows
		}
	}
}

// widest is the widest tile for some columns. Without masks, those that it leaves fill a vector.
func widest[F plugins.Float](kinds []tile[F], columns, lanes int, masks bool) *tile[F] {
	vectors := (columns + lanes - 1) / lanes
	for i := range kinds {
		if left := columns - kinds[i].width*lanes; kinds[i].width <= vectors && (masks || left <= 0 || left >= lanes) {
			return &kinds[i]
		}
	}
	return &kinds[len(kinds)-1]
}

// joined takes matrices that lie at equal distances as one, as far as their rows do.
func joined[F plugins.Float](a, c Stack[F]) (Stack[F], Stack[F]) {
	if len(a.At) < 2 {
		return a, c
	}
	rowA, rowC := a.At[1]-a.At[0], c.At[1]-c.At[0]
	if rowA < 0 || rowC < 0 || a.Rows > 1 && (rowA != a.Rows*a.Row || rowC != c.Rows*c.Row) {
		return a, c
	}
	for i := range a.At[1:] {
		if a.At[i+1]-a.At[i] != rowA || c.At[i+1]-c.At[i] != rowC {
			return a, c
		}
	}
	if a.Rows == 1 {
		a.Row, c.Row = rowA, rowC
	}
	a.Rows *= len(a.At)
	a.At, c.At, c.Rows = a.At[:1], c.At[:1], a.Rows
	return a, c
}
