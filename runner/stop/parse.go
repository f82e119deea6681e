package stop

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// An option is a number or a word of a rule on a command line.
type option struct {
	name  string
	value any // *int, *float64, *Delta or *BestUpdate
	least float64
	open  bool // least itself is out of range
}

// options lists the options of a rule. The value of the first stands after the rule's name.
func (r *Rule) options() []option {
	strip := option{name: "strip", value: &r.Strip, least: 1}
	var own []option
	switch r.name() {
	case Patience:
		own = []option{{name: "patience", value: &r.Patience}, {name: "min_delta", value: &r.MinDelta},
			{name: "delta", value: &r.Delta}, {name: "best_update", value: &r.BestUpdate}}
	case GL:
		own = []option{{name: "alpha", value: &r.Alpha, open: true}}
	case PQ:
		strip.least = 2 // within one epoch there is no progress to speak of
		own = []option{{name: "alpha", value: &r.Alpha, open: true}, strip}
	case UP:
		own = []option{{name: "strips", value: &r.Strips, least: 1}, strip}
	}
	return append(own, option{name: "start_from", value: &r.StartFrom}, option{name: "target", value: &r.Target, least: math.Inf(-1)})
}

// optionError is an error in the text of a rule.
type optionError struct{ problem, allowed string }

func (e *optionError) Error() string { return e.problem }

// Hint lists the allowed texts.
func (e *optionError) Hint() string { return e.allowed }

// Parse reads a rule from a command line: "gl:5", "pq:0.5,strip=5", "up:3", "patience:10,min_delta=1e-4". Omitted
// options have their defaults. The caller sets the monitor.
func Parse(text string) (Rule, error) {
	name, rest, given := strings.Cut(text, ":")
	if !slices.Contains(Names, Name(name)) {
		return Rule{}, &optionError{fmt.Sprintf("there is no rule %q", name), "write gl:5, pq:0.5, up:3 or patience:10"}
	}
	r := New(Name(name))
	options := r.options()
	if !given {
		return r, nil
	}
	seen := map[string]bool{}
	for i, part := range strings.Split(rest, ",") {
		key, value, named := strings.Cut(part, "=")
		if i == 0 && !named {
			key, value = options[0].name, part
		} else if !named {
			return Rule{}, &optionError{fmt.Sprintf("rule %q: %q is not of the form key=value", text, part), usage(name, options)}
		}
		i := slices.IndexFunc(options, func(o option) bool { return o.name == key })
		if i < 0 {
			return Rule{}, &optionError{fmt.Sprintf("rule %q: %s has no option %q", text, name, key), usage(name, options)}
		}
		if seen[key] {
			return Rule{}, &optionError{fmt.Sprintf("rule %q: %s is given twice", text, key), usage(name, options)}
		}
		seen[key] = true
		if problem := options[i].set(value); problem != "" {
			return Rule{}, &optionError{fmt.Sprintf("rule %q: %s is %q, but wants %s", text, key, value, problem), usage(name, options)}
		}
		r.HasTarget = r.HasTarget || key == "target"
	}
	return r, nil
}

// set reads a value; problem describes the values that are allowed, if it is wrong.
func (o option) set(text string) (problem string) {
	within := func(x float64) bool { return x >= o.least && (x > o.least || !o.open) && !math.IsInf(x, 0) }
	limit := fmt.Sprintf("of at least %g", o.least)
	if o.open {
		limit = fmt.Sprintf("above %g", o.least)
	}
	if math.IsInf(o.least, 0) {
		limit = "that is finite"
	}
	word := func(words ...string) string {
		if slices.Contains(words, text) {
			return ""
		}
		return strings.Join(words, " or ")
	}
	switch v := o.value.(type) {
	case *int:
		n, err := strconv.Atoi(text)
		if err != nil || !within(float64(n)) {
			return "an integer " + limit
		}
		*v = n
	case *float64:
		x, err := strconv.ParseFloat(text, 64)
		if err != nil || !within(x) {
			return "a number " + limit
		}
		*v = x
	case *Delta:
		problem = word(string(Absolute), string(Relative))
		*v = Delta(text)
	case *BestUpdate:
		problem = word(string(OnThreshold), string(OnAny))
		*v = BestUpdate(text)
	}
	return problem
}

func usage(name string, options []option) string {
	names := make([]string, len(options))
	for i, o := range options {
		names[i] = o.name
	}
	return fmt.Sprintf("%s takes %s: write %s:%s,start_from=2", name, strings.Join(names, ", "), name, options[0].text())
}

func (o option) text() string {
	switch v := o.value.(type) {
	case *int:
		return strconv.Itoa(*v)
	case *float64:
		return strconv.FormatFloat(*v, 'g', -1, 64)
	case *Delta:
		return string(*v)
	default:
		return string(*v.(*BestUpdate))
	}
}

// String writes the rule as [Parse] reads it, without options that have their default.
func (r Rule) String() string {
	defaults := New(r.name())
	r.Name = r.name()
	if r.Delta == "" {
		r.Delta = Absolute
	}
	if r.BestUpdate == "" {
		r.BestUpdate = OnThreshold
	}
	own, plain := r.options(), defaults.options()
	text := string(r.Name) + ":" + own[0].text()
	for i := range own[1:] {
		o := own[i+1]
		if o.name == "target" && r.HasTarget || o.name != "target" && o.text() != plain[i+1].text() {
			text += "," + o.name + "=" + o.text()
		}
	}
	return text
}
