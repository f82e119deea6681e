package stats

import (
	"hash/fnv"
	"io"
	"math/bits"
	"math/rand/v2"
)

// A stream is a row of random numbers that its seed and its name decide: the same in every
// release of Go, as PCG is a published algorithm and nothing of math/rand/v2 is used on top.
type stream struct{ source *rand.PCG }

// named is the stream of a purpose. The state is mixed, as PCG keeps nearby states together.
func named(purpose string, seed uint64) stream {
	h := fnv.New64a()
	io.WriteString(h, purpose)
	low := mixed(seed + h.Sum64())
	return stream{rand.NewPCG(mixed(low+0x9e3779b97f4a7c15), low)}
}

// mixed is the output function of SplitMix64: Steele, Lea & Flood 2014.
func mixed(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// below is a whole number from 0 to n − 1. The numbers are as likely as one another up to n/2⁶⁴.
func (s stream) below(n int) int {
	high, _ := bits.Mul64(s.source.Uint64(), uint64(n))
	return int(high)
}
