package store

import (
	"hash/fnv"
	"math"

	"github.com/xrun-dev/xrun/runner"
)

// A series is the running summary of one metric of an open run.
type series struct {
	metric int64
	name   uint64 // hash of the metric's name
	sum    float64
	lost   float64 // the rounding error of sum: Neumaier's compensation
	newest int     // epoch
	runner.Summary
}

func newSeries(metric int64, name string) *series {
	h := fnv.New64a()
	h.Write([]byte(name))
	return &series{metric: metric, name: h.Sum64(), Summary: runner.Summary{Min: math.NaN(), Max: math.NaN()}}
}

func (s *series) observe(step int, v float64) {
	if s.Count == 0 {
		s.First = v
	}
	if s.newest == 0 && step > 0 { // a minimum or maximum is of the trained model
		s.Min, s.Max = math.NaN(), math.NaN()
	}
	s.newest = step
	s.Last = v
	s.Count++
	if v < s.Min || s.Min != s.Min && v == v {
		s.Min, s.MinStep = v, step
	}
	if v > s.Max || s.Max != s.Max && v == v {
		s.Max, s.MaxStep = v, step
	}
	sum := s.sum + v
	if math.Abs(s.sum) >= math.Abs(v) {
		s.lost += (s.sum - sum) + v
	} else {
		s.lost += (v - sum) + s.sum
	}
	s.sum = sum
}

// mean is the mean of the observed values. The compensation is NaN and void if one is infinite.
func (s *series) mean() float64 {
	total := s.sum
	if !math.IsInf(total, 0) {
		total += s.lost
	}
	return total / float64(s.Count)
}

// valueAt is the value after an epoch, where it is the least or the greatest of the trained epochs. A zero is not
// told: its sign is lost in the table of summaries. What a run has one value of, such as a score at its end, counts at any epoch.
func valueAt(u runner.Summary, epoch int) (v float64, ok bool) {
	switch {
	case u.Count == 1:
		return u.First, true
	case u.MinStep == epoch && (u.Min < 0 || u.Min > 0):
		return u.Min, true
	case u.MaxStep == epoch && (u.Max < 0 || u.Max > 0):
		return u.Max, true
	}
	return math.NaN(), false
}

// pointHash is the part of one point in the hash of its run. Parts are added, so their order does not matter.
// The mixing is the finalizer of SplitMix64 (Steele, Lea, Flood 2014).
func pointHash(name uint64, step int, v float64) uint64 {
	return mix(mix(name^uint64(step)) ^ math.Float64bits(v))
}

func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}
