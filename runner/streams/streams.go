// Package streams gives every use of randomness a stream of its own, derived from the trial's
// seed by name, so that drawing more numbers for one purpose never shifts those of another.
//
// It is the only package that makes random sources for training.
package streams

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
)

// The names of the streams. A name is part of every result that used it: never change one.
const (
	Split = "split" // which examples validate, test and train
	Init  = "init"  // θ before training
	Order = "order" // the mini-batches
	Noise = "noise" // what a plugin or a noisy test function draws
)

// New is the stream of that name for a seed. Equal arguments give equal streams, on every machine.
func New(seed int64, name string) *rand.Rand {
	hi, lo := seeds(seed, name)
	return rand.New(rand.NewPCG(hi, lo))
}

// Seed is the first half of the state [New] starts from, for a consumer that has its own generator.
func Seed(seed int64, name string) uint64 {
	hi, _ := seeds(seed, name)
	return hi
}

func seeds(seed int64, name string) (uint64, uint64) {
	sum := sha256.Sum256(fmt.Appendf(nil, "xrun stream 1\n%s\n%d\n", name, seed))
	return binary.LittleEndian.Uint64(sum[:8]), binary.LittleEndian.Uint64(sum[8:16])
}
