package sweeps

import (
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/sweeps/where"
)

// A decoder turns the tree of one file into a Spec and notes every problem on the way. What is
// wrong is replaced by its default, so that the rest can be looked at.
type decoder struct {
	*document
	catalog  Catalog
	spec     *Spec
	problems Problems
	recorder recorder // nil unless a schema is made
	changes  Changes
	stored   bool     // the text was run before, see [Changes.LoadStored]
	labelled []string // axes that a first look leaves as they are
	// unsure is set when the data set is not known, so that nothing can be said of the metrics.
	unsure bool
	// names are what conditions may use, once one has been read; labelsKnown says that no problem
	// kept an optimizer or a regularizer out of the spec.
	names       *where.Schema
	labelsKnown bool
	baseline    *where.Expression // of [compare]
	// templates are those of a command, if all could be read.
	templates      []templated
	templatesKnown bool
	// taskTable is [task], read once for each combination of taskAxes.
	taskTable *entry
	taskAxes  []alternative
	// places are where the optimizers and regularizers stand, by kind and label.
	places map[string]span
}

func (d *decoder) report(at span, p Problem) {
	if len(d.problems) < maxProblems {
		d.problems = append(d.problems, d.locate(at, p))
	}
}

func (d *decoder) warn(at span, p Problem) {
	d.spec.Warnings = append(d.spec.Warnings, d.locate(at, p))
}

// later refuses what the format has but this version does not know yet.
func (d *decoder) later(at span, what string) {
	d.report(at, Problem{Message: fmt.Sprintf("%s is not supported yet", what)})
}

// reportError reports an error of the catalog, with its hint.
func (d *decoder) reportError(at span, err error) {
	p := Problem{Message: err.Error()}
	var hint interface{ Hint() string }
	if errors.As(err, &hint) {
		p.Help = hint.Hint()
	}
	d.report(at, p)
}

// aboutOf is the key that an error of the catalog is about, or empty.
func aboutOf(err error) string {
	var wrong interface{ About() string }
	if errors.As(err, &wrong) {
		return wrong.About()
	}
	return ""
}

// isPath reports whether a reference is a path rather than a name.
func isPath(ref string) bool { return strings.ContainsAny(ref, `/\`) }

// resolve makes a path relative to the sweep file one relative to the working directory. The
// result has a separator, so that it cannot be taken for a name.
func (d *decoder) resolve(path string) string {
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(d.file), path)
	}
	if !isPath(path) {
		path = "./" + path
	}
	return path
}

// A section is a table of the file whose keys are being read.
type section struct {
	*decoder
	title string // as messages name it
	node  *node
	at    span // what a missing key is reported at
	// absent is set when there is no such table, or something else in its place.
	absent bool
}

// section opens the table at e, which is nil when the file has none.
func (d *decoder) section(e *entry, title string) section {
	s := section{decoder: d, title: title, node: &node{kind: nodeTable}, absent: true}
	if e == nil {
		return s
	}
	s.at = e.at
	if e.value.kind != nodeTable {
		d.report(e.value.at, Problem{Message: fmt.Sprintf("%s is a table, got %s", title, e.value.kind)})
		return s
	}
	s.node, s.absent = e.value, false
	return s
}

// only reports keys that are neither known nor left to a later version.
func (s section) only(known, later []string) {
	for _, key := range known {
		s.recorder.note(s.title, key, map[string]any{})
	}
	for _, e := range s.node.entries {
		switch {
		case slices.Contains(known, e.name):
		case slices.Contains(later, e.name):
			s.later(e.at, fmt.Sprintf("`%s`", e.name))
		default:
			s.unknown(e, known)
		}
	}
}

func (s section) unknown(e *entry, known []string) {
	s.report(e.at, Problem{
		Message: fmt.Sprintf("unknown key `%s` in %s", clip(e.name), s.title),
		Label:   didYouMean(e.name, known),
		Help:    fmt.Sprintf("keys of %s: %s", s.title, list(known)),
	})
}

// missing reports a key that has no default, unless its whole table is missing.
func (s section) missing(key, help string) {
	if s.absent {
		return
	}
	s.report(s.at, Problem{Message: fmt.Sprintf("missing key `%s` in %s", key, s.title), Help: help})
}

// place is where the value of a key stands, or the section's own place.
func (s section) place(key string) span {
	if e := s.node.find(key); e != nil {
		return e.value.at
	}
	return s.at
}

// get reads a key that is declared like a plugin's setting; given tells it from its default.
func (s section) get(setting plugins.Setting) (v plugins.Value, given bool) {
	s.recorder.noteSetting(s.title, setting)
	e := s.node.find(setting.Name)
	if e == nil {
		return setting.Default, false
	}
	v, ok := s.check(setting, e.name, e.value)
	if !ok {
		return setting.Default, false
	}
	return v, true
}

// kindsOf lists the kinds of node that make a value of a type, the usual one first.
var kindsOf = map[plugins.Type][]nodeKind{
	plugins.TypeReal:    {nodeReal, nodeInteger},
	plugins.TypeInteger: {nodeInteger},
	plugins.TypeFlag:    {nodeFlag},
	plugins.TypeChoice:  {nodeText},
	plugins.TypeText:    {nodeText},
}

// check converts a value to what the setting wants, or reports why it cannot.
func (d *decoder) check(setting plugins.Setting, name string, n *node) (plugins.Value, bool) {
	var v plugins.Value
	switch n.kind {
	case nodeText:
		v = plugins.Text(n.text)
	case nodeInteger:
		v = plugins.Integer(n.integer)
	case nodeReal:
		v = plugins.Real(n.real)
	case nodeFlag:
		v = plugins.Flag(n.flag)
	}
	wants := kindsOf[setting.Type]
	if !slices.Contains(wants, n.kind) {
		d.wrongType(name, wants[0], n)
		return v, false
	}
	v, err := setting.Check(v)
	if err == nil {
		if v.Type == plugins.TypeReal {
			v.Real += 0 // −0 is 0
		}
		return v, true
	}
	p := Problem{Message: err.Error()}
	var wrong *plugins.SettingError
	if errors.As(err, &wrong) {
		p.Message = fmt.Sprintf("`%s` %s", name, wrong.Problem)
	}
	if n.kind == nodeText {
		p.Label = didYouMean(n.text, setting.Choices)
	}
	d.report(n.at, p)
	return v, false
}

func (d *decoder) wrongType(name string, wants nodeKind, n *node) {
	d.report(n.at, Problem{Message: fmt.Sprintf("`%s` wants %s, got %s", name, wants, n.kind)})
}

// real reads a number; the range may be open.
func (s section) real(setting plugins.Setting) float64 {
	v, _ := s.get(setting)
	return v.Real
}

// integer reads an integer of at least low.
func (s section) integer(key string, def, low int) int {
	v, _ := s.get(plugins.IntegerSetting(key, int64(def), "").AtLeast(float64(low)))
	if v.Integer > math.MaxInt32 {
		s.report(s.place(key), Problem{Message: fmt.Sprintf("`%s` is %d, which is too large", key, v.Integer)})
		return def
	}
	return int(v.Integer)
}

func (s section) flag(key string, def bool) bool {
	v, _ := s.get(plugins.FlagSetting(key, def, ""))
	return v.Flag
}

// choice reads one of a few words, the first of which is the default. The words in later are
// refused as not supported yet.
func (s section) choice(key string, words, later []string) string {
	if e := s.node.find(key); e != nil && e.value.kind == nodeText && slices.Contains(later, e.value.text) {
		s.later(e.value.at, fmt.Sprintf("`%s = %q`", key, e.value.text))
		return words[0]
	}
	v, _ := s.get(plugins.ChoiceSetting(key, "", words...))
	return v.Text
}

// text reads a text that is not empty.
func (s section) text(key, def string) string {
	s.recorder.note(s.title, key, map[string]any{"type": "string"})
	e := s.node.find(key)
	if e == nil {
		return def
	}
	if e.value.kind != nodeText {
		s.wrongType(key, nodeText, e.value)
		return def
	}
	if !s.readable(key, e.value) {
		return def
	}
	return e.value.text
}

// readable reports a text that a table or a terminal cannot show.
func (s section) readable(key string, n *node) bool {
	if strings.TrimSpace(n.text) == "" {
		s.report(n.at, Problem{Message: fmt.Sprintf("`%s` is empty", key)})
		return false
	}
	if !showable(n.text) {
		s.report(n.at, Problem{Message: fmt.Sprintf("`%s` has characters that cannot be shown", key)})
		return false
	}
	return true
}

// texts reads a list of distinct texts; a single one may stand without brackets.
func (s section) texts(key string) (items []*node) {
	s.recorder.note(s.title, key, textsSchema())
	e := s.node.find(key)
	if e == nil {
		return nil
	}
	all := []*node{e.value}
	if e.value.kind == nodeArray {
		all = e.value.items
		if len(all) == 0 {
			s.report(e.value.at, Problem{Message: fmt.Sprintf("`%s` is an empty list", key)})
		}
	}
	seen := map[string]bool{}
	for _, n := range all {
		switch {
		case n.kind != nodeText:
			s.wrongType(key, nodeText, n)
		case !s.readable(key, n):
		case seen[n.text]:
			s.report(n.at, Problem{Message: fmt.Sprintf("`%s` has %q twice", key, clip(n.text))})
		default:
			seen[n.text] = true
			items = append(items, n)
		}
	}
	return items
}
