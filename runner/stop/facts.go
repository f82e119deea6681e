package stop

import (
	"encoding/json"
	"math"
	"strconv"
)

// Why a trial was stopped.
const (
	causeRule       = "rule"
	causeTarget     = "target"
	causeDivergence = "divergence"
)

// Facts are the numbers of a decision to stop.
type Facts struct {
	Rule      string  // as [Parse] reads it
	Cause     string  // causeRule, causeTarget or causeDivergence
	Metric    string  // the metric of Value
	Epoch     int     // of the decision
	Value     float64 // at Epoch
	BestEpoch int     // 0 before the first
	Best      float64 // of the monitored metric: NaN before the first
	// Measure names the number that the rule computes. Measured is its value, Limit the limit that it reached. All
	// are zero if a value was NaN or Inf.
	Measure         string
	Measured, Limit float64
}

// JSON is the facts in one line, with numbers by [Number].
func (f Facts) JSON() string {
	out := struct {
		Rule      string `json:"rule"`
		Cause     string `json:"cause"`
		Metric    string `json:"metric"`
		Epoch     int    `json:"epoch"`
		Value     any    `json:"value"`
		BestEpoch int    `json:"best_epoch"`
		Best      any    `json:"best"`
		Measure   string `json:"measure,omitempty"`
		Measured  any    `json:"measured,omitempty"`
		Limit     any    `json:"limit,omitempty"`
	}{f.Rule, f.Cause, f.Metric, f.Epoch, Number(f.Value), f.BestEpoch, Number(f.Best), f.Measure, nil, nil}
	if f.Measure != "" {
		out.Measured, out.Limit = Number(f.Measured), Number(f.Limit)
	}
	text, err := json.Marshal(out)
	if err != nil {
		panic(err) // all values can be encoded
	}
	return string(text)
}

// Number is a number in JSON: NaN is null, an infinity is the text "+Inf" or "-Inf".
func Number(x float64) any {
	switch {
	case math.IsNaN(x):
		return nil
	case math.IsInf(x, 0):
		return strconv.FormatFloat(x, 'g', -1, 64)
	}
	return x
}
