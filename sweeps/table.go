package sweeps

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// dataSchema reads the keys that say how a table is read, and what its columns are.
func (s section) dataSchema() data.Schema {
	return data.Schema{
		Separator:  s.sign("separator", data.Separators),
		Decimal:    s.sign("decimal", data.DecimalSigns),
		Encoding:   s.choice("encoding"),
		Drop:       s.columns("drop"),
		Categories: s.categories(),
		Rare:       s.integer("rare"),
		Ordinal:    s.ordinal(),
		Dates:      s.columns("dates"),
		Missing:    s.gaps(),
	}
}

// signs are the values of a key that stands for a character of a file.
func signs(all []string) form {
	texts := make([]string, len(all))
	for i, sign := range all {
		texts[i] = strconv.Quote(sign)
	}
	return form{eitherOf(texts), map[string]any{"enum": all}}
}

// sign reads a character of a file; empty without one.
func (s section) sign(key string, all []string) string {
	e := s.node.Find(s.key(key).Name)
	if e == nil {
		return ""
	}
	if e.Value.Kind != document.Text {
		s.wrongType(key, document.Text, e.Value)
		return ""
	}
	if !slices.Contains(all, e.Value.Text) {
		s.report(e.Value.At, document.Problem{Message: fmt.Sprintf("`%s` is %q, but wants %s", key, document.Clip(e.Value.Text), signs(all).text)})
		return ""
	}
	return e.Value.Text
}

// columns reads names of columns.
func (s section) columns(key string) (names []string) {
	for _, n := range s.texts(key) {
		names = append(names, n.Text)
	}
	return names
}

// categories reads names of columns, or that all columns of text are meant.
func (s section) categories() []string {
	names := s.columns("categories")
	if len(names) > 1 && slices.Contains(names, data.AllCategories) {
		s.report(s.place("categories"), document.Problem{Message: fmt.Sprintf("`categories` has %q among names of columns", data.AllCategories),
			Help: fmt.Sprintf("categories = %q stands for all columns of text", data.AllCategories)})
		return nil
	}
	return names
}

// ordinal reads the values of columns in their order.
func (s section) ordinal() map[string][]string {
	e := s.node.Find("ordinal")
	if e == nil {
		return nil
	}
	if e.Value.Kind != document.Table {
		s.wrongType("ordinal", document.Table, e.Value)
		return nil
	}
	all := map[string][]string{}
	for _, column := range e.Value.Entries {
		name := "ordinal." + column.Name
		if column.Value.Kind != document.Array {
			s.wrongType(name, document.Array, column.Value)
			continue
		}
		for _, n := range column.Value.Items {
			switch {
			case n.Kind != document.Text:
				s.wrongType(name, document.Text, n)
			case slices.Contains(all[column.Name], n.Text):
				s.report(n.At, document.Problem{Message: fmt.Sprintf("`%s` has %q twice", name, document.Clip(n.Text))})
			case s.readable(name, n):
				all[column.Name] = append(all[column.Name], n.Text)
			}
		}
		if len(column.Value.Items) < 2 {
			s.report(column.Value.At, document.Problem{Message: fmt.Sprintf("`%s` has fewer than two values", name)})
		}
	}
	return all
}

// gaps reads what is done about gaps, by column.
func (s section) gaps() map[string]string {
	e := s.node.Find("missing")
	switch {
	case e == nil:
		return nil
	case e.Value.Kind != document.Table:
		if rule := s.choice("missing"); rule != "" {
			return map[string]string{data.EveryColumn: rule}
		}
		return nil
	}
	setting, all := s.key("missing").Setting, map[string]string{}
	for _, column := range e.Value.Entries {
		if v, ok := s.check(setting, "missing."+column.Name, column.Value); ok {
			all[column.Name] = v.Text
		}
	}
	return all
}
