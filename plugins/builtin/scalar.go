package builtin

import "math"

// A scalar is a float64 kept as the bits of an int64, so that it can be one of the counters of a
// component's state: a vector of the state would round it where elements are float32.
type scalar int64

func (s scalar) get() float64 { return math.Float64frombits(uint64(s)) }

func (s *scalar) set(x float64) { *s = scalar(math.Float64bits(x)) }

// counter is the scalar as the state lists it.
func (s *scalar) counter() *int64 { return (*int64)(s) }
