// Package streams derives a random stream for every purpose from the trial's seed and a name, so that more numbers for
// one purpose never shift the numbers of another.
//
// No other package makes random sources for training.
package streams

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"github.com/xrun-dev/xrun/plugins/elementary"
)

// The names of the streams. Never change a name: results depend on it.
const (
	Split = "split" // which examples validate, test and train
	Init  = "init"  // θ before training
	Order = "order" // the mini-batches
	Noise = "noise" // numbers for a plugin or a noisy test function
)

// New is the stream of a name for a seed. Equal arguments give equal streams on every machine.
func New(seed int64, name string) *rand.Rand {
	hi, lo := seeds(seed, name)
	return rand.New(rand.NewPCG(hi, lo))
}

// Seed is the first half of the initial state of [New], for consumers with their own generator.
func Seed(seed int64, name string) uint64 {
	hi, _ := seeds(seed, name)
	return hi
}

func seeds(seed int64, name string) (uint64, uint64) {
	sum := sha256.Sum256(fmt.Appendf(nil, "xrun stream 1\n%s\n%d\n", name, seed))
	return binary.LittleEndian.Uint64(sum[:8]), binary.LittleEndian.Uint64(sum[8:16])
}

// Normal draws from N(0, 1): the quantile of a uniform draw, which has the same bits on every machine.
func Normal(r *rand.Rand) float64 {
	const unit = 0x1p-52
	return elementary.NormalQuantile(float64((float64(r.Uint64()>>12) + 0.5) * unit))
}
