package sweeps

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
)

// A KeyTable is a table of a sweep file, for documentation.
type KeyTable struct {
	Title   string // as it stands in a file: "[task]"
	Meaning string
	Keys    []Key
}

// A Key is a key of a table. A name in capitals stands for any name.
type Key struct {
	Name    string
	Type    string // "integer of at least 1"
	Default string // TOML, or a few words: "none", "required"
	Meaning string
	Example string // lines of the table
	// Only says what the key belongs to: "rule gl, pq". It is empty for a key that always has a meaning.
	// A key stands twice where its default differs.
	Only string
}

// Keys lists the tables of a sweep file and their keys, in the order in which people write them. The
// parser reads files by the same list.
func Keys() []KeyTable {
	var all []KeyTable
	for _, t := range tables {
		k := KeyTable{Title: t.heading, Meaning: t.meaning}
		for i := range t.keys {
			if key := &t.keys[i]; !key.retired {
				k.Keys = append(k.Keys, Key{Name: key.Name, Type: key.describeType(), Default: key.describeDefault(),
					Meaning: key.Doc, Example: t.example(key), Only: t.only(key)})
			}
		}
		all = append(all, k)
	}
	return all
}

// A table declares the keys of a table of a sweep file. The parser, the JSON Schema and the
// documentation have no other list of them.
type table struct {
	title   string // in messages
	heading string // in documentation
	meaning string
	// chooser is the key whose value says which of the others have a meaning, such as rule.
	chooser string
	noun    string // what messages call it; empty: by the chooser
	// wrap is how an inline table stands in its parent, with %s for its keys; else empty.
	wrap string
	keys []key
}

// A key declares one key. The setting holds its name, meaning, default, range and choices; Type is empty where
// no plain value is allowed.
type key struct {
	plugins.Setting
	// fallback is the default in words, where the default is no value.
	fallback string
	// unit replaces the type of a text in documentation: "a time such as \"30s\"".
	unit string
	// forms are what the value may be as well.
	forms []form
	// of are the values of the chooser under which the key has a meaning; nil for all.
	of      []string
	example string
	// retired keys of earlier versions are accepted and not documented.
	retired bool
}

// A form is a value that is not plain, or one word among numbers.
type form struct {
	text   string
	schema map[string]any
}

// anyName is a key whose name is the user's own.
func (k *key) anyName() bool { return k.Name == strings.ToUpper(k.Name) }

// applies reports whether the key has a meaning under a value of the chooser; empty if that is unknown.
func (k *key) applies(chosen string) bool {
	return k.of == nil || chosen == "" || slices.Contains(k.of, chosen)
}

// find is the declaration of a key under a value of the chooser, or nil.
func (t *table) find(name, chosen string) *key {
	for i := range t.keys {
		if k := &t.keys[i]; k.Name == name && !k.anyName() && k.applies(chosen) {
			return k
		}
	}
	return nil
}

// names lists the keys under a value of the chooser, each once.
func (t *table) names(chosen string) (names []string) {
	for i := range t.keys {
		if k := &t.keys[i]; !k.anyName() && !k.retired && k.applies(chosen) && !slices.Contains(names, k.Name) {
			names = append(names, k.Name)
		}
	}
	return names
}

// only says what a key belongs to.
func (t *table) only(k *key) string {
	if k.of == nil {
		return ""
	}
	return t.chooser + " " + strings.Join(k.of, ", ")
}

// example is what a user may write, with the keys that it needs.
func (t *table) example(k *key) string { return t.write(append(t.needed(k), k.example)) }

// needed are the lines without which a key has no meaning.
func (t *table) needed(k *key) (lines []string) {
	if k.of == nil {
		if chooser := t.find(t.chooser, ""); t.wrap != "" && chooser != nil && chooser != k {
			lines = append(lines, chooser.example)
		}
		return lines
	}
	lines = append(lines, fmt.Sprintf("%s = %q", t.chooser, k.of[0]))
	for i := range t.keys {
		if other := &t.keys[i]; other.Required && other.of != nil && other.Name != k.Name && other.applies(k.of[0]) && !strings.Contains(k.example, other.Name+" = ") {
			lines = append(lines, other.example)
		}
	}
	return lines
}

// write joins lines as they stand in a file.
func (t *table) write(lines []string) string {
	if t.wrap != "" {
		return fmt.Sprintf(t.wrap, strings.ReplaceAll(strings.Join(lines, ", "), "\n", ", "))
	}
	return strings.Join(lines, "\n")
}

// describeType says what a value may be.
func (k *key) describeType() string {
	var all []string
	if k.Type != "" {
		all = append(all, k.plainType())
	}
	for _, f := range k.forms {
		all = append(all, f.text)
	}
	return eitherOf(all)
}

// eitherOf joins words: "a, b or c".
func eitherOf(all []string) string {
	if len(all) < 2 {
		return strings.Join(all, "")
	}
	last := len(all) - 1
	return strings.Join(all[:last], ", ") + " or " + all[last]
}

func (k *key) plainType() string {
	switch k.Type {
	case plugins.TypeFlag:
		return "true or false"
	case plugins.TypeText:
		if k.unit != "" {
			return k.unit
		}
		return "text"
	case plugins.TypeChoice:
		words := make([]string, len(k.Choices))
		for i, word := range k.Choices {
			words[i] = strconv.Quote(word)
		}
		return eitherOf(words)
	}
	name := "number"
	if k.Type == plugins.TypeInteger {
		name = "integer"
	}
	switch low, high := bounded(k.Low), bounded(k.High); {
	case low && high && !k.LowOpen && !k.HighOpen:
		return fmt.Sprintf("%s from %g to %.10g", name, k.Low, k.High)
	case low && high:
		return name + " in " + k.Range()
	case low && k.LowOpen:
		return fmt.Sprintf("%s above %g", name, k.Low)
	case low:
		return fmt.Sprintf("%s of at least %g", name, k.Low)
	}
	return name
}

// bounded reports whether a limit of a setting limits anything.
func bounded(limit float64) bool { return !math.IsNaN(limit) && !math.IsInf(limit, 0) }

func (k *key) describeDefault() string {
	switch {
	case k.Required:
		return "required"
	case k.fallback != "":
		return k.fallback
	case k.Default.IsZero():
		return "none"
	}
	return literal(k.Default)
}

// What declarations are made of. A required key has no default; optional replaces the default by a few words.

func declare(s plugins.Setting, example string) key { return key{Setting: s, example: example} }

func (k key) optional(fallback string) key {
	k.Default, k.fallback = plugins.Value{}, fallback
	return k
}

func (k key) required() key {
	k.Required, k.Default = true, plugins.Value{}
	return k
}

func (k key) in(of ...string) key {
	k.of = of
	return k
}

func (k key) or(forms ...form) key {
	k.forms = append(slices.Clip(k.forms), forms...)
	return k
}

func integer(name string, def int, meaning, example string) key {
	return declare(plugins.IntegerSetting(name, int64(def), meaning), example)
}

func (k key) atLeast(low float64) key {
	k.Setting = k.AtLeast(low)
	return k
}

func number(s plugins.Setting, example string) key { return declare(s, example) }

func trueOrFalse(name string, def bool, meaning, example string) key {
	return declare(plugins.FlagSetting(name, def, meaning), example)
}

func choice[T ~string](name string, words []T, meaning, example string) key {
	texts := make([]string, len(words))
	for i, word := range words {
		texts[i] = string(word)
	}
	return declare(plugins.ChoiceSetting(name, meaning, texts...), example)
}

func text(name, def, meaning, example string) key {
	k := declare(plugins.Setting{Name: name, Type: plugins.TypeText, Doc: meaning, Low: math.NaN(), High: math.NaN()}, example)
	if def != "" {
		k.Default = plugins.Text(def)
	}
	return k
}

func (k key) as(unit string) key {
	k.unit = unit
	return k
}

// other declares a key whose value is never plain.
func other(name, meaning, example string, forms ...form) key {
	return key{Setting: plugins.Setting{Name: name, Doc: meaning}, example: example, forms: forms}
}

func retired(k key) key {
	k.retired = true
	return k
}

// word is one text that may stand in the place of a number.
func word(text string) form { return form{strconv.Quote(text), map[string]any{"const": text}} }

func words(texts []string) (all []form) {
	for _, text := range texts {
		all = append(all, word(text))
	}
	return all
}

func listOf(items string, schema map[string]any) form {
	return form{"a list of " + items, map[string]any{"type": "array", "items": schema}}
}

// inline is a table as a value.
func inline(text string, t *table) form {
	schema := map[string]any{"type": "object"}
	if t != nil {
		schema = t.schema()
	}
	return form{text, schema}
}

var textSchema, integerSchema, numberSchema = map[string]any{"type": "string"}, map[string]any{"type": "integer"}, map[string]any{"type": "number"}
