package starter

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
)

// A Continuation is what another tool has searched, from which a sweep file is written that goes on with it.
type Continuation struct {
	From     string   // what is continued, in words
	Name     string   // of the sweep
	Program  []string // the command without the values; empty if unknown
	Style    string   // how the program takes a value, with NAME and VALUE, such as --NAME VALUE
	Tracking string   // the tracker that the program logs to by itself; empty for none
	Metric   string
	Goal     string // min or max
	Seeds    int    // 0 if there were none
	SeedName string // seed if empty
	Axes     []Axis
	Fixed    []Fixed  // settings with one value
	Best     []Fixed  // the settings of the best run so far; empty if unknown
	BestSays string   // the best run, in words
	Notes    []string // what has no equal here
}

// An Axis is what has been searched of one setting: values, or a range.
type Axis struct {
	Name      string
	As        string          // its name here; empty for one like it
	Values    []plugins.Value // distinct; empty for a range
	Low, High float64
	Log       bool
	Whole     bool // integers
	Says      string
}

// A Fixed is a setting with its value.
type Fixed struct {
	Name  string
	Value plugins.Value
}

// Limits of what is written of an axis, and of a grid without a remark.
const (
	mostListed  = 12
	ofARange    = 5
	ofALargeOne = 3
	largeGrid   = 2000
)

var axisName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_-]{0,63}$`)

// taken are names that an axis of a program cannot have.
var taken = map[string]bool{"seed": true, "seeds": true, "epochs": true, "zip": true, "trial": true, "dir": true}

// axisNames are names for axes in a sweep file, by the names elsewhere.
func axisNames(axes []Axis) map[string]string {
	used, as := map[string]bool{}, map[string]string{}
	for _, a := range axes {
		if a.As != "" {
			used[a.As], as[a.Name] = true, a.As
		}
	}
	for _, a := range axes {
		name := a.Name
		if as[name] != "" {
			continue
		}
		short := strings.Map(func(r rune) rune {
			if r < 128 && (r == '_' || r == '-' || r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z') {
				return r
			}
			return '_'
		}, strings.TrimLeft(name, "+")) // with which Hydra adds a name
		if len(short) > 60 {
			short = short[:60]
		}
		if !axisName.MatchString(short) {
			short = "_" + short
		}
		for n, base := 2, short; taken[short] || used[short]; n++ {
			short = fmt.Sprintf("%s_%d", base, n)
		}
		used[short], as[name] = true, short
	}
	return as
}

// Text is the sweep file.
func (c *Continuation) Text() string {
	var b strings.Builder
	as := axisNames(c.Axes)
	per := ofARange
	if c.size(per) > largeGrid {
		per = ofALargeOne
	}
	fmt.Fprintf(&b, "# This goes on with %s.\n# xrun plan shows what would be trained, xrun sweep trains it. All keys: xrun help sweep-file\n\n", comment(c.From))
	seeds := max(c.Seeds, 3)
	fmt.Fprintf(&b, "schema = 1\nname   = %s\nseeds  = %d", quoted(c.Name), seeds)
	if c.Seeds == 0 {
		b.WriteString("                        # each point under so many seeds: without them nothing tells chance from effect")
	}
	b.WriteString("\n\n[task]\n")
	program := c.Program
	if len(program) == 0 {
		b.WriteString("# Nothing there says which program trains: put yours here. It takes its values as arguments, or asks xrun.config() for them.\n")
		program = []string{"python3", "train.py"}
	}
	fmt.Fprintf(&b, "command = [%s", list(program))
	style := cmp.Or(c.Style, "--NAME VALUE")
	for _, a := range c.Axes {
		fmt.Fprintf(&b, ",\n           %s", list(argument(style, a.Name, "{"+as[a.Name]+"}")))
	}
	fmt.Fprintf(&b, ",\n           %s]\n", list(argument(style, cmp.Or(c.SeedName, "seed"), "{seed}")))
	switch {
	case c.Tracking != "":
		fmt.Fprintf(&b, "tracking = %-15s # what the program logs there comes here\n", quoted(c.Tracking))
	default:
		b.WriteString("# After each epoch it prints a line such as {\"epoch\": 1, " + quoted(c.Metric) + ": 0.5}, or calls xrun.log: xrun help programs\n")
	}
	fmt.Fprintf(&b, "metrics = [%s]\n\n[metric]\nname = %[1]s\ngoal = %s\n", quoted(c.Metric), quoted(c.Goal))
	b.WriteString("\n[grid]\n")
	if len(c.Axes) == 0 {
		b.WriteString("# Nothing differed there: add axes, such as lr = { log = [1e-4, 1.0], n = 5 }\n")
	}
	width := 0
	for _, name := range as {
		width = max(width, len(name))
	}
	for _, a := range c.Axes {
		says := a.Says
		if as[a.Name] != a.Name {
			says = strings.TrimPrefix(says+"; there "+a.Name, "; ")
		}
		if len(a.Values) > mostListed && says == "" {
			says = fmt.Sprintf("there were %d values", len(a.Values))
		}
		line := fmt.Sprintf("%-*s = %s", width, as[a.Name], a.text(per))
		if says != "" {
			line += "   # " + comment(says)
		}
		b.WriteString(line + "\n")
	}
	if n := c.size(per) * seeds; n > largeGrid {
		fmt.Fprintf(&b, "# These are %d trials with all seeds: shorten the axes, or give [seeds] a budget: xrun help sweep-file\n", n)
	}
	if len(c.Best) > 0 && len(c.Axes) > 0 {
		best := map[string]plugins.Value{}
		for _, s := range c.Best {
			best[s.Name] = s.Value
		}
		complete, listed := true, true
		for _, a := range c.Axes {
			v, has := best[a.Name]
			complete, listed = complete && has, listed && slices.Contains(a.values(per), v)
		}
		if complete && !listed {
			fmt.Fprintf(&b, "\n[[extra]]   # %s\n", comment(c.BestSays))
			for _, a := range c.Axes {
				fmt.Fprintf(&b, "%-*s = %s\n", width, as[a.Name], a.literal(best[a.Name]))
			}
		}
	}
	if len(c.Fixed) > 0 {
		b.WriteString("\n# The same in all of its runs:\n")
		for _, f := range c.Fixed {
			fmt.Fprintf(&b, "#   %s = %s\n", comment(f.Name), comment(literal(f.Value)))
		}
	}
	for _, note := range c.Notes {
		fmt.Fprintf(&b, "\n# %s\n", comment(note))
	}
	return b.String()
}

// argument is how a program takes a value.
func argument(style, name, value string) (words []string) {
	for _, word := range strings.Fields(style) {
		words = append(words, strings.ReplaceAll(strings.ReplaceAll(braced(word), "NAME", braced(name)), "VALUE", value))
	}
	return words
}

// braced doubles braces: a command has placeholders in single ones.
func braced(text string) string { return strings.NewReplacer("{", "{{", "}", "}}").Replace(text) }

// size is the number of points of the grid.
func (c *Continuation) size(per int) int {
	n := 1
	for _, a := range c.Axes {
		k := len(a.values(per))
		if k == 0 {
			k = per
		}
		if n *= k; n > 1<<40 {
			return n
		}
	}
	return n
}

// numbers are the values of an axis if all are numbers.
func (a Axis) numbers() (all []float64, whole bool) {
	whole = true
	for _, v := range a.Values {
		switch v.Type {
		case plugins.TypeInteger:
			all = append(all, float64(v.Integer))
		case plugins.TypeReal:
			all, whole = append(all, v.Real), false
		default:
			return nil, false
		}
	}
	return all, whole
}

// values are the values that are listed; none for a range that is written as one.
func (a Axis) values(per int) []plugins.Value {
	if len(a.Values) > 0 {
		if numbers, whole := a.numbers(); len(a.Values) > mostListed && numbers != nil {
			low, high := slices.Min(numbers), slices.Max(numbers)
			const wide = 20 // the ratio from which a range is likely to be meant in ratios
			return Axis{Low: low, High: high, Log: low > 0 && high/low >= wide, Whole: whole}.values(per)
		}
		return a.Values[:min(len(a.Values), mostListed)]
	}
	if !a.Whole {
		return nil
	}
	if n := a.High - a.Low + 1; n <= 8 {
		per = int(n)
	}
	var all []plugins.Value
	for i := range per {
		at := float64(i) / math.Max(float64(per-1), 1)
		x := a.Low + at*(a.High-a.Low)
		if a.Log {
			x = a.Low * math.Pow(a.High/a.Low, at)
		}
		if v := plugins.Integer(int64(math.Round(x))); !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return all
}

// text is the axis in a sweep file.
func (a Axis) text(per int) string {
	if values := a.values(per); len(values) > 0 {
		var words []string
		for _, v := range values { // of some, 1 and "1" are two; a program gets the same
			if word := a.literal(v); !slices.Contains(words, word) {
				words = append(words, word)
			}
		}
		return "[" + strings.Join(words, ", ") + "]"
	}
	low, high, log := a.Low, a.High, a.Log
	if numbers, _ := a.numbers(); numbers != nil {
		low, high = slices.Min(numbers), slices.Max(numbers)
		log = low > 0 && high/low >= 20
	}
	if low == high {
		return "[" + real(low) + "]"
	}
	form := "linear"
	if log {
		form = "log"
	}
	return fmt.Sprintf("{ %s = [%s, %s], n = %d }", form, real(low), real(high), per)
}

// literal is a value as the axis has it. If some of its values are texts, all are: programs get them as such.
func (a Axis) literal(v plugins.Value) string {
	texts := slices.ContainsFunc(a.Values, func(v plugins.Value) bool { return v.Type == plugins.TypeText })
	if texts && v.Type != plugins.TypeText {
		return quoted(strings.Trim(literal(v), `"`))
	}
	return literal(v)
}

// literal is a value in TOML.
func literal(v plugins.Value) string {
	switch v.Type {
	case plugins.TypeText:
		return quoted(v.Text)
	case plugins.TypeReal:
		return real(v.Real)
	}
	return fmt.Sprint(v)
}

// real is a number in TOML that is a real one.
func real(x float64) string {
	s := strconv.FormatFloat(x, 'g', -1, 64)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s
}

// quoted is a text in TOML.
func quoted(text string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range strings.ToValidUTF8(text, "\uFFFD") {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}

func list(words []string) string {
	all := make([]string, len(words))
	for i, word := range words {
		all[i] = quoted(word)
	}
	return strings.Join(all, ", ")
}

// comment is a text in one line.
func comment(text string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "\uFFFD"))
}

// Distinct are the values of a setting, in order: numbers by size, then the others as they came.
func Distinct(values map[plugins.Value]int) []plugins.Value {
	all := slices.Collect(maps.Keys(values))
	number := func(v plugins.Value) (float64, bool) {
		if v.Type == plugins.TypeInteger {
			return float64(v.Integer), true
		}
		return v.Real, v.Type == plugins.TypeReal
	}
	slices.SortFunc(all, func(a, b plugins.Value) int {
		x, isX := number(a)
		y, isY := number(b)
		switch {
		case isX && isY:
			return cmp.Compare(x, y)
		case isX:
			return -1
		case isY:
			return 1
		}
		return cmp.Or(cmp.Compare(values[a], values[b]), strings.Compare(fmt.Sprint(a), fmt.Sprint(b)))
	})
	return all
}
