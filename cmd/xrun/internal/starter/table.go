package starter

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A reading is how init proposes to read a table.
type reading struct {
	look    *data.Summary
	target  string
	because string // why that is the target
	roles   []role // in the order of the columns, without the target
	schema  data.Schema
	group   string // a column that may say which rows belong together; empty for none
	notes   []string
}

// A role is what init makes of a column.
type role struct {
	data.ColumnSummary
	as      string // one of the kinds of an encoding, or dropped
	because string
	missing string   // the rule for its gaps; empty without any
	order   []string // the values of an ordinal
}

const dropped = "dropped"

// Limits by which columns are told apart. Shares are of the rows in which a column has a value.
const (
	distinctShare   = 0.95 // with more different values than this, a column names its rows
	distinctRows    = 10   // in fewer rows, numbers and words may well all differ
	levelShare      = 0.2  // a column of text with more different values than this is no category …
	fewLevels       = 10   // … but so many are never too many, and too few to divide rows by
	mostCategories  = 1000
	numericShare    = 0.9  // a column of text in which more than this are numbers has mistakes
	fewGaps         = 0.05 // gaps in fewer rows tell little by themselves
	rareShare       = 0.01 // a category in fewer rows, but at most mostRare and at least 2 of them, is rare
	mostRare        = 10
	repeatedShare   = 0.9 // of a column of groups, fewer values than this differ
	mostDescribed   = 40  // columns that are described one by one
	commonRule      = 4   // a rule for gaps that so many columns have is written once
	mostClassesRows = 2   // rows that a class of text has on average, at least
)

// targetNames are what the column to predict is often called, the surest first, without case and signs.
var targetNames = []string{"target", "label", "labels", "y", "outcome", "response", "survived", "churn", "churned", "defaulted", "fraud", "isfraud", "diagnosis", "species", "saleprice", "price", "class"}

// groupNames are what a column is called whose equal values belong to one thing that is seen several times.
var groupNames = []string{"patient", "subject", "user", "customer", "client", "person", "participant", "household", "family", "session", "account", "device", "machine", "store", "school", "group", "student"}

// scales are words that have an order.
var scales = [][]string{
	{"very low", "low", "medium", "high", "very high"}, {"low", "moderate", "high"}, {"low", "mid", "high"},
	{"very poor", "poor", "fair", "good", "very good", "excellent"}, {"bad", "ok", "good"}, {"bad", "average", "good"}, {"po", "fa", "ta", "gd", "ex"},
	{"xs", "s", "m", "l", "xl", "xxl"}, {"tiny", "small", "medium", "large", "huge"}, {"none", "mild", "moderate", "severe"}, {"none", "minor", "major"},
	{"never", "rarely", "sometimes", "often", "always"}, {"strongly disagree", "disagree", "neutral", "agree", "strongly agree"},
	{"primary", "secondary", "tertiary"}, {"bronze", "silver", "gold", "platinum"}, {"cold", "cool", "mild", "warm", "hot"}, {"first", "second", "third"},
	{"1st", "2nd", "3rd"}, {"junior", "senior", "lead"}, {"beginner", "intermediate", "advanced", "expert"},
}

// plain is a name without case and signs.
func plain(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == ' ' || r == '.' {
			return -1
		}
		return r
	}, strings.ToLower(name))
}

// read proposes how to read a table. The target is the one that is asked for, or that of a rule.
func read(look *data.Summary, target string) (*reading, error) {
	r := &reading{look: look, target: target, because: "the column to predict"}
	if target == "" {
		var err error
		if r.target, r.because, err = targetOf(look); err != nil {
			return nil, err
		}
	}
	r.schema = look.Schema
	inputs := 0
	for _, c := range look.Columns {
		if c.Name == r.target {
			if c.Gaps > 0 {
				r.gap(c.Name, data.MissingDropRows)
			}
			continue
		}
		role := r.roleOf(c)
		r.roles = append(r.roles, role)
		if role.as != dropped {
			inputs++
		}
	}
	if named := r.unwritable(); named != "" {
		return nil, advice.Usage(fmt.Errorf("%s: the name of column %q has characters that a sweep file cannot show, and the file would have to name it", look.Name, named), "rename the column")
	}
	r.fill()
	switch {
	case len(look.Columns) == 1:
		return nil, advice.Usage(fmt.Errorf("%s: %q is the only column: there is nothing to learn from", look.Name, r.target), "put further columns beside it")
	case inputs == 0 && len(r.roles) == len(look.Columns)-1: // and not for a target that there is not
		return nil, advice.Usage(fmt.Errorf("%s: no column is left to learn from: %s", look.Name, r.reasons()),
			"a sweep file can use them all the same: start from that of another table, and name them in categories")
	}
	return r, nil
}

// unwritable is a column that the sweep file has to name and cannot; empty if there is none.
func (r *reading) unwritable() string {
	s := r.schema
	for _, name := range slices.Concat([]string{r.target}, s.Drop, s.Categories, s.Dates, slices.Sorted(maps.Keys(s.Ordinal)), slices.Sorted(maps.Keys(s.Missing))) {
		if strings.ContainsFunc(name, func(c rune) bool { return !unicode.IsPrint(c) }) {
			return name
		}
	}
	return ""
}

// reasons says why columns are dropped.
func (r *reading) reasons() string {
	const most = 8
	var all []string
	for _, role := range r.roles {
		if role.as == dropped {
			all = append(all, fmt.Sprintf("%s %s", role.Name, role.because))
		}
	}
	if more := len(all) - most; more > 0 {
		return fmt.Sprintf("%s; and so %d more", strings.Join(all[:most], "; "), more)
	}
	return strings.Join(all, "; ")
}

// targetOf is the target of a table of which nobody has said: the column with a name that targets often have, or else the last one
// that can be predicted.
func targetOf(look *data.Summary) (name, because string, err error) {
	for _, known := range targetNames {
		for _, c := range look.Columns {
			if plain(c.Name) == known && predictable(c, look.Rows) {
				return c.Name, "the column to predict, by its name", nil
			}
		}
	}
	for i, c := range slices.Backward(look.Columns) {
		if predictable(c, look.Rows) {
			if i == len(look.Columns)-1 {
				return c.Name, "the column to predict: the last one", nil
			}
			return c.Name, "the column to predict: the last one that differs between rows, and not in each", nil
		}
	}
	if look.UnevenLine > 0 {
		return "", "", advice.Usage(fmt.Errorf("%s:%d: the row has another number of cells than the header, which names %d columns, as have %d of %d rows", look.Name, look.UnevenLine, len(look.Columns), look.Uneven, look.Rows+look.Uneven),
			"the first line names the columns; give each row as many cells")
	}
	return "", "", advice.Usage(fmt.Errorf("%s: no column looks like one to predict: each is empty, constant, a date or a text of its own in nearly every row", look.Name),
		"--target names one all the same")
}

// predictable reports whether a column can be a target: numbers that differ, or words that come several times.
func predictable(c data.ColumnSummary, rows int) bool {
	switch c.Looks {
	case data.AsNumber:
		return c.Distinct > 1 && !(idName(c.Name) && c.Whole)
	case data.AsFlag:
		return c.Distinct > 1
	case data.LooksText:
		return c.Distinct > 1 && c.Levels != nil && mostClassesRows*c.Distinct <= rows-c.Gaps
	}
	return false
}

var ofIDs = regexp.MustCompile(`^(id|idx|uuid|guid|key|rowid|rownumber|rowno|rownum|unnamed:?0)$`)

// idName reports whether a name is that of a column that names things: id, customer_id, userId.
func idName(name string) bool {
	return ofIDs.MatchString(plain(name)) || regexp.MustCompile(`([a-z]I[dD]|[_\- .]([iI][dD]|uuid|key))$`).MatchString(name)
}

// groupName reports whether a name is that of something that is seen several times.
func groupName(name string) bool {
	word := plain(name)
	for _, behind := range []string{"id", "number", "no", "nr", "name", "key", "code"} {
		if stem, found := strings.CutSuffix(word, behind); found && slices.Contains(groupNames, stem) {
			return true
		}
	}
	return slices.Contains(groupNames, word)
}

// roleOf is what becomes of a column.
func (r *reading) roleOf(c data.ColumnSummary) role {
	rows := r.look.Rows
	present := rows - c.Gaps
	is := role{ColumnSummary: c}
	drop := func(format string, args ...any) role {
		is.as, is.because = dropped, fmt.Sprintf(format, args...)
		r.schema.Drop = append(r.schema.Drop, c.Name)
		return is
	}
	whole := c.Looks == data.LooksText || c.Looks == data.AsNumber && c.Whole
	differs := present >= distinctRows && float64(c.Distinct) >= distinctShare*float64(present)
	switch {
	case c.Looks == data.LooksEmpty:
		return drop("has no values")
	case c.Distinct == 1 && c.Gaps == 0:
		return drop("is %s in every row", shown(c.Examples[0]))
	case groupName(c.Name) && whole && c.Distinct > fewLevels && float64(c.Distinct) < repeatedShare*float64(present) && (c.Looks == data.LooksText || idName(c.Name) || c.Distinct > present/20):
		if r.group == "" {
			r.group = c.Name
		}
		return drop("says which rows belong together: %d values in %d rows", c.Distinct, present)
	case c.Looks == data.AsNumber && c.Whole && differs && (idName(c.Name) || r.counts(c)):
		return drop("is another number in nearly every row: it names the row")
	case c.Looks == data.AsNumber && c.Whole && idName(c.Name) && c.Distinct > fewLevels:
		return drop("is numbers that name things: %d in %d rows", c.Distinct, present)
	}
	switch {
	case c.Looks == data.AsNumber && c.Whole && idName(c.Name):
		r.category(&is, "numbers that name things")
	case c.Looks == data.AsNumber:
		is.as = data.AsNumber
	case c.Looks == data.AsFlag:
		is.as = data.AsFlag
	case c.Looks == data.AsDate:
		is.as = data.AsDate
		r.schema.Dates = append(r.schema.Dates, c.Name)
	default:
		mixed := ""
		if c.Numbers > 0 && float64(c.Numbers) >= numericShare*float64(present) {
			mixed = fmt.Sprintf("numbers but for %s in line %d and %s; correct those, or write NA for them, and it is a number", shown(c.Odd), c.OddLine, stats.Count(present-c.Numbers-1, "more cell", "more cells"))
			if present-c.Numbers == 1 {
				mixed = fmt.Sprintf("numbers but for %s in line %d; correct that, or write NA for it, and it is a number", shown(c.Odd), c.OddLine)
			}
			r.notes = append(r.notes, fmt.Sprintf("%s is %s", c.Name, mixed))
		}
		otherwise := ""
		for _, known := range otherForms {
			if mixed == "" && !slices.ContainsFunc(c.Examples, func(text string) bool { return !known.form.MatchString(text) }) {
				otherwise = fmt.Sprintf(known.says, shown(c.Examples[0]))
				r.notes = append(r.notes, fmt.Sprintf("%s is %s", c.Name, otherwise))
				break
			}
		}
		tooMany := c.Levels == nil || c.Distinct > mostCategories || c.Distinct > fewLevels && float64(c.Distinct) > levelShare*float64(present)
		switch {
		case otherwise != "" && (differs || tooMany):
			return drop("is %s", otherwise)
		case differs && mixed == "":
			return drop("is another text in nearly every row")
		case tooMany:
			if mixed != "" {
				return drop("is %s", mixed)
			}
			return drop("is %d different texts in %d rows, too many for an input each", c.Distinct, present)
		}
		if is.order = scaleOf(c); is.order != nil {
			is.as = data.AsOrdinal
			if r.schema.Ordinal == nil {
				r.schema.Ordinal = map[string][]string{}
			}
			r.schema.Ordinal[c.Name] = is.order
			break
		}
		r.category(&is, mixed+otherwise)
	}
	if c.Gaps > 0 {
		is.missing = ruleFor(is, rows)
		r.gap(c.Name, is.missing)
	}
	return is
}

// category makes a column one of categories.
func (r *reading) category(is *role, because string) {
	is.as, is.because = data.AsCategory, because
	r.schema.Categories = append(r.schema.Categories, is.Name)
	if rare := rareRows(r.look.Rows); slices.ContainsFunc(levels(is.ColumnSummary), func(level string) bool { return is.Levels[level] < rare }) {
		r.schema.Rare = rare
	}
}

// otherForms are dates and numbers that nothing reads as such.
var otherForms = []struct {
	form *regexp.Regexp
	says string
}{
	{regexp.MustCompile(`^\d{1,2}[./-]\d{1,2}[./-](\d{2}|\d{4})\b`), "dates in a form that people read in several ways, such as %s; write 2024-03-31, and it is a date"},
	{regexp.MustCompile(`^[$€£]?\s?[+-]?\d[\d.,']*\s?(%|€|\$|£|[kKmM]|kg|km|cm|mm|mg|ml|h|min|USD|EUR)?$`), "numbers with a sign or a unit, such as %s; write the number alone, and it is a number"},
}

// ruleFor is what is done about the gaps of a column.
func ruleFor(is role, rows int) string {
	switch few := float64(is.Gaps) < fewGaps*float64(rows); {
	case is.as == data.AsCategory, is.as == data.AsNumber && !few, is.as == data.AsDate && !few:
		return data.MissingIndicator
	case is.as == data.AsNumber, is.as == data.AsDate:
		return data.MissingMedian
	}
	return data.MissingMostFrequent
}

func (r *reading) gap(column, rule string) {
	if r.schema.Missing == nil {
		r.schema.Missing = map[string]string{}
	}
	r.schema.Missing[column] = rule
}

// fill makes a proposal short, and complete where nothing else says that columns are looked at.
func (r *reading) fill() {
	uses := map[string][]string{}
	for _, role := range r.roles {
		if role.missing != "" {
			uses[role.missing] = append(uses[role.missing], role.Name)
		}
	}
	most := ""
	for _, rule := range []string{data.MissingMedian, data.MissingIndicator, data.MissingMostFrequent} {
		if len(uses[rule]) >= commonRule && len(uses[rule]) > len(uses[most]) {
			most = rule
		}
	}
	if most != "" {
		for _, name := range uses[most] {
			delete(r.schema.Missing, name)
		}
		r.schema.Missing[data.EveryColumn] = most
	}
	if slices.Contains(r.schema.Categories, data.AllCategories) { // the name of a column
		r.schema.Categories = []string{data.AllCategories}
	}
	flags := slices.ContainsFunc(r.roles, func(role role) bool { return role.as == data.AsFlag })
	if flags && r.schema.IsZero() { // yes and no are words, which are read where something is said about columns
		r.schema.Categories = []string{data.AllCategories}
	}
}

// rareRows is the number of rows that a category has at least, if it has an input of its own.
func rareRows(rows int) int { return max(2, min(mostRare, int(rareShare*float64(rows)))) }

func levels(c data.ColumnSummary) []string {
	all := make([]string, 0, len(c.Levels))
	for level := range c.Levels {
		all = append(all, level)
	}
	slices.Sort(all)
	return all
}

// scaleOf orders the values of a column whose words have a known order; nil for others.
func scaleOf(c data.ColumnSummary) []string {
	if c.Distinct < 3 {
		return nil
	}
	for _, scale := range scales {
		at, fits := map[int]string{}, true
		for level := range c.Levels {
			i := slices.Index(scale, strings.ToLower(level))
			if i < 0 || at[i] != "" {
				fits = false
				break
			}
			at[i] = level
		}
		if !fits {
			continue
		}
		var order []string
		for i := range scale {
			if at[i] != "" {
				order = append(order, at[i])
			}
		}
		return order
	}
	return nil
}

// counts reports whether a column numbers the rows from 0 or 1 on.
func (r *reading) counts(c data.ColumnSummary) bool {
	if c.Min != 0 && c.Min != 1 || c.Max != c.Min+float64(r.look.Rows-1) || c.Gaps > 0 {
		return false
	}
	at := slices.IndexFunc(r.look.Columns, func(other data.ColumnSummary) bool { return other.Name == c.Name })
	last := c.Min - 1
	for _, row := range r.look.Sample {
		v, err := strconv.ParseFloat(row[at], 64)
		if err != nil || v <= last {
			return false
		}
		last = v
	}
	return true
}

// shown is a value in a comment.
func shown(text string) string {
	const longest = 30
	if runes := []rune(comment(text)); len(runes) > longest {
		return strconv.Quote(string(runes[:longest]) + "…")
	}
	return strconv.Quote(comment(text))
}

// says describes what becomes of the column.
func (is role) says() string {
	text := ""
	switch is.as {
	case dropped:
		return "left out: it " + is.because
	case data.AsNumber:
		text = fmt.Sprintf("number from %s to %s", short(is.Min), short(is.Max))
		if is.Whole && is.Distinct > 2 && is.Distinct <= 6 {
			text += fmt.Sprintf(", %d values: in categories, each would have an input", is.Distinct)
		}
	case data.AsFlag:
		text = "true or false"
	case data.AsDate:
		text = "date, becomes days since 1970-01-01"
	case data.AsOrdinal:
		text = "in an order that its words have"
	case data.AsCategory:
		if text = fmt.Sprintf("category with %s", stats.Count(is.Distinct, "value", "values")); is.because != "" {
			text += ": " + is.because
		}
	}
	if is.Gaps > 0 {
		text += fmt.Sprintf("; %s, %s", stats.Count(is.Gaps, "gap", "gaps"), map[string]string{
			data.MissingIndicator:    cmp.Or(map[bool]string{true: "which are a category"}[is.as == data.AsCategory], "so many that a further input tells them"),
			data.MissingMedian:       "so few that the median will do",
			data.MissingMostFrequent: "which get the most frequent value",
		}[is.missing])
	}
	return text
}

func short(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
