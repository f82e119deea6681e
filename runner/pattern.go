package runner

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"sync"
)

// A Pattern finds the values of a metric in what a program prints.
type Pattern struct {
	Metric string // or "epoch"
	Text   string // a regular expression with one group, which holds the number
}

// MetricEpoch is the name of the pattern that finds the number of an epoch.
const MetricEpoch = "epoch"

// A PatternError says what is wrong with a regular expression, and where if that is known.
type PatternError struct {
	From, To int // in bytes of the expression; equal if the place is unknown
	Message  string
	Help     string
}

func (e *PatternError) Error() string { return e.Message }

// Hint says what can be done about the error.
func (e *PatternError) Hint() string { return e.Help }

// CheckPattern reports what is wrong with a regular expression of a metric. Its error is a [*PatternError].
func CheckPattern(text string) error {
	const example = `for instance 'val_loss=([0-9.e+-]+)'; the syntax is that of Go's package regexp`
	expression, err := regexp.Compile(text)
	var wrong *syntax.Error
	switch {
	case errors.As(err, &wrong):
		at := &PatternError{Message: "the regular expression is not right: " + string(wrong.Code), Help: example}
		if i := strings.Index(text, wrong.Expr); i >= 0 && wrong.Expr != "" {
			at.From, at.To = i, i+len(wrong.Expr)
			at.Message += fmt.Sprintf(" `%s`", wrong.Expr)
		}
		return at
	case err != nil:
		return &PatternError{Message: err.Error(), Help: example}
	case expression.NumSubexp() != 1:
		return &PatternError{Message: fmt.Sprintf("the regular expression has %d groups, wants the one that holds the number", expression.NumSubexp()),
			Help: example + "; (?:…) groups without holding, \\( is a parenthesis"}
	}
	return nil
}

// A Reader reads the reports of one program from the lines that it prints. Several goroutines may use it.
type Reader struct {
	metrics     []string
	patterns    []Pattern
	expressions []*regexp.Regexp
	epochs      bool // a pattern finds the epoch

	mu      sync.Mutex
	epoch   int  // the newest
	open    bool // the program has named the epoch, and it has not been reported
	gathers map[string]float64
}

// NewReader makes a Reader of a program's declared metrics. With patterns, a report is what these find.
func NewReader(metrics []string, patterns []Pattern) (*Reader, error) {
	r := &Reader{metrics: metrics, patterns: patterns, gathers: map[string]float64{}}
	for _, p := range patterns {
		e, err := regexp.Compile(p.Text)
		if err != nil {
			return nil, err
		}
		r.expressions = append(r.expressions, e)
		r.epochs = r.epochs || p.Metric == MetricEpoch
	}
	if r.epochs {
		r.epoch = -1
	}
	return r, nil
}

// Line reads a line without escape sequences. It returns the reports that the line completes, and what of the line
// is output. Reports in JSON count on standard output only. Patterns look at standard error as well, but not at a
// frame, which is overwritten: progress bars print a value again and again.
func (r *Reader) Line(line []byte, stderr, frame bool) (reports []Report, rest []byte) {
	if len(r.patterns) > 0 && frame {
		return nil, line
	}
	if len(r.patterns) > 0 {
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.match(string(line)), line
	}
	reports, rest, doubt := ParseReports(line, r.metrics)
	if stderr && len(reports) > 0 {
		doubt = doubtful(line, r.metrics, "it is on standard error, and reports are read from standard output")
		reports, rest = nil, line
	} else if stderr && !bytes.Contains(line, []byte("epoch")) {
		doubt = nil // a traceback shows the lines that log: run.log({"val_loss": …
	}
	if doubt != nil {
		reports = append(reports, Report{Doubt: doubt})
	}
	return reports, rest
}

// End returns the last report of patterns, if one has not been complete.
func (r *Reader) End() []Report {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.complete()
}

// match takes the values of a line. Those of an epoch gather until each metric has one, the first metric comes again
// or another epoch is named, or the program ends. Where a pattern finds the epoch, values before the first one and
// after the report of one do not count.
func (r *Reader) match(line string) (reports []Report) {
	found := map[string]float64{}
	for i, e := range r.expressions {
		all := e.FindAllStringSubmatch(line, -1)
		if len(all) == 0 {
			continue
		}
		last := all[len(all)-1][1] // of a metric that stands in the line twice the newest
		p := r.patterns[i]
		v, ok := ParseNumber(strings.TrimSpace(last))
		if p.Metric == MetricEpoch && (v < 0 || v > maxEpoch || v != float64(int(v))) {
			ok = false
		}
		if !ok {
			what := "no number"
			if p.Metric == MetricEpoch {
				what = "no whole number of at least 0"
			}
			reports = append(reports, Report{Doubt: &Doubt{Line: clipLine(line), Why: fmt.Sprintf("the pattern of %s finds %q, which is %s", p.Metric, clipLine(last), what)}})
			continue
		}
		found[p.Metric] = v
	}
	if len(found) == 0 {
		return reports
	}
	if v, ok := found[MetricEpoch]; ok {
		if epoch := int(v); epoch != r.epoch {
			reports = append(reports, r.complete()...)
			r.epoch, r.open = epoch, true
		}
		delete(found, MetricEpoch)
	}
	if r.epochs && !r.open {
		return reports // no epoch yet, or one that has been reported
	}
	_, has := r.gathers[r.metrics[0]]
	if _, again := found[r.metrics[0]]; again && has && !r.epochs {
		reports = append(reports, r.complete()...)
	}
	maps.Copy(r.gathers, found)
	if len(r.gathers) == len(r.metrics) {
		reports = append(reports, r.complete()...)
	}
	return reports
}

// complete reports what has gathered.
func (r *Reader) complete() []Report {
	if len(r.gathers) == 0 {
		return nil
	}
	if !r.epochs {
		r.epoch++
	}
	report := Report{Epoch: r.epoch, Metrics: slices.Sorted(maps.Keys(r.gathers))}
	for _, name := range report.Metrics {
		report.Values = append(report.Values, r.gathers[name])
	}
	clear(r.gathers)
	r.open = false
	return []Report{report}
}

// inText writes patterns for the settings of a trial.
func inText(patterns []Pattern) string {
	texts := make([]string, len(patterns))
	for i, p := range patterns {
		texts[i] = p.Metric + "=" + p.Text
	}
	return inJSON(texts)
}

// clipLine keeps a line short enough for a message.
func clipLine(line string) string {
	const longest = 300
	line = strings.TrimSpace(line)
	if len(line) > longest {
		return strings.ToValidUTF8(line[:longest], "") + "…"
	}
	return line
}
