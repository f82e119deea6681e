package passes

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
)

var special = []float64{0, math.Copysign(0, -1), 1, -1, math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat32, -math.MaxFloat32, math.SmallestNonzeroFloat32, 88, -88, 710, -710, 0.3465735, 1e-8}

func draw[F plugins.Float](rng *rand.Rand, odd bool) F {
	switch {
	case odd && rng.IntN(25) == 0:
		return F(special[rng.IntN(len(special))])
	case odd && rng.IntN(6) == 0: // equal to others
		return F(rng.IntN(4))
	case rng.IntN(9) == 0:
		return F(rng.NormFloat64() * 100)
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

func same[F plugins.Float](x, y F) bool {
	if x != x || y != y {
		return x != x && y != y
	}
	return math.Float64bits(float64(x)) == math.Float64bits(float64(y))
}

// Each set of instructions that this processor has gives the bits of plain Go.
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
	defer func(before *set) { chosen = before }(chosen)
	rng := rand.New(rand.NewPCG(1, 2))
	for try := range 600 {
		odd := try%2 == 0
		rows, n := 1+rng.IntN(12), 1+rng.IntN(70)
		columns := Padded(n)
		z := Tile[F]{Rows: rows, Stride: columns + rng.IntN(5)}
		labels := make([]int32, columns)
		for i := range labels {
			labels[i] = int32(rng.IntN(rows))
		}
		share := F(1 / float64(n))
		z.Data = fill[F](rng, rows*z.Stride+3, odd)
		h := Tile[F]{Data: fill[F](rng, rows*z.Stride+3, odd), Rows: rows, Stride: z.Stride}
		positive := fill[F](rng, columns, odd)
		for i, x := range positive {
			if positive[i] = F(math.Abs(float64(x))); x-x != 0 {
				positive[i] = F(math.NaN())
			}
		}
		bits := make([]int32, columns)
		for i := range bits {
			bits[i] = int32(rng.IntN(2))
		}
		for _, pass := range []struct {
			name string
			do   func(z Tile[F], out [3][]F)
		}{
			{"softmax derivative", func(z Tile[F], _ [3][]F) { SoftmaxDerivative(z, labels, n, share) }},
			{"softmax score", func(z Tile[F], out [3][]F) { SoftmaxScore(z, labels, n, out[0], out[1], out[2]) }},
			{"logistic derivative", func(z Tile[F], _ [3][]F) { LogisticDerivative(z.Data, bits, n, share) }},
			{"logistic score", func(z Tile[F], out [3][]F) { LogisticScore(z.Data, bits, n, out[0], out[1], out[2]) }},
			{"loss", func(z Tile[F], out [3][]F) {
				copy(out[0], positive)
				out[2][0] = F(Loss(out[0], z.Data, n))
			}},
			{"tanh", func(z Tile[F], _ [3][]F) { Tanh(z, n) }},
			{"tanh derivative", func(z Tile[F], _ [3][]F) { TanhDerivative(z, h, n) }},
			{"relu", func(z Tile[F], _ [3][]F) { Relu(z, n) }},
			{"relu derivative", func(z Tile[F], _ [3][]F) { ReluDerivative(z, h, n) }},
			{"sums", func(z Tile[F], out [3][]F) { Sums(out[0], z, n) }},
		} {
			var got [2]Tile[F]
			var outs [2][3][]F
			for i, use := range []*set{s, nil} {
				chosen = use
				got[i] = z
				got[i].Data = append([]F(nil), z.Data...)
				for k := range outs[i] {
					outs[i][k] = make([]F, max(columns, rows))
				}
				pass.do(got[i], outs[i])
			}
			for i, x := range got[0].Data {
				if !same(x, got[1].Data[i]) {
					t.Fatalf("%s of %d × %d: element %d is %v, want %v (from %v)", pass.name, rows, n, i, x, got[1].Data[i], z.Data[i])
				}
			}
			for k := range outs[0] {
				for i, x := range outs[0][k] {
					if !same(x, outs[1][k][i]) {
						t.Fatalf("%s of %d × %d: element %d of result %d is %v, want %v", pass.name, rows, n, i, k, x, outs[1][k][i])
					}
				}
			}
		}
	}
}

func TestTranspose(t *testing.T) {
	t.Run("float64", testTranspose[float64])
	t.Run("float32", testTranspose[float32])
}

func testTranspose[F plugins.Float](t *testing.T) {
	defer func(before *set) { chosen = before }(chosen)
	rng := rand.New(rand.NewPCG(5, 6))
	for i := range len(sets) + 1 {
		if chosen = nil; i < len(sets) {
			if chosen = &sets[i]; !chosen.available {
				t.Logf("%s is not tested: this processor has none", chosen.name)
				continue
			}
		}
		for range 300 {
			rows, columns := 1+rng.IntN(40), 1+rng.IntN(40)
			from, stride, at := fill[F](rng, 500, false), rows+rng.IntN(3), make([]int, rows)
			for i := range at {
				at[i] = rng.IntN(len(from) - columns + 1)
			}
			to := fill[F](rng, columns*stride+3, false)
			want := append([]F(nil), to...)
			for i, place := range at {
				for k := range columns {
					want[k*stride+i] = from[place+k]
				}
			}
			Transpose(to, stride, from, at, columns)
			if !slices.Equal(to, want) {
				t.Fatalf("%d × %d is wrong", rows, columns)
			}
		}
	}
}

// What the passes compute is what they say, as math computes it in float64.
func TestPassesAreWhatTheySay(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		classes, n := 2+rng.IntN(9), 1+rng.IntN(40)
		z := Tile[float64]{Data: fill[float64](rng, classes*Padded(n), false), Rows: classes, Stride: Padded(n)}
		before := append([]float64(nil), z.Data...)
		labels := make([]int32, Padded(n))
		rest, gap, first := make([]float64, Padded(n)), make([]float64, Padded(n)), make([]float64, Padded(n))
		for i := range labels {
			labels[i] = int32(rng.IntN(classes))
		}
		SoftmaxScore(z, labels, n, rest, gap, first)
		SoftmaxDerivative(z, labels, n, 0.5)
		want := 0.0
		for c := range n {
			sum, best := 0.0, 0
			for j := range classes {
				sum += math.Exp(before[j*z.Stride+c])
				if before[j*z.Stride+c] > before[best*z.Stride+c] {
					best = j
				}
			}
			for j := range classes {
				p := math.Exp(before[j*z.Stride+c]) / sum
				if j == int(labels[c]) {
					want -= math.Log(p)
					p--
				}
				close(t, "derivative", z.Data[j*z.Stride+c], p/2)
			}
			close(t, "class", first[c], float64(best))
		}
		close(t, "loss", Loss(rest, gap, n), want)

		row := fill[float64](rng, Padded(n), false)
		outputs := append([]float64(nil), row...)
		for i := range labels {
			labels[i] = int32(rng.IntN(2))
		}
		LogisticScore(row, labels, n, rest, gap, first)
		LogisticDerivative(row, labels, n, 0.5)
		want = 0
		for c, x := range outputs[:n] {
			p := 1 / (1 + math.Exp(-x))
			if labels[c] == 1 {
				want += math.Log1p(math.Exp(-x))
			} else {
				want += math.Log1p(math.Exp(-math.Abs(x))) + max(x, 0)
			}
			close(t, "logistic derivative", row[c], (p-float64(labels[c]))/2)
			if (first[c] == 1) != (x > 0) {
				t.Errorf("class %v of the output %v", first[c], x)
			}
		}
		if !math.IsInf(want, 0) {
			close(t, "logistic loss", Loss(rest, gap, n), want)
		}
		sums := []float64{1}
		Sums(sums, Tile[float64]{Data: outputs, Rows: 1, Stride: len(outputs)}, n)
		want = 1
		for _, x := range outputs[:n] {
			want += x
		}
		close(t, "sum", sums[0], want)
	}
}

func close(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-12*(1+math.Abs(want))) {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

func TestPassesAllocateNothing(t *testing.T) {
	z := Tile[float32]{Data: make([]float32, 640), Rows: 10, Stride: 64}
	labels, rest, gap, first := make([]int32, 64), make([]float32, 64), make([]float32, 64), make([]float32, 64)
	if n := testing.AllocsPerRun(10, func() {
		SoftmaxScore(z, labels, 60, rest, gap, first)
		Loss(rest, gap, 60)
		SoftmaxDerivative(z, labels, 60, 1)
		Tanh(z, 60)
		Sums(rest, z, 60)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The passes over the outputs of 25 trials with ten classes, for 64 examples.
func BenchmarkPasses(b *testing.B) {
	b.Run("float32", benchmark[float32])
	b.Run("float64", benchmark[float64])
}

func benchmark[F plugins.Float](b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	n, slots := 64, 25
	z := make([]Tile[F], slots)
	for i := range z {
		z[i] = Tile[F]{Data: fill[F](rng, 10*n, false), Rows: 10, Stride: n}
	}
	labels, rest, gap, first, sums := make([]int32, n), make([]F, n), make([]F, n), make([]F, n), make([]F, 10)
	across, at := make([]F, 10*n), make([]int, 10)
	for i := range at {
		at[i] = i * n
	}
	defer func(before *set) { chosen = before }(chosen)
	for i := range sets {
		if !sets[i].available {
			continue
		}
		chosen = &sets[i]
		for name, pass := range map[string]func(z Tile[F]){
			"derivative": func(z Tile[F]) { SoftmaxDerivative(z, labels, n, 1) },
			"score": func(z Tile[F]) {
				SoftmaxScore(z, labels, n, rest, gap, first)
				Loss(rest, gap, n)
			},
			"tanh":      func(z Tile[F]) { Tanh(z, n) },
			"transpose": func(z Tile[F]) { Transpose(across, 10, z.Data, at, n) },
			"sums":      func(z Tile[F]) { Sums(sums, z, n) },
		} {
			b.Run(sets[i].name+"/"+name, func(b *testing.B) {
				for b.Loop() {
					for _, z := range z {
						pass(z)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*slots*10*n), "ns/output")
			})
		}
	}
}
