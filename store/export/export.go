// Package export writes runs for other programs: as CSV, JSON Lines, Parquet and TensorBoard event files, and to an
// MLflow server.
//
// It reads one run after the other, so that its memory does not grow with the number of runs, and compares the values of
// every run with the hash that was recorded with them. The caller chooses the runs and the place of files.
package export

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/store"
)

// A Source is the runs that are exported.
type Source struct {
	Store *store.Store
	Runs  []store.Run // in the order of writing
	// Metrics are the metrics that are written; empty is all.
	Metrics []string
	// Settings are the paths of the settings that tables have columns for, sorted.
	Settings []string
	// Types are the types of settings by path, several where trials differ; see [store.Names].
	Types map[string][]plugins.Type
	// Recorded are the names of all metrics of the runs, sorted; see [store.Names].
	Recorded []string
	// Seen is called with the number of runs that are done; it may be nil.
	Seen func(done int)
}

// each calls f for every run, with the values of Settings.
func (s *Source) each(ctx context.Context, f func(r *store.Run, settings []plugins.Value) error) error {
	values := make([]plugins.Value, len(s.Settings))
	for i := range s.Runs {
		r := &s.Runs[i]
		if len(s.Settings) > 0 {
			clear(values)
			all, err := s.Store.TrialSettings(ctx, r.Trial)
			if err != nil {
				return err
			}
			for _, setting := range all {
				if at, ok := slices.BinarySearch(s.Settings, setting.Path); ok {
					values[at] = setting.Value
				}
			}
		}
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		if err := f(r, values); err != nil {
			return err
		}
		if s.Seen != nil {
			s.Seen(i + 1)
		}
	}
	return nil
}

// wants reports whether a metric is written.
func (s *Source) wants(metric string) bool {
	return len(s.Metrics) == 0 || slices.Contains(s.Metrics, metric)
}

// columns are the metrics that tables have columns for.
func (s *Source) columns() []string {
	var all []string
	for _, metric := range s.Recorded {
		if s.wants(metric) {
			all = append(all, metric)
		}
	}
	return all
}

// typeOf is the type of a setting's column. Columns of several types are text, of integers and reals real.
func (s *Source) typeOf(path string) plugins.Type {
	types := s.Types[path]
	switch {
	case len(types) == 1 && types[0] != plugins.TypeChoice:
		return types[0]
	case len(types) > 0 && !slices.ContainsFunc(types, func(t plugins.Type) bool { return t != plugins.TypeReal && t != plugins.TypeInteger }):
		return plugins.TypeReal
	}
	return plugins.TypeText
}

// appendReal writes a number in the fewest digits that read back to the same bits, and always with a point or an
// exponent: a reader that guesses a column's type by its first rows would take 0 and 1 for integers. pandas, polars,
// R and DuckDB all read the spellings NaN, inf and -inf.
func appendReal(dst []byte, x float64) []byte {
	switch {
	case math.IsNaN(x):
		return append(dst, "NaN"...)
	case math.IsInf(x, 1):
		return append(dst, "inf"...)
	case math.IsInf(x, -1):
		return append(dst, "-inf"...)
	}
	from := len(dst)
	dst = strconv.AppendFloat(dst, x, 'g', -1, 64)
	if !slices.ContainsFunc(dst[from:], func(c byte) bool { return c == '.' || c == 'e' }) {
		dst = append(dst, ".0"...)
	}
	return dst
}

func real(x float64) string { return string(appendReal(nil, x)) }

// text writes a setting's value for a table. A missing setting is empty.
func text(v plugins.Value) string {
	switch v.Type {
	case "":
		return ""
	case plugins.TypeReal:
		return real(v.Real)
	}
	return v.String()
}

// distinct appends numbers to equal names, in place.
func distinct(names []string) []string {
	seen := map[string]bool{}
	for i, name := range names {
		for n := 2; seen[names[i]]; n++ {
			names[i] = fmt.Sprintf("%s_%d", name, n)
		}
		seen[names[i]] = true
	}
	return names
}

// maxInLabel limits the settings in a label: longer ones are unreadable.
const maxInLabel = 8

// label is a short name of a run: its optimizer, regularizer and settings.
func (s *Source) label(r *store.Run, settings []plugins.Value) string {
	parts := []string{}
	if r.Optimizer != "" {
		parts = append(parts, r.Optimizer)
	}
	if r.LR != 0 {
		parts = append(parts, "lr"+short(r.LR))
	}
	if r.Regularizer != "" {
		parts = append(parts, r.Regularizer)
	}
	if r.Lambda != 0 || r.Regularizer != "" {
		parts = append(parts, "lambda"+short(r.Lambda))
	}
	for i, v := range settings {
		if len(settings) > maxInLabel || v.IsZero() {
			continue
		}
		value := v.String()
		if v.Type == plugins.TypeReal {
			value = short(v.Real)
		}
		parts = append(parts, s.Settings[i][strings.LastIndexByte(s.Settings[i], '.')+1:]+value)
	}
	return strings.Join(append(parts, "seed"+strconv.FormatInt(r.Seed, 10)), "_")
}

// short writes a number for a name, in four digits: 1e-3, 0.1, 250.
func short(x float64) string {
	text := strconv.FormatFloat(x, 'g', 4, 64)
	if a := math.Abs(x); a >= 1e-2 && a < 1e4 || a == 0 {
		return text
	}
	mantissa, exponent, _ := strings.Cut(strconv.FormatFloat(x, 'e', 3, 64), "e")
	n, err := strconv.Atoi(exponent)
	if err != nil {
		return text // an infinity
	}
	if strings.Contains(mantissa, ".") {
		mantissa = strings.TrimRight(strings.TrimRight(mantissa, "0"), ".")
	}
	return mantissa + "e" + strconv.Itoa(n)
}
