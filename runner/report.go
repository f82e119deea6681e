package runner

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"slices"
	"strconv"
	"unicode"
	"unicode/utf8"
)

// A Report is the metrics of a program after an epoch, from one line of its standard output.
type Report struct {
	Epoch   int
	Metrics []string // sorted
	Values  []float64
}

// The limits of a report.
const (
	MaxReportBytes = 64 << 10
	maxMetricBytes = 100
	maxEpoch       = math.MaxInt32
)

// ParseReport reads a line such as
//
//	{"epoch": 3, "val_loss": 0.41, "val_accuracy": 0.87}
//
// and reports whether it is a report: an object of JSON with an integer "epoch" of at least 0. Other
// numbers are metrics, everything else is ignored. NaN, Infinity and −Infinity count as numbers, as
// Python's json module writes them. So does null, as JavaScript writes all three.
func ParseReport(line []byte) (Report, bool) {
	line = bytes.TrimSpace(line)
	if len(line) < 2 || len(line) > MaxReportBytes || line[0] != '{' || line[len(line)-1] != '}' {
		return Report{}, false
	}
	var fields map[string]any
	decode := func(text []byte) error {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		fields = nil
		if err := d.Decode(&fields); err != nil {
			return err
		}
		if _, err := d.Token(); err != io.EOF {
			return errors.New("something follows the object")
		}
		return nil
	}
	if decode(line) != nil && decode(spellOut(line)) != nil {
		return Report{}, false
	}
	number, ok := fields["epoch"].(json.Number)
	if !ok {
		return Report{}, false
	}
	epoch, err := strconv.ParseFloat(string(number), 64) // 3.0 is 3: numpy's integers become that
	if err != nil || epoch < 0 || epoch > maxEpoch || epoch != math.Trunc(epoch) {
		return Report{}, false
	}
	r := Report{Epoch: int(epoch)}
	for name, v := range fields {
		if name != "epoch" && IsMetricName(name) && isNumber(v) {
			r.Metrics = append(r.Metrics, name)
		}
	}
	slices.Sort(r.Metrics)
	for _, name := range r.Metrics {
		v := math.NaN() // null
		if text, ok := fields[name].(json.Number); ok {
			v, _ = strconv.ParseFloat(string(text), 64) // past the range it is ±Inf, as it is in Python
		}
		r.Values = append(r.Values, v)
	}
	return r, true
}

func isNumber(v any) bool {
	_, ok := v.(json.Number)
	return ok || v == nil
}

// spellOut replaces the words of Python's json that JSON does not have: NaN by null, the infinities
// by numbers past the range.
func spellOut(line []byte) []byte {
	out := make([]byte, 0, len(line)+16)
	quoted := false
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case quoted && c == '\\' && i+1 < len(line):
			out = append(out, c)
			i++
			c = line[i]
		case c == '"':
			quoted = !quoted
		case !quoted && bytes.HasPrefix(line[i:], []byte("NaN")):
			out = append(out, "null"...)
			i += len("NaN") - 1
			continue
		case !quoted && bytes.HasPrefix(line[i:], []byte("Infinity")):
			out = append(out, "1e999"...)
			i += len("Infinity") - 1
			continue
		}
		out = append(out, c)
	}
	return out
}

// IsMetricName reports whether a metric of a program can have the name, which heads a column of
// tables.
func IsMetricName(name string) bool {
	if name == "" || len(name) > maxMetricBytes || !utf8.ValidString(name) {
		return false
	}
	for _, r := range name {
		if !unicode.IsPrint(r) || r == ' ' {
			return false
		}
	}
	return true
}

// value is a metric of the report, if it has it.
func (r Report) value(name string) (float64, bool) {
	i, ok := slices.BinarySearch(r.Metrics, name)
	if !ok {
		return math.NaN(), false
	}
	return r.Values[i], true
}
