package data

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// What is wrong with a cell or a row.
const (
	faultGap   = "gap"
	faultText  = "text" // no number
	faultDate  = "date"
	faultLevel = "level" // no value of an ordinal
	faultLabel = "label" // of a target
	faultRow   = "row"
	faultQuote = "quote" // a row that breaks the rules of CSV
	faultMany  = "many"  // more categories than are possible
	faultName  = "name"  // a key of the schema names no column
	faultFile  = "file"  // an encoding or a separator that the schema lacks
	faultOther = "other"
)

// A fault is one problem of one column, in all rows that have it.
type fault struct {
	kind, column string
	count        int
	lines        []int // the first
	texts        []string
	distinct     map[string]bool // at most mostDistinct
	dates        int             // texts that are dates
	commas       int             // texts that are numbers with a decimal comma
	thousands    int             // texts that are numbers with signs between thousands
	first        *Error
}

const (
	mostShownFaults = 20
	mostShownLines  = 3
	mostDistinct    = 1000
)

// faults gathers all that is wrong with a file, so that one pass tells it.
type faults struct {
	from    source
	given   Options
	options Options // with what the file seems to need
	assumed []*fault
	all     []*fault
	byKey   map[[2]string]*fault
}

func newFaults(from source, o Options) *faults { return &faults{from: from, given: o, options: o} }

// restart forgets what another pass finds again.
func (f *faults) restart() { f.all, f.byKey = nil, map[[2]string]*fault{} }

func (f *faults) some() bool { return len(f.all)+len(f.assumed) > 0 }

// thousands are numbers with signs between thousands, as people write them.
var thousands = regexp.MustCompile(`^[+-]?[0-9]{1,3}([.,' ][0-9]{3})+([.,][0-9]+)?$`)

func (f *faults) add(e *Error, kind, column, text string) {
	key := [2]string{kind, column}
	known := f.byKey[key]
	if known == nil || kind == faultName {
		known = &fault{kind: kind, column: column, first: e, distinct: map[string]bool{}}
		f.byKey[key], f.all = known, append(f.all, known)
	}
	line := max(e.Line, e.Row)
	if known.count++; len(known.lines) < mostShownLines && line > 0 && !slices.Contains(known.lines, line) {
		known.lines = append(known.lines, line)
	}
	if kind != faultText && kind != faultLevel && kind != faultDate && kind != faultLabel {
		return
	}
	if _, ok := date(text); ok {
		known.dates++
	}
	if _, ok := (Schema{Decimal: ","}).number(text); ok && strings.Contains(text, ",") {
		known.commas++
	} else if thousands.MatchString(text) {
		known.thousands++
	}
	if len(known.distinct) < mostDistinct && !known.distinct[text] {
		text = strings.Clone(text)
		if known.distinct[text] = true; len(known.texts) < mostShownLines {
			known.texts = append(known.texts, text)
		}
	}
}

// assume takes what an error says that the file needs, so that the rest of the problems can be found. It reports whether that
// makes a difference.
func (f *faults) assume(err error) bool {
	var e *Error
	if !errors.As(err, &e) || e.needs.Name == "" || f.given.like != nil {
		return false
	}
	s := &f.options.Schema
	switch e.needs.Name {
	case keyEncoding:
		if f.given.Schema.Encoding != "" || s.Encoding == e.needs.Value || s.Encoding == encodingWindows1252 {
			return false
		}
		if s.Encoding != "" { // more bytes, of another
			f.assumed = slices.DeleteFunc(f.assumed, func(a *fault) bool { return a.first.needs.Name == keyEncoding })
		}
		s.Encoding = e.needs.Value
	case keySeparator:
		if f.given.Schema.Separator != "" || s.Separator != "" {
			return false
		}
		s.Separator = e.needs.Value
	}
	assumed := &fault{kind: faultFile, count: 1, first: e}
	if e.Line > 0 {
		assumed.lines = []int{e.Line}
	}
	f.assumed = append(f.assumed, assumed)
	return true
}

// separators are what tables may have between cells.
var separators = []string{",", ";", "\t", "|"}

// columns holds the names of the columns against what is asked for.
func (f *faults) columns(t records) error {
	names, o := t.names(), f.options
	at := t.at(0)
	if len(names) == 1 && f.from.isText() && o.Schema.Separator == "" {
		best := ""
		for _, s := range separators {
			if n := strings.Count(names[0], s); n > strings.Count(names[0], best) || best == "" && n > 0 {
				best = s
			}
		}
		if best != "" {
			e := t.fail(at, "", "", "the cells seem to be separated by %s", separatorNames[best])
			e.needs = SchemaSetting{keySeparator, best}
			return e
		}
	}
	if like := o.like; like != nil {
		var lacking []string
		for _, name := range like.columnNames() {
			if !slices.Contains(names, name) {
				lacking = append(lacking, name)
			}
		}
		if len(lacking) > 0 {
			return t.fail(0, "", "it has "+shorten(names, 10), "lacks columns of the training data: %s", shorten(lacking, 10))
		}
		if !slices.Contains(names, o.Target) {
			return noTarget(t, o.Target)
		}
		return nil
	}
	if text, ok := t.(*table); ok && text.indexed && o.Target != indexName && !slices.Contains(o.Schema.Drop, indexName) {
		f.add(text.index(), faultMany, indexName, "")
	}
	if p, ok := t.(*parquetTable); ok {
		for i, why := range p.refused {
			if why != "" && !slices.Contains(o.Schema.Drop, names[i]) {
				f.add(t.fail(0, names[i], "", "%s", why), faultMany, names[i], "")
			}
		}
	}
	if !slices.Contains(names, o.Target) {
		f.add(noTarget(t, o.Target).(*Error), faultName, "", "")
	}
	seen := map[string]string{o.Target: aboutTarget}
	check := func(key string, columns []string, alone bool) {
		for _, name := range columns {
			if !slices.Contains(names, name) {
				e := t.fail(0, "", suggest(name, names, "the columns are"), "`%s` names %q, which is no column", key, name)
				e.about = key
				f.add(e, faultName, "", "")
			} else if other, taken := seen[name]; alone && taken {
				e := t.fail(0, name, "it is one or the other", "`%s` names the column, and so does `%s`", key, other)
				e.about = key
				f.add(e, faultName, "", "")
			} else if alone {
				seen[name] = key
			}
		}
	}
	s := o.Schema
	check(keyDrop, s.Drop, true)
	if s.Group != "" {
		check(keyGroup, []string{s.Group}, s.Group == o.Target)
	}
	if s.Order != "" {
		check(keyOrder, []string{s.Order}, s.Order == o.Target)
	}
	if len(s.Categories) != 1 || s.Categories[0] != AllCategories {
		check(aboutCategories, s.Categories, true)
	}
	for _, column := range sortedKeys(s.Ordinal) {
		check(keyOrdinal, []string{column}, true)
	}
	check(keyDates, s.Dates, true)
	for _, column := range sortedKeys(s.Missing) {
		if column != EveryColumn {
			check(keyMissing, []string{column}, false)
		}
		if rule := s.Missing[column]; !slices.Contains(MissingRules, rule) {
			e := t.fail(0, "", suggest(rule, MissingRules, "the rules are"), "`missing` has no rule %q", rule)
			e.about = keyMissing
			f.add(e, faultName, "", "")
		}
	}
	if len(f.all) == 1 && f.all[0].first.about == aboutTarget && len(f.assumed) == 0 {
		return f.all[0].first // what the other columns are for depends on it
	}
	return nil
}

// noTarget refuses a table without the target.
func noTarget(t records, target string) error {
	if table, ok := t.(*table); ok {
		return table.noTarget(target)
	}
	e := t.fail(0, "", suggest(target, t.names(), "the columns are"), "there is no target column %q", target)
	if target == "" {
		e = t.fail(0, "", "the columns are "+shorten(t.names(), 40), "the target column is not given")
	}
	e.about = aboutTarget
	return e
}

// err is all that is wrong as one error.
func (f *faults) err(r *reading) error {
	all := slices.Concat(f.assumed, f.all)
	place := map[string]int{AllCategories: -1}
	for i, b := range r.builders {
		place[b.name] = i + 1
	}
	slices.SortStableFunc(all, func(a, b *fault) int { return place[a.column] - place[b.column] })
	needs := f.given.Schema.clone()
	unknown := func(name string) bool { return place[name] == 0 }
	needs.Drop, needs.Categories, needs.Dates = slices.DeleteFunc(needs.Drop, unknown), slices.DeleteFunc(needs.Categories, unknown), slices.DeleteFunc(needs.Dates, unknown)
	fixed := false
	var other []string // hints for what no key can settle
	for _, fault := range all {
		if f.settle(r, fault, &needs) {
			fixed = true
			if fault.column == indexName && fault.kind == faultMany {
				other = append(other, fault.first.hint)
			}
		} else if hint := fault.first.hint; hint != "" && !slices.Contains(other, hint) {
			other = append(other, hint)
		}
	}
	hint := strings.Join(other, "\n")
	if fixed {
		lines := changed(f.given.Schema, needs)
		write := "write in [task]:\n  " + strings.Join(lines, "\n  ")
		if len(lines) == 1 {
			write = "write in [task]: " + lines[0]
		}
		hint = strings.TrimRight(write+"\n"+hint, "\n")
	}
	if len(all) == 1 && all[0].count == 1 {
		e := *all[0].first
		e.File, e.hint, e.ofRow = f.from.name, hint, false
		return &e
	}
	var abouts, texts []string
	for _, fault := range all {
		if key := fault.first.about; key != "" && !slices.Contains(abouts, key) {
			abouts = append(abouts, key)
		}
		texts = append(texts, "  "+fault.text(f.from))
	}
	about := "" // the one key that is wrong
	if len(abouts) == 1 {
		about = abouts[0]
	}
	if more := len(texts) - mostShownFaults; more > 0 {
		texts = append(texts[:mostShownFaults], fmt.Sprintf("  and %d more", more))
	}
	if len(all) == 1 {
		e := &Error{File: f.from.name, Column: all[0].column, Message: all[0].says(f.from), about: about, hint: hint}
		e.Line, e.Row = all[0].first.Line, all[0].first.Row
		return e
	}
	return &Error{File: f.from.name, Message: fmt.Sprintf("%d problems:\n%s", len(all), strings.Join(texts, "\n")), about: about, hint: hint}
}

// settle adds to a schema what settles a fault, if anything does.
func (f *faults) settle(r *reading, of *fault, to *Schema) bool {
	var b *builder
	if i := slices.IndexFunc(r.builders, func(b *builder) bool { return b.name == of.column }); i >= 0 {
		b = r.builders[i]
	}
	if f.given.like != nil {
		return false
	}
	texts := f.byKey[[2]string{faultText, of.column}]
	switch {
	case of.kind == faultFile:
		if of.first.needs.Name == keyEncoding {
			to.Encoding = of.first.needs.Value
		} else {
			to.Separator = of.first.needs.Value
		}
	case b == nil:
		return false
	case of.kind == faultGap && (b.target || b.group || b.order):
		to.Missing[of.column] = MissingDropRows
	case of.kind == faultGap && of.count > 1 && of.count >= r.rows:
		to.Drop = append(to.Drop, of.column)
	case of.kind == faultGap && texts != nil && texts.isID():
		// the column is dropped
	case of.kind == faultGap && (b.as == AsCategory || texts != nil && texts.commas < texts.count):
		to.Missing[of.column] = MissingIndicator
	case of.kind == faultGap:
		to.Missing[of.column] = MissingMedian
	case of.kind == faultText && of.thousands > 0 && of.thousands+of.commas == of.count:
		of.first.hint = "write numbers without signs between thousands"
		return false
	case of.kind == faultText && (b.input || b.target) && of.commas == of.count && f.given.Schema.Decimal == "":
		to.Decimal = ","
	case of.kind == faultText && b.input && of.dates == of.count:
		to.Dates = append(to.Dates, of.column)
	case of.kind == faultText && b.input && of.isID(), of.kind == faultMany:
		to.Drop = append(to.Drop, of.column)
	case of.kind == faultText && b.input:
		to.Categories = append(to.Categories, of.column)
	default:
		return false
	}
	return true
}

// isID reports whether texts look like the names of rows rather than categories.
func (f *fault) isID() bool {
	const most, share = 10, 5 // as xrun init leaves such columns out
	return f.dates < f.count && f.commas < f.count && (len(f.distinct) == mostDistinct || len(f.distinct) > most && share*len(f.distinct) > f.count)
}

// text is the fault with its place.
func (f *fault) text(from source) string {
	where := ""
	if f.column != "" {
		where = fmt.Sprintf("column %q", f.column)
	}
	if len(f.lines) > 0 {
		var numbers []string
		for _, line := range f.lines {
			numbers = append(numbers, strconv.Itoa(line))
		}
		word, more := from.rowWord(len(f.lines)), ""
		if rest := f.count - len(f.lines); rest > 0 {
			more = fmt.Sprintf(" and %d more", rest)
		}
		if where != "" {
			where += ", "
		}
		where += word + " " + strings.Join(numbers, ", ") + more
	}
	if where != "" {
		where += ": "
	}
	return where + f.says(from)
}

// says is what is wrong.
func (f *fault) says(source) string {
	if f.count == 1 {
		return f.first.Message
	}
	switch f.kind {
	case faultGap:
		return fmt.Sprintf("%d values are missing", f.count)
	case faultText, faultDate, faultLevel:
		what := map[string]string{faultText: "not numbers", faultDate: "not dates", faultLevel: "not among the values of ordinal"}[f.kind]
		var texts []string
		for _, text := range f.texts {
			texts = append(texts, strconv.Quote(clip(text)))
		}
		text := strings.Join(texts, ", ")
		switch n := len(f.distinct); {
		case n == mostDistinct:
			text += " and many more"
		case n > len(texts):
			text += fmt.Sprintf(" and %d more", n-len(texts))
		}
		return fmt.Sprintf("%d values are %s: %s", f.count, what, text)
	}
	return fmt.Sprintf("%s (and %d more)", f.first.Message, f.count-1)
}

// changed writes the keys in which a schema differs from another, as lines of [task].
func changed(from, to Schema) (lines []string) {
	was := map[string]string{}
	for _, s := range from.Settings() {
		was[s.Name] = s.Value
	}
	for _, s := range to.Settings() {
		if was[s.Name] == s.Value {
			continue
		}
		switch s.Name {
		case keyCategories, keyDates, keyDrop:
			lines = append(lines, s.Name+" = ["+strings.ReplaceAll(s.Value, `","`, `", "`)+"]")
		case keyMissing:
			var all []string
			for _, column := range sortedKeys(to.Missing) {
				all = append(all, tomlKey(column)+" = "+strconv.Quote(to.Missing[column]))
			}
			lines = append(lines, "missing = { "+strings.Join(all, ", ")+" }")
		default:
			lines = append(lines, s.Name+" = "+strconv.Quote(s.Value))
		}
	}
	return lines
}

// tomlKey is a name as a key of a TOML table.
func tomlKey(name string) string {
	bare := strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") == ""
	if bare && name != "" {
		return name
	}
	return strconv.Quote(name)
}
