package elementary

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/rand/v2"
	"testing"
)

// The bits of all functions are these on every machine.
func TestBitsAreTheSameEverywhere(t *testing.T) {
	const want = "805857440e4ddcb48a94c9b8156fa033c996022587fe2e17bcb100f7a13d3c9c"
	rng, hash := rand.New(rand.NewPCG(5, 6)), sha256.New()
	add := func(values ...float64) {
		for _, v := range values {
			if v != v {
				v = math.NaN()
			}
			hash.Write(binary.LittleEndian.AppendUint64(nil, math.Float64bits(v)))
		}
	}
	for range 20_000 {
		any := math.Float64frombits(rng.Uint64())
		size := math.Ldexp(1+rng.Float64(), rng.IntN(24)-14)
		near, p := rng.Float64()*4-2, rng.Float64()
		single := float32(size)
		add(Exp(-size), Log(size), Log(math.Abs(any)), Log1p(size), Tanh(size), Tanh(-size), Pow(size, near), Pow(p, size*100), Pow(any, near),
			Sinpi(near*100), Cospi(near*100), NormalQuantile(p), NormalQuantile(math.Ldexp(p, -rng.IntN(1000))))
		add(float64(Exp(-single)), float64(Tanh(single)), float64(FMA(float32(near), single, float32(p))))
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != want {
		t.Errorf("the digest is %s, want %s", got, want)
	}
}
