package question

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// Parameters reads NAME=VALUE. A value that looks like a number is one, unless it is in quotation marks.
func Parameters(given []string) (map[string]any, error) {
	all := map[string]any{}
	for _, text := range given {
		name, value, ok := strings.Cut(text, "=")
		name = strings.TrimLeft(name, ":@$")
		if !ok || name == "" {
			return nil, advice.Usage(fmt.Errorf("--param %q is not NAME=VALUE", text), "for instance --param lr=0.1, which the statement calls :lr")
		}
		if _, twice := all[name]; twice {
			return nil, advice.Usage(fmt.Errorf("--param gives %s twice", name), "")
		}
		if i, err := strconv.ParseInt(value, 10, 64); err == nil {
			all[name] = i
		} else if x, err := strconv.ParseFloat(value, 64); err == nil && x == x {
			all[name] = x
		} else if n := len(value); n > 1 && value[0] == '\'' && value[n-1] == '\'' {
			all[name] = value[1 : n-1]
		} else {
			all[name] = value
		}
	}
	return all, nil
}

// StatementError shows the place of a mistake in a statement, and the word of the views that was probably meant.
func StatementError(text string, wrong *store.QueryError) error {
	if wrong.To == 0 {
		return advice.Usage(wrong, wrong.Help)
	}
	word, hint := text[wrong.From:wrong.To], wrong.Help
	label := ""
	if strings.HasPrefix(wrong.Message, "no such ") {
		var known, about []string
		if strings.HasPrefix(wrong.Message, "no such table") {
			for _, v := range store.Views() {
				known = append(known, v.Name)
			}
		} else {
			for _, v := range readBy(text) {
				for _, c := range v.Columns {
					known = append(known, c.Name)
				}
				about = append(about, v.Name+" has "+strings.Join(known[len(known)-len(v.Columns):], ", "))
			}
		}
		if meant := document.Nearest(word, known); meant != "" {
			label = fmt.Sprintf(" did you mean %s?", meant)
		}
		hint = strings.Join(append(about, "xrun sql without a statement lists the views and their columns"), "; ")
	}
	line, mark := advice.Excerpt(text, wrong.From, wrong.To)
	return advice.Usage(fmt.Errorf("%w\n  %s\n  %s", wrong, line, mark+label), hint)
}

// readBy are the views that a statement names.
func readBy(statement string) (views []store.View) {
	words := strings.FieldsFunc(strings.ToLower(statement), func(r rune) bool { return r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for _, v := range store.Views() {
		if slices.Contains(words, strings.ToLower(v.Name)) {
			views = append(views, v)
		}
	}
	return views
}
