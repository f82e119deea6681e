package sweeps

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/sweeps/document"
	"github.com/xrun-dev/xrun/sweeps/where"
)

// A decoder turns the tree of one file into a Spec and notes every problem. A wrong value is replaced by its
// default, so that the rest can be checked.
type decoder struct {
	*document.Document
	catalog  Catalog
	spec     *Spec
	problems document.Problems
	changes  Changes
	stored   bool     // the text was run before, see [Changes.LoadStored]
	resolved string   // of a stored text, as it was written then
	labelled []string // axes that a first look does not thin
	named    []string // metrics of rows that the file names behind [task]
	// unsure is set when the data set is not known, so that nothing can be said of the metrics.
	unsure bool
	// names are what conditions may use, once one has been read; labelsKnown says that no problem
	// kept an optimizer or a regularizer out of the spec.
	names       *where.Schema
	labelsKnown bool
	baseline    *where.Expression // of [compare]
	// templates are the templates of a command, if all could be read.
	templates      []templated
	templatesKnown bool
	// taskTable is [task], read once for each combination of taskAxes.
	taskTable *document.Entry
	taskAxes  []alternative
	// places are where the optimizers and regularizers stand, by kind and label.
	places map[string]document.Span
}

func (d *decoder) report(at document.Span, p document.Problem) {
	p = d.Locate(at, p)
	if len(d.problems) < document.MaxProblems && !slices.Contains(d.problems, p) { // a table may be read twice
		d.problems = append(d.problems, p)
	}
}

func (d *decoder) warn(at document.Span, p document.Problem) {
	d.spec.Warnings = append(d.spec.Warnings, d.Locate(at, p))
}

// reportError reports an error of the catalog.
func (d *decoder) reportError(at document.Span, err error) { d.report(at, problemOf("", err)) }

// problemOf is an error of the catalog as a problem: what follows its first line, such as a stack, and its hint are the
// help. before stands before the message.
func problemOf(before string, err error) document.Problem {
	message, rest, _ := strings.Cut(err.Error(), "\n")
	p := document.Problem{Message: before + message, Help: rest}
	var hint interface{ Hint() string }
	if errors.As(err, &hint) {
		p.Help = strings.TrimLeft(rest+"\n"+hint.Hint(), "\n")
	}
	return p
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
		path = filepath.Join(filepath.Dir(d.File), path)
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
	table *table // its keys; nil where any name is allowed
	// chosen is the value of the table's chooser; empty until it is known.
	chosen string
	node   *document.Node
	at     document.Span // what a missing key is reported at
	// absent is set when there is no such table, or something else in its place.
	absent bool
}

// section opens the table at e, which is nil when the file has none.
func (d *decoder) section(e *document.Entry, title string) section {
	s := section{decoder: d, title: title, node: &document.Node{Kind: document.Table}, absent: true}
	if e == nil {
		return s
	}
	s.at = e.At
	if e.Value.Kind != document.Table {
		d.report(e.Value.At, document.Problem{Message: fmt.Sprintf("%s is a table, got %s", title, e.Value.Kind)})
		return s
	}
	s.node, s.absent = e.Value, false
	return s
}

// open opens a table whose keys are declared.
func (d *decoder) open(e *document.Entry, t *table) section { return d.section(e, t.title).of(t) }

// of is the section with the keys of a table.
func (s section) of(t *table) section {
	s.table = t
	return s
}

// choose finds out which keys have a meaning. A chooser with a wrong value, reported when it is read, leaves it open.
func (s section) choose() section {
	k := s.key(s.table.chooser)
	switch e := s.node.Find(k.Name); {
	case e == nil:
		s.chosen = k.Default.Text
	case e.Value.Kind == document.Text && slices.Contains(k.Choices, e.Value.Text):
		s.chosen = e.Value.Text
	}
	return s
}

// only reports keys that the table does not have, or that belong to another model, rule or kind than the
// chosen one.
func (s section) only() {
	known := s.table.names(s.chosen)
	for _, e := range s.node.Entries {
		switch {
		case s.table.find(e.Name, s.chosen) != nil:
		case s.table.find(e.Name, "") != nil:
			s.report(e.At, document.Problem{Message: fmt.Sprintf("`%s` means nothing to the %s %s", e.Name, cmp.Or(s.table.noun, s.table.chooser), s.chosen),
				Help: fmt.Sprintf("keys of %s for %s: %s", s.title, s.chosen, document.List(known))})
		default:
			s.unknown(e, known, s.table.names("")...)
		}
	}
}

// unknown reports a key that is not among the known ones, nor among others that may have been meant.
func (s section) unknown(e *document.Entry, known []string, others ...string) {
	s.report(e.At, document.Problem{
		Message: fmt.Sprintf("unknown key `%s` in %s", document.Clip(e.Name), s.title),
		Label:   document.DidYouMean(e.Name, slices.Concat(known, others)),
		Help:    fmt.Sprintf("keys of %s: %s", s.title, document.List(known)),
	})
}

// missing reports a key that has no default, unless its whole table is missing.
func (s section) missing(name, help string) {
	if s.absent {
		return
	}
	s.report(s.at, document.Problem{Message: fmt.Sprintf("missing key `%s` in %s", name, s.title), Help: help})
}

// place is where the value of a key stands, or the section's own place.
func (s section) place(name string) document.Span {
	if e := s.node.Find(name); e != nil {
		return e.Value.At
	}
	return s.at
}

// key is the declaration of a key. A key that is read without one is a mistake in this package.
func (s section) key(name string) *key {
	k := s.table.find(name, s.chosen)
	if k == nil {
		panic(fmt.Sprintf("sweeps: the key %q of %s is not declared for %q", name, s.table.title, s.chosen))
	}
	return k
}

// get reads a plain value; given tells it from its default.
func (s section) get(name string) (v plugins.Value, given bool) {
	setting := s.key(name).Setting
	e := s.node.Find(name)
	if e == nil {
		return setting.Default, false
	}
	v, ok := s.check(setting, name, e.Value)
	if !ok {
		return setting.Default, false
	}
	return v, true
}

// kindsOf lists the kinds of node that make a value of a type, the usual one first.
var kindsOf = map[plugins.Type][]document.Kind{
	plugins.TypeReal:    {document.Real, document.Integer},
	plugins.TypeInteger: {document.Integer},
	plugins.TypeFlag:    {document.Flag},
	plugins.TypeChoice:  {document.Text},
	plugins.TypeText:    {document.Text},
}

// check converts a value to what the setting wants, or reports why it cannot.
func (d *decoder) check(setting plugins.Setting, name string, n *document.Node) (plugins.Value, bool) {
	var v plugins.Value
	switch n.Kind {
	case document.Text:
		v = plugins.Text(n.Text)
	case document.Integer:
		v = plugins.Integer(n.Integer)
	case document.Real:
		v = plugins.Real(n.Real)
	case document.Flag:
		v = plugins.Flag(n.Flag)
	}
	wants := kindsOf[setting.Type]
	if !slices.Contains(wants, n.Kind) {
		d.wrongType(name, wants[0], n)
		return v, false
	}
	v, err := setting.Check(v)
	if err == nil {
		if v.Type == plugins.TypeReal {
			v.Real += 0 // −0 is 0
		}
		if v.Type == plugins.TypeChoice && v.Text != n.Text {
			d.warn(n.At, document.Problem{Message: fmt.Sprintf("`%s` = %q is called %q now", name, n.Text, v.Text), Help: "both mean the same, and trials keep their keys"})
		}
		return v, true
	}
	p := document.Problem{Message: err.Error()}
	var wrong *plugins.SettingError
	if errors.As(err, &wrong) {
		p.Message = fmt.Sprintf("`%s` %s", name, wrong.Problem)
	}
	if n.Kind == document.Text {
		p.Label = document.DidYouMean(n.Text, setting.Choices)
	}
	d.report(n.At, p)
	return v, false
}

func (d *decoder) wrongType(name string, wants document.Kind, n *document.Node) {
	d.report(n.At, document.Problem{Message: fmt.Sprintf("`%s` wants %s, got %s", name, wants, n.Kind)})
}

func (s section) real(name string) float64 {
	v, _ := s.get(name)
	return v.Real
}

// integer reads an integer that has a default.
func (s section) integer(name string) int { return s.integerOr(name, int(s.key(name).Default.Integer)) }

// integerOr reads an integer whose default depends on the rest of the file.
func (s section) integerOr(name string, def int) int {
	v, given := s.get(name)
	if !given {
		return def
	}
	if v.Integer > math.MaxInt32 {
		s.report(s.place(name), document.Problem{Message: fmt.Sprintf("`%s` is %d, which is too large", name, v.Integer)})
		return def
	}
	return int(v.Integer)
}

func (s section) flag(name string) bool {
	v, _ := s.get(name)
	return v.Flag
}

// choice reads one of a few words.
func (s section) choice(name string) string {
	v, _ := s.get(name)
	return v.Text
}

// text reads a text that is not empty.
func (s section) text(name string) string { return s.textOr(name, s.key(name).Default.Text) }

// textOr reads a text whose default depends on the rest of the file.
func (s section) textOr(name, def string) string {
	s.key(name)
	e := s.node.Find(name)
	if e == nil {
		return def
	}
	if e.Value.Kind != document.Text {
		s.wrongType(name, document.Text, e.Value)
		return def
	}
	if !s.readable(name, e.Value) {
		return def
	}
	return e.Value.Text
}

// readable reports a text that a table or a terminal cannot show.
func (s section) readable(name string, n *document.Node) bool {
	if strings.TrimSpace(n.Text) == "" {
		s.report(n.At, document.Problem{Message: fmt.Sprintf("`%s` is empty", name)})
		return false
	}
	if !document.Showable(n.Text) {
		s.report(n.At, document.Problem{Message: fmt.Sprintf("`%s` has characters that cannot be shown", name)})
		return false
	}
	return true
}

// texts reads a list of distinct texts; a single one may stand without brackets.
func (s section) texts(name string) (items []*document.Node) {
	s.key(name)
	e := s.node.Find(name)
	if e == nil {
		return nil
	}
	all := []*document.Node{e.Value}
	if e.Value.Kind == document.Array {
		all = e.Value.Items
		if len(all) == 0 {
			s.report(e.Value.At, document.Problem{Message: fmt.Sprintf("`%s` is an empty list", name)})
		}
	}
	seen := map[string]bool{}
	for _, n := range all {
		switch {
		case n.Kind != document.Text:
			s.wrongType(name, document.Text, n)
		case !s.readable(name, n):
		case seen[n.Text]:
			s.report(n.At, document.Problem{Message: fmt.Sprintf("`%s` has %q twice", name, document.Clip(n.Text))})
		default:
			seen[n.Text] = true
			items = append(items, n)
		}
	}
	return items
}
