package sweeps

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/sweeps/document"
	"github.com/xrun-dev/xrun/sweeps/where"
)

// A Comparison says how a sweep is compared. No trial depends on it.
type Comparison struct {
	Baseline string // the condition that trials of the baseline meet, in its canonical form; empty: the comparison chooses
	Test     string // one of Tests; empty: the comparison chooses
	Stat     string // one of Stats; empty: the mean
	Checks   []Check
	// Target is the target of [metric], set by ReadComparison.
	Target    float64
	HasTarget bool
}

// A Check is a condition on the outcome of a sweep. Its names are trials, failed, diverged and p, and of the
// two points that are compared, best and baseline: NAME.lr, NAME.lambda, NAME.epochs and NAME.METRIC.
type Check struct {
	Name  string
	Where *where.Expression
}

// What [compare] can ask for, and `xrun compare`.
var (
	Tests = []string{"paired-t", "wilcoxon", "permutation", "welch", "mwu", "bootstrap"}
	Stats = []string{"mean", "median", "iqm"}
)

// maxChecks limits [check] well above any use.
const maxChecks = 100

// comparison reads [compare].
func (d *decoder) comparison(e *document.Entry) {
	s := d.open(e, compareTable)
	c := &d.spec.Compare
	if d.baseline = s.expression("baseline"); d.baseline != nil { // before a problem here makes names doubtful
		c.Baseline = d.baseline.String()
	}
	s.only()
	if v, given := s.get("test"); given {
		c.Test = v.Text
	}
	if v, given := s.get("stat"); given {
		c.Stat = v.Text
	}
}

// countBaseline refuses a baseline that no trial meets. A first look may leave the baseline out.
func (d *decoder) countBaseline(e *document.Entry) {
	if d.baseline == nil || len(d.problems) > 0 || d.changes.Quick {
		return
	}
	for t := range d.spec.each() {
		if !d.spec.skips(t) && d.baseline.Evaluate(d.spec.lookup(t)) {
			return
		}
	}
	d.report(e.Value.Find("baseline").Value.At, document.Problem{Message: "no trial meets the condition of the baseline",
		Help: "a comparison with what a trial does not have is false; a trial with lambda 0 has no regularizer"})
}

// checks reads [check].
func (d *decoder) checks(e *document.Entry) {
	s := d.open(e, checkTable)
	if n := len(s.node.Entries); n > maxChecks {
		s.report(s.at, document.Problem{Message: fmt.Sprintf("%d checks are more than %d", n, maxChecks), Help: "join conditions with `and`"})
		return
	}
	schema := d.checkNames()
	for _, e := range s.node.Entries {
		switch n := e.Value; {
		case strings.TrimSpace(e.Name) == "" || !document.Showable(e.Name):
			s.report(e.At, document.Problem{Message: "the name of a check is empty or has characters that cannot be shown"})
		case n.Kind != document.Text:
			s.wrongType(e.Name, document.Text, n)
		case strings.TrimSpace(n.Text) == "":
			s.report(n.At, document.Problem{Message: fmt.Sprintf("`%s` is empty", document.Clip(e.Name)), Help: "for instance \"best.val_loss < baseline.val_loss * 0.98\""})
		default:
			if x := s.compile(n, schema); x != nil {
				d.spec.Compare.Checks = append(d.spec.Compare.Checks, Check{e.Name, x})
			}
		}
	}
}

// arms are the points whose values checks can use.
var arms = []string{"best", "baseline"}

// checkNames are the names that checks may use.
func (d *decoder) checkNames() where.Schema {
	s := outcomes()
	for _, arm := range arms {
		for _, metric := range d.spec.Task.Reported() {
			s.Names[arm+"."+metric] = where.Number
			s.Hints = append(s.Hints, arm+"."+metric)
		}
	}
	slices.SortStableFunc(s.Hints, func(a, b string) int { return slices.IndexFunc(arms, before(a)) - slices.IndexFunc(arms, before(b)) })
	if !d.unsure {
		s.Family = nil
	}
	s.Nearest = document.Nearest
	return s
}

func before(name string) func(arm string) bool {
	return func(arm string) bool { return strings.HasPrefix(name, arm+".") }
}

// outcomes are the names of checks, with any metric.
func outcomes() where.Schema {
	s := where.Schema{Names: map[string]where.Type{}, Hints: []string{"trials", "failed", "diverged", "p"}}
	for _, arm := range arms {
		for _, of := range []string{"lr", "lambda", "epochs"} {
			s.Hints = append(s.Hints, arm+"."+of)
		}
	}
	for _, name := range s.Hints {
		s.Names[name] = where.Number
	}
	s.Family = func(name string) (where.Type, bool) { return where.Number, slices.ContainsFunc(arms, before(name)) }
	return s
}

// compared writes the comparison as lines of Resolved.
func (s *Spec) compared() string {
	var b strings.Builder
	line := func(path, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s = %s\n", path, strconv.Quote(value))
		}
	}
	line("compare.baseline", s.Compare.Baseline)
	line("compare.test", s.Compare.Test)
	line("compare.stat", s.Compare.Stat)
	for _, c := range s.Compare.Checks {
		line("check."+strconv.Quote(c.Name), c.Where.String())
	}
	return b.String()
}

// ReadComparison reads the comparison from the text of [Spec.Resolved]. Old texts have none.
func ReadComparison(resolved string) (c Comparison, err error) {
	for line := range strings.Lines(resolved) {
		line = strings.TrimSuffix(line, "\n")
		path, value, _ := strings.Cut(line, " = ")
		if rest, ok := strings.CutPrefix(line, "check."); ok {
			quoted, err := strconv.QuotedPrefix(rest)
			if err != nil {
				return c, unreadable(line, err)
			}
			path, value = "check", strings.TrimPrefix(rest[len(quoted):], " = ")
			name, err := strconv.Unquote(quoted)
			if err != nil {
				return c, unreadable(line, err)
			}
			text, err := strconv.Unquote(value)
			if err != nil {
				return c, unreadable(line, err)
			}
			x, err := where.Compile(text, outcomes())
			if err != nil {
				return c, unreadable(line, err)
			}
			c.Checks = append(c.Checks, Check{name, x})
			continue
		}
		into := map[string]*string{"compare.baseline": &c.Baseline, "compare.test": &c.Test, "compare.stat": &c.Stat}[path]
		switch {
		case into != nil:
			*into, err = strconv.Unquote(value)
		case path == "metric.target":
			c.HasTarget = true
			c.Target, err = strconv.ParseFloat(value, 64)
		}
		if err != nil {
			return c, unreadable(line, err)
		}
	}
	return c, nil
}

func unreadable(line string, err error) error {
	return fmt.Errorf("read the specification of the sweep: %s: %w", document.Clip(line), err)
}
