package gemm

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
)

// special are the numbers at which rounding is easily got wrong.
var special = []float64{0, math.Copysign(0, -1), 1, -1, math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat64, -math.MaxFloat64, math.SmallestNonzeroFloat64,
	math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, -math.SmallestNonzeroFloat32, 0x1p-126, 0x1.fffffcp-127, 0x1p-1022, 0x1p-1023, 0x1.000002p0, 0x1.fffffep0, 0x1p-149, 0x1p-75, 0x1p64, 0x1p-537}

func draw[F plugins.Float](rng *rand.Rand, odd bool) F {
	if odd && rng.IntN(20) == 0 {
		return F(special[rng.IntN(len(special))])
	}
	if odd && rng.IntN(3) == 0 { // cancels often
		return F(rng.IntN(5) - 2)
	}
	return F(rng.NormFloat64())
}

func fill[F plugins.Float](rng *rand.Rand, n int, odd bool) []F {
	v := make([]F, n)
	for i := range v {
		v[i] = draw[F](rng, odd)
	}
	return v
}

// stack lays count matrices at random distances into memory of their own, with elements between and behind that nobody
// may touch.
func stack[F plugins.Float](rng *rand.Rand, count, rows, columns int, contiguous, odd bool) Stack[F] {
	s := Stack[F]{Rows: rows, Col: 1}
	s.Row = columns + rng.IntN(4)
	if !contiguous && rng.IntN(2) == 0 { // the transpose
		s.Col, s.Row = rows+rng.IntN(3), 1
	}
	even := rng.IntN(2) == 0
	at := rng.IntN(5)
	for range count {
		s.At = append(s.At, at)
		at += max(1, rows)*s.Row + max(1, columns)*s.Col
		if !even {
			at += rng.IntN(9)
		}
	}
	if rng.IntN(3) == 0 && s.Col == 1 { // directly below each other
		for i := range s.At {
			s.At[i] = i * rows * s.Row
		}
	}
	s.Data = fill[F](rng, at+5, odd)
	return s
}

func same[F plugins.Float](x, y F) bool {
	if x != x || y != y {
		return x != x && y != y
	}
	return math.Float64bits(float64(x)) == math.Float64bits(float64(y))
}

// Each set of instructions that this processor has gives the bits of plain Go, for all shapes and edges, and touches
// nothing else.
func TestKernelsGiveTheBitsOfPlainGo(t *testing.T) {
	for i := range sets {
		s := &sets[i]
		t.Run(s.name, func(t *testing.T) {
			if !s.available {
				t.Skipf("this processor has no %s", s.name)
			}
			t.Run("float64", func(t *testing.T) { equalPlain[float64](t, s) })
			t.Run("float32", func(t *testing.T) { equalPlain[float32](t, s) })
		})
	}
}

func equalPlain[F plugins.Float](t *testing.T, s *set) {
	rng := rand.New(rand.NewPCG(3, 4))
	for try := range 3000 {
		count, rows, k, n := 1+rng.IntN(4), 1+rng.IntN(30), 1+rng.IntN(20), 1+rng.IntN(100)
		switch try % 10 {
		case 0:
			k = 250 + rng.IntN(300)
		case 1:
			rows, n = 1, 1+rng.IntN(300)
		case 2:
			n = 1 + rng.IntN(9)
		}
		odd, add := try%2 == 0, rng.IntN(2) == 0
		a, b := stack[F](rng, count, rows, k, false, odd), Matrix[F]{Row: n + rng.IntN(3)}
		b.Data = fill[F](rng, (k-1)*b.Row+n, odd)
		c := stack[F](rng, count, rows, n, true, odd)
		want := c
		want.Data = append([]F(nil), c.Data...)
		plain(want, a, b, k, n, add)
		with(s, c, a, b, k, n, add)
		for i := range c.Data {
			if !same(c.Data[i], want.Data[i]) {
				t.Fatalf("%d matrices of %d × %d times %d × %d, add %v: element %d of memory is %v, want %v", count, rows, k, k, n, add, i, c.Data[i], want.Data[i])
			}
		}
	}
}

func TestProductsOfShapesThatDoNotFitPanic(t *testing.T) {
	a := Stack[float64]{Data: make([]float64, 12), At: []int{0}, Rows: 3, Row: 4, Col: 1}
	b := Matrix[float64]{Data: make([]float64, 20), Row: 5}
	c := Stack[float64]{Data: make([]float64, 15), At: []int{0}, Rows: 3, Row: 5, Col: 1}
	Set(c, a, b, 4, 5)
	for name, f := range map[string]func(){
		"k":        func() { Set(c, a, b, 5, 5) },
		"n":        func() { Set(c, a, b, 4, 6) },
		"rows":     func() { d := a; d.Rows = 2; Set(c, d, b, 4, 5) },
		"matrices": func() { d := a; d.At = []int{0, 0}; Set(c, d, b, 4, 5) },
		"at":       func() { d := a; d.At = []int{1}; Set(c, d, b, 4, 5) },
		"before":   func() { d := a; d.At = []int{-1}; Set(c, d, b, 4, 5) },
		"column":   func() { d := c; d.Col = 2; Set(d, a, b, 4, 2) },
		"b":        func() { Set(c, a, Matrix[float64]{Data: b.Data[:19], Row: 5}, 4, 5) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func TestAnEmptyProductIsZeroOrNothing(t *testing.T) {
	c := Stack[float32]{Data: []float32{1, 2, 3, 4}, At: []int{0}, Rows: 1, Row: 3, Col: 1}
	a := Stack[float32]{At: []int{0}, Rows: 1}
	Add(c, a, Matrix[float32]{}, 0, 3)
	if c.Data[0] != 1 {
		t.Error("a sum of no products has changed c")
	}
	Set(c, a, Matrix[float32]{}, 0, 3)
	if fmt.Sprint(c.Data) != "[0 0 0 4]" {
		t.Errorf("c is %v", c.Data)
	}
}

func TestAProductAllocatesNothing(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	a, b, c := stack[float32](rng, 3, 10, 64, false, false), Matrix[float32]{fill[float32](rng, 6400, false), 100}, stack[float32](rng, 3, 10, 100, true, false)
	if n := testing.AllocsPerRun(10, func() { Add(c, a, b, 64, 100) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The products of a grid of 25 trials of softmax regression: digits and MNIST, forward and backward.
func BenchmarkProducts(b *testing.B) {
	b.Run("float32", benchmark[float32])
	b.Run("float64", benchmark[float64])
}

func benchmark[F plugins.Float](b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, size := range []struct {
		name                  string
		slots, out, in, batch int
	}{{"digits", 25, 10, 64, 64}, {"mnist", 25, 10, 784, 128}, {"mlp", 5, 128, 784, 128}, {"logistic", 25, 1, 30, 64}} {
		pad := size.batch + 16
		wide := size.in + 16 - size.in%16 + 16
		w, g := Stack[F]{Rows: size.out, Row: size.in, Col: 1}, Stack[F]{}
		z, d := Stack[F]{Rows: size.out, Row: pad, Col: 1}, Stack[F]{}
		for i := range size.slots {
			w.At, z.At = append(w.At, i*(size.in*size.out+size.out)), append(z.At, i*pad*size.out)
		}
		w.Data, z.Data = fill[F](rng, size.slots*(size.in+1)*size.out, false), fill[F](rng, size.slots*size.out*pad, false)
		g, d = w, z
		xt, x := Matrix[F]{fill[F](rng, size.in*pad, false), pad}, Matrix[F]{fill[F](rng, size.batch*wide, false), wide}
		flop := 2 * float64(size.slots*size.out*size.in*size.batch)
		for i := range sets {
			s := &sets[i]
			if !s.available {
				continue
			}
			b.Run(size.name+"/forward/"+s.name, func(b *testing.B) {
				for b.Loop() {
					with(s, z, w, xt, size.in, size.batch, true)
				}
				b.ReportMetric(flop*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
			b.Run(size.name+"/backward/"+s.name, func(b *testing.B) {
				for b.Loop() {
					with(s, g, d, x, size.batch, size.in, false)
				}
				b.ReportMetric(flop*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
