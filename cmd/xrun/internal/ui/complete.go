package ui

import (
	"errors"
	"fmt"
	"iter"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/sheet"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/sweeps/document"
	"github.com/xrun-dev/xrun/sweeps/where"
)

// A word can stand at a place of an expression.
type word struct {
	Text string `json:"text"`
	Kind string `json:"kind"` // name, operator or value
	Help string `json:"help"`
}

var operators = []word{{"==", "operator", "is equal; a number equals what tables show for it"}, {"!=", "operator", "is another one"}, {"<", "operator", "is less"}, {"<=", "operator", "is less or equal"},
	{">", "operator", "is more"}, {">=", "operator", "is more or equal"}, {"in", "operator", "is one of a list: in [1, 2]"}, {"not in", "operator", "is none of a list"},
	{"~", "operator", "matches a regular expression: ~ '^adam'"}, {"not ~", "operator", "does not match"}, {"is null", "operator", "has no such value"}, {"is not null", "operator", "has one"},
	{"and", "operator", "both hold"}, {"or", "operator", "one of them holds"}}

var typeNames = map[where.Type]string{where.Number: "a number", where.Text: "a text", where.Flag: "true or false", where.Time: "a time", where.Varied: "a number or a text"}

// mostCompletions is the largest number of completions.
const mostCompletions = 50

var (
	texts    = regexp.MustCompile(`'[^']*'|"[^"]*"`)
	unended  = regexp.MustCompile(`['"][^'"]*$`)
	lastWord = regexp.MustCompile("[`\\pL\\pN_.-]*$")
	compared = regexp.MustCompile("([`\\pL\\pN_.-]+)\\s*(?:==|!=|(?:not\\s+)?in\\s*\\[(?:[^\\]]*,)?|~)\\s*$")
)

// getComplete lists what can stand at a place of an expression, and says what is wrong with it.
func (s *Server) getComplete(q *request) error {
	expr := q.text("expr")
	at, err := q.number("caret", len(expr), 0, len(expr))
	if err != nil {
		return err
	}
	among, err := q.among()
	if err != nil {
		return err
	}
	schema := among.schema
	out := map[string]any{"xrun_ui": format, "error": nil, "of": among.of}
	if expr != "" {
		if _, err := question.Condition("--where", expr, schema); err != nil {
			wrong := map[string]any{"message": err.Error()}
			if hint, ok := advice.HintOf(err); ok {
				wrong["hint"] = hint
			}
			out["error"] = wrong
		}
	}
	words, from := complete(expr[:at], schema, among.values)
	out["from"], out["to"], out["words"] = from, at, words
	return q.json(out)
}

// A choice is what an expression chooses among.
type choice struct {
	schema where.Schema
	of     int
	values func(name string) []string // texts that a name has
}

// among is what the parameter of this name says: points of the question, or sweeps.
func (q *request) among() (c choice, err error) {
	switch text := q.text("among"); text {
	case "", "points":
		a, err := q.answer(func(ask *question.Question) { ask.Where, ask.Sort, ask.Columns = "", "", "" })
		if err != nil {
			return c, err
		}
		c.of, c.values = len(sheet.Places(a.report)), func(name string) []string { return valuesOf(a, name) }
		c.schema, err = q.schema()
		return c, err
	case "sweeps":
		if len(q.values["sweep"]) > 0 {
			return c, advice.Usage(errors.New("sweeps are chosen among all"), "leave sweep out")
		}
		all, err := q.db.Sweeps(q.Context())
		if err != nil {
			return c, err
		}
		return choice{sweepSchema, len(all), func(name string) []string {
			return distinct(func(yield func(string) bool) {
				for _, sweep := range all {
					if v, ok := sweepValue(rowOf(sweep, nil), name); ok && where.TypeOf(v) == where.Text && name != "created" && !yield(v.Text) {
						return
					}
				}
			})
		}}, nil
	default:
		return c, advice.Usage(fmt.Errorf("among is %q", text), "it is points or sweeps")
	}
}

// distinct are the first texts that differ, without the empty one.
func distinct(all iter.Seq[string]) (values []string) {
	for text := range all {
		if text != "" && !slices.Contains(values, text) {
			values = append(values, text)
		}
		if len(values) == mostCompletions {
			break
		}
	}
	return values
}

// A schemaKey stands for a state of sweeps in which the names of conditions stay the same. They are asked for at each letter that
// somebody types.
type schemaKey struct {
	generation int64
	sweeps     string
}

func (q *request) schema() (schema where.Schema, err error) {
	var ids []string
	key := schemaKey{generation: q.db.generation}
	for _, sweep := range q.sweeps {
		ids = append(ids, itoa(sweep.ID))
		key.sweeps += fmt.Sprint(sweep.ID, " ", countsText(sweep), " ")
	}
	if schema, ok := q.s.schemas.get(key); ok {
		return schema, nil
	}
	if schema, err = question.ConditionSchema(q.Context(), q.db.Store, ids); err == nil {
		q.s.schemas.put(key, schema)
	}
	return schema, err
}

// complete lists the words that can stand at the end of an expression. They replace its bytes from the
// index from on.
func complete(head string, schema where.Schema, values func(name string) []string) (words []word, from int) {
	words = []word{}
	plain := texts.ReplaceAllStringFunc(head, func(t string) string { return strings.Repeat("0", len(t)) })
	if at := unended.FindStringIndex(plain); at != nil { // within a text
		given := head[at[0]+1:]
		if m := compared.FindStringSubmatch(plain[:at[0]]); m != nil {
			for _, v := range values(strings.Trim(m[1], "`")) {
				if strings.HasPrefix(v, given) {
					words = append(words, word{quoted(v), "value", "of " + m[1]})
				}
			}
		}
		return words[:min(len(words), mostCompletions)], at[0]
	}
	from = lastWord.FindStringIndex(plain)[0]
	given, before := head[from:], strings.TrimSpace(plain[:from])
	if m := compared.FindStringSubmatch(plain[:from]); m != nil {
		for _, v := range values(strings.Trim(m[1], "`")) {
			if text := quoted(v); strings.HasPrefix(v, given) {
				words = append(words, word{text, "value", "of " + m[1]})
			}
		}
	}
	last := before
	if i := strings.LastIndexAny(before, " \t\n"); i >= 0 {
		last = before[i+1:]
	}
	operand := before == "" || strings.ContainsAny(before[len(before)-1:], "(,[=<>~+-*/") || slices.Contains([]string{"and", "or", "not", "in"}, last)
	if !operand {
		for _, w := range operators {
			if strings.HasPrefix(w.Text, given) {
				words = append(words, w)
			}
		}
		return words, from
	}
	names := slices.Clone(schema.Hints)
	for _, name := range slices.Sorted(maps.Keys(schema.Names)) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	bare := strings.Trim(given, "`")
	for _, within := range []bool{false, true} { // those that begin so come first
		for _, name := range names {
			begins := strings.HasPrefix(name, bare)
			is, known := schema.Names[name]
			if !known || begins == within || within && (bare == "" || !strings.Contains(name, bare)) {
				continue
			}
			text := name
			if _, call := where.CallOf(name); !call {
				text = where.Quote(name)
			}
			words = append(words, word{text, "name", typeNames[is]})
		}
	}
	return words[:min(len(words), mostCompletions)], from
}

// valuesOf are the texts that the points of a report have for a name.
func valuesOf(a *answer, name string) []string {
	return distinct(func(yield func(string) bool) {
		for _, p := range a.report.Points {
			text := ""
			switch name {
			case "optimizer":
				text = p.Optimizer
			case "regularizer":
				text = p.Regularizer
			default:
				text, _ = p.AxisValue(name)
			}
			if !yield(text) {
				return
			}
		}
	})
}

// sweepSchema has the names of conditions on sweeps.
var sweepSchema = where.Schema{Names: map[string]where.Type{"name": where.Text, "title": where.Text, "notes": where.Text, "tags": where.Text, "metric": where.Text, "goal": where.Text,
	"trials": where.Number, "done": where.Number, "running": where.Number, "failed": where.Number, "diverged": where.Number, "created": where.Time, "live": where.Flag},
	Hints: []string{"name", "metric", "goal", "trials", "done", "running", "failed", "diverged", "created", "tags", "notes", "live"}, Nearest: document.Nearest}

// sweepCondition compiles a condition on sweeps. An empty one holds for all.
func sweepCondition(text string) (func(sweepRow) bool, error) {
	if text == "" {
		return func(sweepRow) bool { return true }, nil
	}
	x, err := question.Condition("--where", text, sweepSchema)
	if err != nil {
		return nil, err
	}
	return func(w sweepRow) bool {
		return x.Evaluate(func(name string) (plugins.Value, bool) { return sweepValue(w, name) })
	}, nil
}

// sweepValue is the value of a sweep for a name of [sweepSchema]; false if it has none.
func sweepValue(w sweepRow, name string) (plugins.Value, bool) {
	switch name {
	case "name":
		return plugins.Text(w.Name), true
	case "title":
		return plugins.Text(w.Title), true
	case "notes":
		return plugins.Text(w.Notes), w.Notes != ""
	case "tags":
		return plugins.Text(strings.Join(w.Tags, " ")), len(w.Tags) > 0
	case "metric":
		return plugins.Text(w.Metric), true
	case "goal":
		return plugins.Text(w.Goal), true
	case "created":
		return plugins.Text(w.Created.UTC().Format(where.TimeFormat)), true
	case "live":
		return plugins.Flag(len(w.Owners) > 0), true
	}
	n, known := map[string]int{"trials": w.Trials, "done": w.Done, "running": w.Running, "failed": w.Failed, "diverged": w.Diverged}[name]
	return plugins.Integer(int64(n)), known
}

// wrongFormat refuses a format.
func wrongFormat(given string, known []string) error {
	return advice.Usage(fmt.Errorf("format is %q", given), "it is one of "+strings.Join(known, ", "))
}
