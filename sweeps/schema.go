package sweeps

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/prune"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// A recorder notes what the parser asks for while it reads probes: so a key that is added to the
// parser is in the schema as well.
type recorder map[string]fields // by the title of the table

// fields are the schemas of a table's keys.
type fields map[string]map[string]any

// note remembers what a key wants. What is known already of a key stays, words are added to it.
func (r recorder) note(title, key string, schema map[string]any) {
	if r == nil {
		return
	}
	table := r[title]
	if table == nil {
		table = fields{}
		r[title] = table
	}
	if known, ok := table[key]; !ok || len(known) == 0 {
		table[key] = schema
	}
}

// noteSetting remembers a key that is declared like a plugin's setting. Ranges are left to the
// parser where they are exclusive of their ends.
func (r recorder) noteSetting(title string, s plugins.Setting) {
	if r == nil {
		return
	}
	schema := map[string]any{"type": map[plugins.Type]string{plugins.TypeReal: "number", plugins.TypeInteger: "integer",
		plugins.TypeFlag: "boolean", plugins.TypeChoice: "string", plugins.TypeText: "string"}[s.Type]}
	switch {
	case s.Type == plugins.TypeChoice:
		schema["enum"] = slices.Clone(s.Choices)
		if s.Default.Text != "" {
			schema["default"] = s.Default.Text
		}
	case s.Type == plugins.TypeFlag:
		schema["default"] = s.Default.Flag
	case s.Type == plugins.TypeInteger && s.Default.Integer != 0:
		schema["default"] = s.Default.Integer
	}
	if numeric := s.Type == plugins.TypeReal || s.Type == plugins.TypeInteger; numeric && s.Low != s.High {
		if !math.IsInf(s.Low, 0) && !math.IsNaN(s.Low) && !s.LowOpen {
			schema["minimum"] = s.Low
		}
	}
	r.note(title, s.Name, schema)
}

// nowhere is a Catalog that knows nothing: what a probe names does not matter.
type nowhere struct{}

var errNowhere = errors.New("not looked up")

func (nowhere) Component(context.Context, plugins.Kind, string, string) (Found, error) {
	return Found{}, errNowhere
}
func (nowhere) Try(context.Context, plugins.Kind, runner.Choice, runner.Task) error { return nil }
func (nowhere) Dataset(context.Context, Source) (Dataset, error)                    { return Dataset{}, errNowhere }
func (nowhere) Text(context.Context, string) ([]byte, error)                        { return nil, errNowhere }
func (nowhere) Files(context.Context, string, []string, []string) ([]string, string, error) {
	return nil, "", nil
}

// probes are files of which each takes another way through the parser.
func probes() (texts []string) {
	for _, task := range append([]string{"command = ['true']\nmetrics = ['loss']", "plugin = 'any'", ""}, withModel()...) {
		texts = append(texts, "[task]\n"+task+"\n[grid]\nlr = 1\nlambda = 1\n[[skip]]\n[[extra]]\n")
	}
	for _, rule := range stop.Names {
		texts = append(texts, fmt.Sprintf("[task]\nmodel = 'mlp'\n[early_stop]\nrule = %q\ndivergence = {}\n", rule))
	}
	for _, rule := range []string{prune.Halving, prune.Median, prune.Percentile} {
		texts = append(texts, fmt.Sprintf("[task]\nmodel = 'mlp'\n[prune]\nrule = %q\n", rule))
	}
	return texts
}

func withModel() (texts []string) {
	for _, model := range models {
		texts = append(texts, fmt.Sprintf("model = %q", model))
	}
	return texts
}

// JSONSchema is the JSON Schema (draft 2020-12) of sweep files, for editors: what the parser looks
// for. It does not know data sets and plugins, and leaves to the parser what one key means to
// another.
func JSONSchema(ctx context.Context) ([]byte, error) {
	r := recorder{}
	for _, text := range probes() {
		doc := document.New("probe.toml", []byte(text))
		root, problems := document.Parse(doc)
		if root == nil {
			return nil, problems
		}
		d := &decoder{Document: doc, catalog: nowhere{}, places: map[string]document.Span{}, recorder: r,
			spec: &Spec{Schema: Schema, File: doc.File, Text: doc.Text}}
		d.decodeFile(ctx, root)
		if err := ctx.Err(); err != nil {
			return nil, context.Cause(ctx)
		}
	}
	return json.MarshalIndent(r.schema(), "", "  ")
}

// schema puts the tables together.
func (r recorder) schema() map[string]any {
	table := func(title string) map[string]any {
		return map[string]any{"type": "object", "properties": r[title], "additionalProperties": false}
	}
	top := r["a sweep file"]
	for _, name := range []string{"metric", "early_stop", "prune", "run", "compare"} {
		top[name] = table("[" + name + "]")
	}
	top["early_stop"]["properties"].(fields)["divergence"] = table("divergence")
	top["skip"] = map[string]any{"type": "array", "items": table("[[skip]]")}
	top["check"] = map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "string"}}
	top["extra"] = map[string]any{"type": "array", "items": map[string]any{"type": "object"}}
	top["grid"] = map[string]any{"type": "object", "properties": r["[grid]"]}
	top["task"] = map[string]any{"type": "object", "properties": r["[task]"]}
	for _, kind := range []string{"optimizers", "regularizers"} { // plugins say what they take
		top[kind] = map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "object"}}
	}
	foreign := map[string]any{"anyOf": []any{map[string]any{"required": []string{"plugin"}}, map[string]any{"required": []string{"command"}}}}
	for _, key := range append([]string{"zip"}, allTaskKeys...) {
		r.note("[grid]", key, map[string]any{})
	}
	own := map[string]any{
		"task": map[string]any{"propertyNames": map[string]any{"enum": allTaskKeys}},
		"grid": map[string]any{"propertyNames": map[string]any{"enum": slices.Sorted(maps.Keys(r["[grid]"]))}},
	}
	return map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": fmt.Sprintf("xrun sweep file, schema %d", Schema),
		"type": "object", "properties": top, "additionalProperties": false, "required": []string{"task"},
		"if":   map[string]any{"properties": map[string]any{"task": foreign}},
		"else": map[string]any{"properties": own},
	}
}

func anyOf(schemas ...map[string]any) map[string]any { return map[string]any{"anyOf": schemas} }

// axisSchema is that of an axis of numbers.
func axisSchema() map[string]any {
	forms := slices.Sorted(maps.Keys(axisForms))
	return map[string]any{"description": "a list of values, or a table: " + strings.Join(forms, ", "),
		"anyOf": []any{map[string]any{"type": "number"}, map[string]any{"enum": presetNames}, map[string]any{"type": "array", "items": map[string]any{"type": "number"}},
			map[string]any{"type": "object", "propertyNames": map[string]any{"enum": append(forms, "n", "step")}}}}
}

// textsSchema is that of a list of texts, or one.
func textsSchema() map[string]any {
	return map[string]any{"anyOf": []any{map[string]any{"type": "string"}, map[string]any{"type": "array", "items": map[string]any{"type": "string"}}}}
}
