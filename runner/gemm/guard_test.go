//go:build linux || darwin

package gemm

import (
	"math/rand/v2"
	"os"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/xrun-dev/xrun/plugins"
)

// A guarded is memory between pages that may be neither read nor written.
type guarded struct{ inside []byte }

func guard(t *testing.T) guarded {
	t.Helper()
	const size = 1 << 18
	page := os.Getpagesize()
	all, err := unix.Mmap(-1, 0, size+2*page, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := unix.Munmap(all); err != nil {
			t.Error(err)
		}
	})
	for _, side := range [][]byte{all[:page], all[page+size:]} {
		if err := unix.Mprotect(side, unix.PROT_NONE); err != nil {
			t.Fatal(err)
		}
	}
	return guarded{all[page : page+size]}
}

// take fills n elements at one end of the memory.
func take[F plugins.Float](g guarded, rng *rand.Rand, n int, end bool) []F {
	all := unsafe.Slice((*F)(unsafe.Pointer(&g.inside[0])), len(g.inside)/int(unsafe.Sizeof(F(0))))
	v := all[:n:n]
	if end {
		v = all[len(all)-n:]
	}
	copy(v, fill[F](rng, n, false))
	return v
}

// Every kernel has its turn. One that reads or writes before or behind a matrix ends the test with a fault.
func TestKernelsStayWithinTheirMatrices(t *testing.T) {
	for i := range sets {
		s := &sets[i]
		t.Run(s.name, func(t *testing.T) {
			if !s.available {
				t.Skipf("this processor has no %s", s.name)
			}
			t.Run("float64", func(t *testing.T) { within[float64](t, s) })
			t.Run("float32", func(t *testing.T) { within[float32](t, s) })
		})
	}
}

func within[F plugins.Float](t *testing.T, s *set) {
	rng := rand.New(rand.NewPCG(5, 6))
	ga, gb, gc := guard(t), guard(t), guard(t)
	tallest := max(len(s.f64), len(s.f32))
	for rows := 1; rows <= tallest; rows++ {
		for n := 1; n <= 9*s.bytes/int(unsafe.Sizeof(F(0))); n++ { // the widest tile has eight vectors
			for _, end := range []bool{false, true} {
				k, add := 1+rng.IntN(3), rng.IntN(2) == 0
				a := Stack[F]{Data: take[F](ga, rng, rows*k, end), At: []int{0}, Rows: rows, Row: k, Col: 1}
				b := Matrix[F]{take[F](gb, rng, k*n, end), n}
				c := Stack[F]{Data: take[F](gc, rng, rows*n, end), At: []int{0}, Rows: rows, Row: n, Col: 1}
				want := c
				want.Data = append([]F(nil), c.Data...)
				plain(want, a, b, k, n, add)
				with(s, c, a, b, k, n, add)
				for i := range c.Data {
					if !same(c.Data[i], want.Data[i]) {
						t.Fatalf("%d × %d times %d × %d, add %v: element %d is %v, want %v", rows, k, k, n, add, i, c.Data[i], want.Data[i])
					}
				}
			}
		}
	}
}
