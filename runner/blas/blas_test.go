package blas

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
)

// backends are gonum and whatever libraries this machine has.
func backends(t testing.TB) []Backend {
	t.Helper()
	pure, err := Open("gonum")
	if err != nil {
		t.Fatal(err)
	}
	all := []Backend{pure}
	for _, name := range libraries() {
		b, err := Open(name)
		if err != nil {
			t.Logf("%s is not tested: %v", name, err)
			continue
		}
		all = append(all, b)
	}
	return all
}

func each(t *testing.T, f func(t *testing.T, b Backend)) {
	for _, b := range backends(t) {
		t.Run(strings.ReplaceAll(b.Name(), " ", "-"), func(t *testing.T) { f(t, b) })
	}
}

func random[F plugins.Float](rng *rand.Rand, rows, cols, stride int) Matrix[F] {
	m := Matrix[F]{Rows: rows, Cols: cols, Stride: stride, Data: make([]F, max(1, rows*stride))}
	for i := range m.Data {
		m.Data[i] = F(rng.NormFloat64())
	}
	return m
}

func TestGemmIsTheProduct(t *testing.T) {
	each(t, func(t *testing.T, b Backend) {
		t.Run("float64", func(t *testing.T) { testProduct[float64](t, b, 1e-12) })
		t.Run("float32", func(t *testing.T) { testProduct[float32](t, b, 1e-3) })
	})
}

func testProduct[F plugins.Float](t *testing.T, b Backend, tolerance float64) {
	rng := rand.New(rand.NewPCG(1, 2))
	sizes := [][3]int{{1, 1, 1}, {3, 5, 7}, {1, 64, 30}, {65, 1, 129}, {130, 67, 33}, {64, 64, 64}, {5, 4, 0}, {200, 16, 13}}
	for _, size := range sizes {
		m, n, k := size[0], size[1], size[2]
		for _, transA := range []bool{false, true} {
			for _, transB := range []bool{false, true} {
				for _, beta := range []F{0, 1, -0.5} {
					a := random[F](rng, m, k, k+3)
					if transA {
						a = random[F](rng, k, m, m+1).T()
					}
					x := random[F](rng, k, n, n+2)
					if transB {
						x = random[F](rng, n, k, k+5).T()
					}
					c := random[F](rng, m, n, n+4)
					want := slices.Clone(c.Data)
					for i := range m {
						for j := range n {
							sum := 0.0
							for l := range k {
								sum += at(a, i, l) * at(x, l, j)
							}
							want[i*c.Stride+j] = F(1.5*sum + float64(beta)*at(c, i, j))
						}
					}
					if beta == 0 {
						for i := range m {
							for j := range n {
								c.Data[i*c.Stride+j] = F(math.NaN()) // is not read
							}
						}
					}
					Gemm(b, 1.5, a, x, beta, c)
					for i, v := range c.Data {
						if !(math.Abs(float64(v-want[i])) <= tolerance*float64(k+1)) {
							t.Fatalf("%v transA %v transB %v beta %v: element %d is %v, want %v", size, transA, transB, beta, i, v, want[i])
						}
					}
				}
			}
		}
	}
}

// A column's bits are the same alone and among others, at every place of a panel: the property that a
// trial gives the same result alone and in a grid rests on.
func TestColumnsDoNotInfluenceEachOther(t *testing.T) {
	each(t, func(t *testing.T, b Backend) {
		rows, inner := []int{1, 3, 12, 32, 64, 100, 256}, []int{1, 4, 10, 13, 30, 64, 300}
		for _, want := range []int{16, 32, 64, 128, 256} {
			p64, p32 := b.Panel(plugins.Float64, want), b.Panel(plugins.Float32, want)
			if err := independence[float64](b, p64.Columns(1), p64.Width, rows, inner); err != nil {
				t.Error(err)
			}
			if err := independence[float32](b, p32.Columns(1), p32.Width, rows, inner); err != nil {
				t.Error(err)
			}
		}
	})
}

func TestGemmAllocatesNothing(t *testing.T) {
	if race {
		t.Skip("the race detector makes pools forget")
	}
	each(t, func(t *testing.T, b Backend) {
		rng := rand.New(rand.NewPCG(1, 2))
		a, x, c := random[float64](rng, 300, 64, 64), random[float64](rng, 64, 256, 256), random[float64](rng, 300, 256, 256)
		a32, x32, c32 := random[float32](rng, 30, 64, 64), random[float32](rng, 64, 16, 16), random[float32](rng, 30, 16, 16)
		got := testing.AllocsPerRun(20, func() {
			Gemm(b, 1, a, x, 1, c)
			Gemm(b, 1, a32, x32, 1, c32)
		})
		if got != 0 {
			t.Errorf("%v allocations, want 0", got)
		}
	})
}

func TestABackendServesSeveralGoroutines(t *testing.T) {
	each(t, func(t *testing.T, b Backend) {
		rng := rand.New(rand.NewPCG(1, 2))
		a, x := random[float64](rng, 100, 300, 300), random[float64](rng, 300, 64, 64)
		want := random[float64](rng, 100, 64, 64)
		Gemm(b, 1, a, x, 0, want)
		var wait sync.WaitGroup
		for range 4 {
			c := random[float64](rng, 100, 64, 64)
			wait.Go(func() {
				for range 20 {
					Gemm(b, 1, a, x, 0, c)
					if !slices.Equal(c.Data, want.Data) {
						t.Error("the product differs")
						return
					}
				}
			})
		}
		wait.Wait()
	})
}

func TestGemmRefusesShapesThatDoNotFit(t *testing.T) {
	b, _ := Open("gonum")
	rng := rand.New(rand.NewPCG(1, 2))
	a, x, c := random[float64](rng, 3, 4, 4), random[float64](rng, 4, 5, 5), random[float64](rng, 3, 5, 5)
	short := c
	short.Data = short.Data[:14]
	for name, multiply := range map[string]func(){
		"inner":      func() { Gemm(b, 1, a.T(), x, 0, c) },
		"result":     func() { Gemm(b, 1, a, x, 0, x) },
		"transposed": func() { Gemm(b, 1, a, x, 0, c.T()) },
		"data":       func() { Gemm(b, 1, a, x, 0, short) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			multiply()
		}()
	}
}

func TestOpen(t *testing.T) {
	auto, err := Open("auto")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("auto is %s", auto.Name())
	_, err = Open("mkl")
	if err == nil {
		t.Fatal("an unknown backend was opened")
	}
	hint, ok := err.(interface{ Hint() string })
	if !ok || !strings.Contains(hint.Hint(), "gonum") {
		t.Errorf("the error %v has no hint", err)
	}
	if _, err := Open("openblas"); err != nil {
		if hint, ok := err.(interface{ Hint() string }); !ok || hint.Hint() == "" {
			t.Errorf("the error %v has no hint", err)
		}
	}
}

func BenchmarkGemm(b *testing.B) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, with := range backends(b) {
		for _, size := range []struct{ rows, inner, width int }{{64, 64, 16}, {64, 64, 32}, {64, 64, 64}, {128, 784, 64}, {128, 784, 32}, {256, 784, 64}, {256, 784, 16}, {256, 64, 64}} {
			x := random[float64](rng, size.rows, size.inner, size.inner)
			z := random[float64](rng, size.rows, size.width, size.width)
			w := random[float64](rng, size.inner, size.width, size.width)
			wt := random[float64](rng, size.width, size.inner, size.inner)
			for _, op := range []struct {
				name    string
				a, b, c Matrix[float64]
			}{
				{"Z=X·W", x, w, z},
				{"Z=X·Wᵀ", x, wt.T(), z},
				{"G=Zᵀ·X", z.T(), x, wt},
				{"G=Xᵀ·Z", x.T(), z, w},
			} {
				name := fmt.Sprintf("%s/%s/%dx%dx%d", strings.Fields(with.Name())[0], op.name, size.rows, size.inner, size.width)
				b.Run(name, func(b *testing.B) {
					for b.Loop() {
						Gemm(with, 1, op.a, op.b, 1, op.c)
					}
					flops := 2 * float64(size.rows*size.inner*size.width)
					b.ReportMetric(flops*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
				})
			}
		}
	}
}
