package data

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A Schema says how the text of a table is read, and what its columns are. The zero Schema is that of a table in UTF-8 in
// which every column but the target is a number in every row.
type Schema struct {
	Separator string `json:"separator,omitempty"` // between cells; empty as the ending of the file says
	Decimal   string `json:"decimal,omitempty"`   // "," where numbers have a decimal comma; empty for a point
	Encoding  string `json:"encoding,omitempty"`  // empty is UTF-8, or UTF-16 where a byte order mark says so

	Drop       []string            `json:"drop,omitempty"`       // columns that are left out
	Categories []string            `json:"categories,omitempty"` // columns that get an input for each of their values; [AllCategories] alone is every column of text
	Rare       int                 `json:"rare,omitempty"`       // categories with fewer training rows than this share one input
	Ordinal    map[string][]string `json:"ordinal,omitempty"`    // columns whose values have an order, and the values in that order
	Dates      []string            `json:"dates,omitempty"`      // columns of dates, which become days since 1970-01-01
	Missing    map[string]string   `json:"missing,omitempty"`    // by column, what is done about gaps; [EveryColumn] is for columns that are not named

	Group string `json:"group,omitempty"` // the column whose rows with equal values stay on one side of every split
	Order string `json:"order,omitempty"` // the column by whose order the last rows validate and test
}

// Words in the place of names of columns.
const (
	AllCategories = "auto"
	EveryColumn   = "*"
)

// What can be done about gaps.
const (
	MissingMean         = "mean"
	MissingMedian       = "median"
	MissingMostFrequent = "most_frequent"
	MissingIndicator    = "indicator" // the mean, and a further input that is 1 where a value is missing
	MissingDropRows     = "drop_rows"
)

// Separators, DecimalSigns and Encodings list what may be said of the text of a table.
var (
	Separators   = separators
	DecimalSigns = []string{".", ","}
	Encodings    = []string{encodingUTF8, encodingUTF16LE, encodingUTF16BE, encodingLatin1, encodingWindows1252}
)

// MissingRules lists what can be done about gaps.
var MissingRules = []string{MissingMean, MissingMedian, MissingMostFrequent, MissingIndicator, MissingDropRows}

// The properties of a Schema by their names in a sweep file.
const (
	keyCategories = "categories"
	keyDates      = "dates"
	keyDecimal    = "decimal"
	keyDrop       = "drop"
	keyEncoding   = "encoding"
	keyGroup      = "group"
	keyMissing    = "missing"
	keyOrder      = "order"
	keyOrdinal    = "ordinal"
	keySeparator  = "separator"
)

// SettingRare is the one setting that is a number.
const SettingRare = "rare"

// SchemaSettings names what [Schema.Settings] may list.
var SchemaSettings = []string{keyCategories, keyDates, keyDecimal, keyDrop, keyEncoding, keyGroup, keyMissing, keyOrder, keyOrdinal, SettingRare, keySeparator}

// A SchemaSetting is one property of a Schema that is not the default.
type SchemaSetting struct{ Name, Value string }

// Settings lists what differs from the zero Schema, by name. Schemas with equal settings are equal.
func (s Schema) Settings() (all []SchemaSetting) {
	add := func(name, value string) {
		if value != "" {
			all = append(all, SchemaSetting{name, value})
		}
	}
	add(keyCategories, quoted(s.Categories))
	add(keyDates, quoted(s.Dates))
	add(keyDecimal, s.Decimal)
	add(keyDrop, quoted(s.Drop))
	add(keyEncoding, s.Encoding)
	add(keyGroup, s.Group)
	var missing []string
	for _, column := range sortedKeys(s.Missing) {
		missing = append(missing, strconv.Quote(column)+" "+s.Missing[column])
	}
	if rule := s.Missing[EveryColumn]; rule != "" && len(missing) == 1 {
		missing[0] = rule
	}
	add(keyMissing, strings.Join(missing, ","))
	add(keyOrder, s.Order)
	var ordinal []string
	for _, column := range sortedKeys(s.Ordinal) {
		ordinal = append(ordinal, strconv.Quote(column)+" "+ordered(s.Ordinal[column]))
	}
	add(keyOrdinal, strings.Join(ordinal, ","))
	if s.Rare > 0 {
		add(SettingRare, strconv.Itoa(s.Rare))
	}
	add(keySeparator, s.Separator)
	return all
}

// quoted writes names in an order that does not depend on how they are given.
func quoted(names []string) string { return ordered(slices.Sorted(slices.Values(names))) }

func ordered(names []string) string {
	texts := make([]string, len(names))
	for i, name := range names {
		texts[i] = strconv.Quote(name)
	}
	return strings.Join(texts, ",")
}

// IsZero reports whether nothing is said.
func (s Schema) IsZero() bool { return len(s.Settings()) == 0 }

// plain reports whether all that is said is where cells and numbers end.
func (s Schema) plain() bool {
	return Schema{Separator: s.Separator, Decimal: s.Decimal, Encoding: s.Encoding}.Key() == s.Key()
}

// Key is equal for equal schemas.
func (s Schema) Key() string { return fmt.Sprintf("%q", s.Settings()) }

// clone is a schema that can be changed by itself.
func (s Schema) clone() Schema {
	s.Drop, s.Categories, s.Dates = slices.Clone(s.Drop), slices.Clone(s.Categories), slices.Clone(s.Dates)
	missing := map[string]string{}
	maps.Copy(missing, s.Missing)
	s.Missing = missing
	return s
}

// number reads a number with the decimal sign of the table. The other sign, which may stand between thousands, is none of
// a number.
func (s Schema) number(text string) (v float64, ok bool) {
	if s.Decimal == "," {
		if strings.Contains(text, ".") {
			return 0, false
		}
		text = strings.Replace(text, ",", ".", 1)
	}
	return decimal(text)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// Key is equal for equal options.
func (o Options) Key() string {
	return fmt.Sprintf("%q %q", []string{o.Target, string(o.Kind), o.Validation, o.Test}, o.Schema.Settings())
}
