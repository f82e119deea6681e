package data

import (
	"fmt"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// unshowable says which character of a name may not reach a terminal; empty if none. Escape sequences control it, and
// marks of direction reorder what it shows. Tabs and line breaks in quoted names are only shown as spaces.
func unshowable(name string) string {
	for _, r := range name {
		if unicode.IsControl(r) && !strings.ContainsRune("\t\n\r", r) || unicode.Is(unicode.Bidi_Control, r) {
			return fmt.Sprintf("%+q has the control character %U", clip(name), r)
		}
	}
	return ""
}

// indexName is what pandas calls a first column without a name: the index that its to_csv writes.
const indexName = "Unnamed: 0"

// nameIndex gives a first column without a name the name that pandas gives it. It reports whether there is one.
func nameIndex(names []string) bool {
	if len(names) < 2 || names[0] != "" || slices.Contains(names, indexName) {
		return false
	}
	names[0] = indexName
	return true
}

// index refuses a first column without a name as an input: it numbers the rows, whose order may tell the target.
func (t *table) index() *Error {
	return t.fail(t.at(0), indexName, "pandas leaves the index out with to_csv(…, index=False)", "the first column has no name, as an index that pandas wrote")
}

// look is a name as it is seen: composed letters, any white space as one space, nothing that is not visible.
func look(name string) string {
	visible := strings.Map(func(r rune) rune {
		switch {
		case unicode.IsSpace(r):
			return ' '
		case unicode.Is(unicode.Cf, r):
			return -1
		}
		return r
	}, norm.NFC.String(name))
	return strings.Join(strings.Fields(visible), " ")
}

// lookAlike finds two names that differ but look the same.
func lookAlike(names []string) (a, b string, found bool) {
	seen := make(map[string]string, len(names))
	for _, name := range names {
		as := look(name)
		if other, ok := seen[as]; ok && other != name {
			return other, name, true
		}
		seen[as] = name
	}
	return "", "", false
}
