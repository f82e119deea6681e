package starter

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// table looks at a table, proposes how to read it, and opens it so.
func (d *draft) table(path, target string) error {
	look, err := data.Look(path)
	if err != nil {
		return err
	}
	if d.reading, err = read(look, target); err != nil {
		return err
	}
	if d.set, d.fits, err = examine(path, d.reading.target, d.reading.schema); err != nil {
		return err
	}
	d.warn()
	return nil
}

// warn finds what is odd about the table.
func (d *draft) warn() {
	r := d.reading
	warn := func(format string, args ...any) { d.warnings = append(d.warnings, fmt.Sprintf(format, args...)) }
	for _, t := range r.telling(d.set.Kind) {
		warn("%s gives %s away: %s; if it is known only after %s, add it to drop", t.column, r.target, t.says, r.target)
	}
	constant, named := []string(nil), []string(nil)
	for _, role := range r.roles {
		switch {
		case role.as != dropped:
		case role.Distinct <= 1:
			constant = append(constant, role.Name)
		case role.Name == r.group, slices.ContainsFunc(r.notes, func(note string) bool { return strings.HasPrefix(note, role.Name+" is ") }):
			// which has a warning of its own
		default:
			named = append(named, role.Name)
		}
	}
	if len(constant) > 0 {
		warn("left out, because all rows have the same value or none: %s", some(constant))
	}
	if len(named) > 0 {
		warn("left out, because it names rows or has too many values: %s", some(named))
	}
	if r.group != "" {
		warn("rows of one %s may be on both sides of a split, which makes a model look better than it is; group = %s in [task] keeps them together", r.group, quoted(r.group))
	}
	if n := r.look.Duplicates; n > 0 {
		warn("%s equal to one above: copies on both sides of a split make a model look better than it is", stats.Count(n, "row is", "rows are"))
	}
	for _, note := range r.notes {
		warn("%s", note)
	}
	for _, note := range r.look.Notes {
		warn("%s", note)
	}
}

// some lists names, and how many there are beyond.
func some(names []string) string {
	const most = 8
	if more := len(names) - most; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), more)
	}
	return strings.Join(names, ", ")
}

// seen is what init has seen, as comments.
func (d *draft) seen() string {
	r := d.reading
	var b strings.Builder
	fmt.Fprintf(&b, "# %s has %s and %s.\n", comment(d.name), stats.Count(r.look.Rows, "row", "rows"), stats.Count(len(r.look.Columns), "column", "columns"))
	wide := 0
	for _, role := range r.roles {
		wide = max(wide, min(20, len([]rune(comment(role.Name)))))
	}
	described, others := 0, map[string]int{}
	for _, role := range r.roles {
		plain := len(r.roles) > mostDescribed && role.as == data.AsNumber && role.Gaps == 0 // as most columns of wide tables are
		if !plain {
			described++
		}
		if plain || described > mostDescribed {
			others[role.as]++
			continue
		}
		fmt.Fprintf(&b, "#   %-*s  %s\n", wide, comment(role.Name), comment(role.says()))
	}
	if len(others) > 0 {
		var all []string
		for _, as := range slices.Sorted(maps.Keys(others)) {
			all = append(all, fmt.Sprintf("%d × %s", others[as], map[bool]string{true: "left out", false: as}[as == dropped]))
		}
		fmt.Fprintf(&b, "#   and others: %s\n", strings.Join(all, ", "))
	}
	for _, w := range d.warnings {
		fmt.Fprintf(&b, "# warning: %s\n", comment(w))
	}
	return b.String() + "\n"
}

// keys are the lines of [task] that say how the table is read.
func (r *reading) keys() string {
	s := r.schema
	text := key("target", quoted(r.target), r.because)
	if s.Separator != "" {
		text += key("separator", quoted(s.Separator), "between cells")
	}
	if s.Decimal != "" {
		text += key("decimal", quoted(s.Decimal), "in numbers")
	}
	if s.Encoding != "" {
		text += key("encoding", quoted(s.Encoding), "the text is not UTF-8")
	}
	if len(s.Drop) > 0 {
		text += key("drop", "["+list(s.Drop)+"]", "for the reasons above")
	}
	if r.group != "" {
		text += fmt.Sprintf("# group    = %-20s # rows of one %s to one side of every split; %s stays no input\n", quoted(r.group), comment(r.group), comment(r.group))
	}
	switch {
	case slices.Equal(s.Categories, []string{data.AllCategories}):
		text += key("categories", quoted(data.AllCategories), "true, false, yes and no are 1 and 0; words would have an input each")
	case len(s.Categories) > 0:
		text += key("categories", "["+list(s.Categories)+"]", "an input for each value")
	}
	if s.Rare > 0 {
		text += key("rare", fmt.Sprint(s.Rare), "categories with fewer training rows share one input")
	}
	if len(s.Ordinal) > 0 {
		var all []string
		for _, role := range r.roles {
			if role.order != nil {
				all = append(all, bare(role.Name)+" = ["+list(role.order)+"]")
			}
		}
		text += key("ordinal", "{ "+strings.Join(all, ", ")+" }", "the position in this order: is it the right one?")
	}
	if len(s.Dates) > 0 {
		text += key("dates", "["+list(s.Dates)+"]", "become days")
		text += fmt.Sprintf("# order    = %-20s # train on the past, validate on what came later; it is no input then\n", quoted(s.Dates[0]))
	}
	if len(s.Missing) > 0 {
		var all []string
		for _, column := range slices.Sorted(maps.Keys(s.Missing)) {
			all = append(all, bare(column)+" = "+quoted(s.Missing[column]))
		}
		text += key("missing", "{ "+strings.Join(all, ", ")+" }", "what is done about gaps")
	}
	return text
}

var bareKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// bare is a key in TOML.
func bare(name string) string {
	if bareKey.MatchString(name) {
		return name
	}
	return quoted(name)
}
