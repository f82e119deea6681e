package sweeps

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
)

// schema is the JSON Schema of a key's value, without its meaning.
func (k *key) schema() map[string]any {
	var all []any
	if k.Type != "" {
		all = append(all, k.plainSchema())
	}
	for _, f := range k.forms {
		if len(f.schema) == 0 {
			return map[string]any{} // anything
		}
		all = append(all, f.schema)
	}
	return anyOf(all)
}

func anyOf(schemas []any) map[string]any {
	if len(schemas) == 1 {
		return maps.Clone(schemas[0].(map[string]any))
	}
	return map[string]any{"anyOf": schemas}
}

// jsonTypes are the types of settings in JSON Schema.
var jsonTypes = map[plugins.Type]string{plugins.TypeReal: "number", plugins.TypeInteger: "integer", plugins.TypeFlag: "boolean", plugins.TypeChoice: "string", plugins.TypeText: "string"}

func (k *key) plainSchema() map[string]any {
	schema := map[string]any{"type": jsonTypes[k.Type]}
	if k.Type == plugins.TypeChoice {
		schema["enum"] = k.Choices
	}
	limit := func(name, open string, at float64, isOpen bool) {
		if isOpen {
			name = open
		}
		if bounded(at) {
			schema[name] = at
		}
	}
	if k.Type == plugins.TypeReal || k.Type == plugins.TypeInteger {
		limit("minimum", "exclusiveMinimum", k.Low, k.LowOpen)
		limit("maximum", "exclusiveMaximum", k.High, k.HighOpen)
	}
	return schema
}

// jsonDefault is the default as JSON has it; ok is false where it is no value.
func (k *key) jsonDefault() (def any, ok bool) {
	switch k.Default.Type {
	case plugins.TypeReal:
		return k.Default.Real, true
	case plugins.TypeInteger:
		return k.Default.Integer, true
	case plugins.TypeFlag:
		return k.Default.Flag, true
	case plugins.TypeChoice, plugins.TypeText:
		return k.Default.Text, true
	}
	return nil, false
}

// A declaration is a key and the table that declares it.
type declaration struct {
	*key
	table *table
}

// property is the JSON Schema of a key that may be declared several times, with meanings and default.
func property(declared []declaration) map[string]any {
	var schemas []any
	var meanings []string
	defaults := map[any]bool{}
	for _, k := range declared {
		if s := k.schema(); !slices.ContainsFunc(schemas, func(other any) bool { return reflect.DeepEqual(s, other) }) {
			schemas = append(schemas, s)
		}
		meaning := k.Doc
		switch of := k.table.only(k.key); {
		case of != "" && len(declared) > 1:
			meaning = of + ": " + meaning
		case k.table != declared[0].table && k.Doc != declared[0].Doc:
			meaning = k.table.heading + ": " + meaning
		}
		if !slices.Contains(meanings, meaning) {
			meanings = append(meanings, meaning)
		}
		def, ok := k.jsonDefault()
		if !ok {
			def = nil
		}
		defaults[def] = true
	}
	p := anyOf(schemas)
	p["description"] = strings.Join(meanings, "\n")
	if def, ok := declared[0].jsonDefault(); ok && len(defaults) == 1 {
		p["default"] = def
	}
	if declared[0].retired {
		p["deprecated"] = true
	}
	return p
}

// properties are the schemas of the keys of tables that may stand in the same place.
func properties(tables ...*table) map[string]any {
	byName := map[string][]declaration{}
	for _, t := range tables {
		for i := range t.keys {
			if k := &t.keys[i]; !k.anyName() {
				byName[k.Name] = append(byName[k.Name], declaration{k, t})
			}
		}
	}
	all := map[string]any{}
	for name, declared := range byName {
		all[name] = property(declared)
	}
	return all
}

// schema is the JSON Schema of a table. What one key means to another is left to the parser.
func (t *table) schema() map[string]any {
	s := map[string]any{"type": "object", "description": t.meaning, "properties": properties(t), "additionalProperties": false}
	for i := range t.keys {
		if k := &t.keys[i]; k.anyName() {
			s["additionalProperties"] = property([]declaration{{k, t}})
		}
	}
	var required []string
	for i := range t.keys {
		if k := &t.keys[i]; k.Required && k.of == nil && !slices.Contains(required, k.Name) {
			required = append(required, k.Name)
		}
	}
	if len(required) > 0 {
		s["required"] = required
	}
	return s
}

// JSONSchema is the JSON Schema (draft 2020-12) of sweep files, for editors. It is made of the keys that the
// parser reads. It does not know data sets and plugins, and leaves to the parser what one key means to
// another.
func JSONSchema() ([]byte, error) {
	top := properties(topTable)
	of := func(name string, schema map[string]any) {
		schema["description"] = top[name].(map[string]any)["description"]
		top[name] = schema
	}
	for _, t := range []*table{stopTable, pruneTable, runTable, compareTable, checkTable} {
		of(strings.Trim(t.title, "[]"), t.schema())
	}
	of("metric", map[string]any{"anyOf": []any{textSchema, metricTable.schema()}})
	for _, t := range []*table{skipTable, extraTable} {
		of(strings.Trim(t.title, "[]"), map[string]any{"type": "array", "items": t.schema()})
	}
	of("cluster", map[string]any{"type": "object", "additionalProperties": clusterTable.schema()})
	// A task of xrun's own has no other keys than these; one of a plugin or a program may have any.
	of("task", map[string]any{"type": "object", "properties": properties(taskTable, pluginTaskTable, commandTaskTable)})
	grid := properties(gridTable)
	of("grid", map[string]any{"type": "object", "properties": grid})
	names := slices.Sorted(maps.Keys(grid))
	for _, name := range taskTable.names("") {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	own := map[string]any{
		"task": map[string]any{"propertyNames": map[string]any{"enum": taskTable.names("")}},
		"grid": map[string]any{"propertyNames": map[string]any{"enum": names}},
	}
	// To a command, the tables of optimizers and regularizers are free.
	components := map[string]any{}
	for name, t := range map[string]*table{"optimizers": optimizerTable, "regularizers": regularizerTable} {
		table := t.schema()
		described := map[string]any{}
		for key, p := range table["properties"].(map[string]any) {
			described[key] = map[string]any{"description": p.(map[string]any)["description"]}
		}
		of(name, map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "object", "description": t.meaning, "properties": described}})
		components[name] = map[string]any{"additionalProperties": table}
	}
	needs := func(key string) map[string]any {
		return map[string]any{"properties": map[string]any{"task": map[string]any{"required": []string{key}}}}
	}
	return json.MarshalIndent(map[string]any{
		"$schema": "https://json-schema.org/draft/2020-12/schema", "title": fmt.Sprintf("xrun sweep file, schema %d", version),
		"type": "object", "properties": top, "additionalProperties": false, "required": []string{"task"},
		"if": needs("command"),
		"else": map[string]any{"properties": components,
			"if":   needs("plugin"),
			"else": map[string]any{"properties": own}},
	}, "", "  ")
}
