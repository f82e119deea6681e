package sweeps

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/sweeps/document"
	"github.com/xrun-dev/xrun/sweeps/stats"
	"github.com/xrun-dev/xrun/sweeps/where"
)

// A Comparison says how a sweep is compared. No trial depends on it.
type Comparison struct {
	Baseline string // the condition that trials of the baseline meet, in its canonical form; empty: the comparison chooses
	Test     string // one of Tests; empty: the comparison chooses
	Stat     string // one of Stats; empty: the mean
	Equal    string // up to which difference values are equal; empty: the comparison chooses
	Scale    string // one of Scales; empty: the comparison chooses
	Checks   []Check
	// Target is the target of [metric], set by ReadComparison.
	Target    float64
	HasTarget bool
}

// A Check is a condition on the outcome of a sweep. Its names are trials, failed, diverged, p, outcome and difference with
// its ends, and of the two points that are compared, best and baseline: NAME.lr, NAME.lambda, NAME.epochs and NAME.METRIC.
type Check struct {
	Name  string
	Where *where.Expression
}

// What [compare] can ask for, and `xrun compare`.
var (
	Tests  = []string{"moderated", "paired-t", "wilcoxon", "permutation", "welch", "mwu", "bootstrap", "sign"}
	Stats  = []string{"mean", "median", "iqm"}
	Scales = []string{"ratio", "logit", "difference"}
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
	if v, given := s.get("equal"); given {
		if _, err := stats.ParseMargin(v.Text); err != nil {
			s.report(s.place("equal"), document.Problem{Message: err.Error(), Help: "it is " + stats.MarginForms})
			return
		}
		c.Equal = v.Text
	}
	if v, given := s.get("scale"); given {
		c.Scale = v.Text
	}
	ofMeans := c.Stat == "" || c.Stat == "mean"
	switch moderated := c.Test == "moderated" || c.Test == "" && ofMeans; {
	case c.Test == "moderated" && !ofMeans:
		s.report(s.place("test"), document.Problem{Message: fmt.Sprintf("the moderated test is of means, and `stat` is %q", c.Stat), Help: "leave `test` out: the statistic then has the test that suits it"})
	case c.Scale != "" && !moderated:
		s.report(s.place("scale"), document.Problem{Message: "`scale` is for the moderated test, which is of means", Help: "leave `scale` out, or `test` and `stat`"})
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
			if x := s.compile(n, schema); x != nil && s.knowsOutcomes(n, x) {
				d.spec.Compare.Checks = append(d.spec.Compare.Checks, Check{e.Name, x})
			}
		}
	}
}

// outcomeName is the name of what the comparison has come to, and Outcomes are its values.
const outcomeName = "outcome"

// Outcomes are the values of the name outcome of checks.
var Outcomes = []string{"better", "worse", "equal", "undecided"}

// knowsOutcomes reports whether a condition compares the outcome with words that it can be. Others would never be equal to it.
func (s section) knowsOutcomes(n *document.Node, x *where.Expression) bool {
	known := true
	with := func(operand where.Node, words ...where.Node) {
		if name, ok := operand.(*where.Name); !ok || name.Name != outcomeName {
			return
		}
		for _, word := range words {
			literal, ok := word.(*where.Literal)
			if !ok || slices.Contains(Outcomes, literal.Value.Text) {
				continue
			}
			known = false
			p := document.Problem{Message: fmt.Sprintf("no outcome is called %q", document.Clip(literal.Value.Text)), Help: "it is one of " + strings.Join(Outcomes, ", ")}
			if meant := document.Nearest(literal.Value.Text, Outcomes); meant != "" {
				p.Label = fmt.Sprintf("did you mean '%s'?", meant)
			}
			s.report(s.Inside(n, literal.From, literal.To), p)
		}
	}
	where.Walk(x.Root, func(node where.Node) bool {
		switch node := node.(type) {
		case *where.Binary:
			with(node.Left, node.Right)
			with(node.Right, node.Left)
		case *where.Member:
			for _, item := range node.List {
				with(node.Operand, item)
			}
		}
		return true
	})
	return known
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
	s := where.Schema{Names: map[string]where.Type{}, Hints: []string{"trials", "failed", "diverged", "p", "difference", "difference.low", "difference.high"}}
	for _, arm := range arms {
		for _, of := range []string{"lr", "lambda", "epochs"} {
			s.Hints = append(s.Hints, arm+"."+of)
		}
	}
	for _, name := range s.Hints {
		s.Names[name] = where.Number
	}
	s.Hints = slices.Insert(s.Hints, 4, outcomeName)
	s.Names[outcomeName] = where.Text
	s.Family = func(name string) (where.Type, bool) { return where.Number, slices.ContainsFunc(arms, before(name)) }
	return s
}

// compared writes the comparison as lines of Resolved.
func (s *Spec) compared() string {
	var b strings.Builder
	b.WriteString(s.asked())
	for _, c := range s.Compare.Checks {
		comparedLine(&b, "check."+strconv.Quote(c.Name), c.Where.String())
	}
	return b.String()
}

// asked is compared without checks.
func (s *Spec) asked() string {
	var b strings.Builder
	comparedLine(&b, "compare.baseline", s.Compare.Baseline)
	comparedLine(&b, "compare.test", s.Compare.Test)
	comparedLine(&b, "compare.stat", s.Compare.Stat)
	comparedLine(&b, "compare.equal", s.Compare.Equal)
	comparedLine(&b, "compare.scale", s.Compare.Scale)
	return b.String()
}

func comparedLine(b *strings.Builder, path, value string) {
	if value != "" {
		fmt.Fprintf(b, "%s = %s\n", path, strconv.Quote(value))
	}
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
		into := map[string]*string{"compare.baseline": &c.Baseline, "compare.test": &c.Test, "compare.stat": &c.Stat, "compare.equal": &c.Equal, "compare.scale": &c.Scale}[path]
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
