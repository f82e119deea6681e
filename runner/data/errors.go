package data

import (
	"fmt"
	"strconv"
	"strings"
)

// An Error says what is wrong with a data set, and where.
type Error struct {
	File    string // or the name of a built-in set
	Line    int    // counted from 1; 0 when the error is not about one line
	Row     int    // counted from 1, where a file has rows but no lines; 0 when the error is not about one row
	Column  string // the column's name; empty when the error is not about one column
	Message string
	about   string
	hint    string
	cause   error
	needs   SchemaSetting // what would settle it; its name is empty if unknown
	ofRow   bool          // the next row can be read all the same
}

// What an Error can be about other than the data set itself: an option by its name in a sweep file.
const (
	aboutTarget     = "target"
	aboutKind       = "kind"
	aboutValidation = "validation"
	aboutTest       = "test"
	aboutCategories = keyCategories
	aboutGroup      = keyGroup
	aboutOrder      = keyOrder
)

// Error is "file:line: row 3: column "x": message", without the parts that are unknown.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.File)
	if e.Line > 0 {
		b.WriteString(":" + strconv.Itoa(e.Line))
	}
	b.WriteString(": ")
	if e.Row > 0 {
		fmt.Fprintf(&b, "row %d: ", e.Row)
	}
	if e.Column != "" {
		fmt.Fprintf(&b, "column %q: ", e.Column)
	}
	b.WriteString(e.Message)
	return b.String()
}

func (e *Error) Unwrap() error { return e.cause }

// About is the option that is wrong, one of the constants above or a property of the schema; empty for the data set itself.
func (e *Error) About() string { return e.about }

// Hint says what a person can do about it; it may be empty.
func (e *Error) Hint() string { return e.hint }

// suggest names the known word most like the one given, and all of them after the heading.
func suggest(given string, known []string, heading string) string {
	list := heading + " " + shorten(known, 40)
	best, closest := max(1, len(given)/3)+1, ""
	for _, word := range known {
		if d := distance(strings.ToLower(given), strings.ToLower(word)); d < best {
			best, closest = d, word
		}
	}
	if closest == "" {
		return list
	}
	return fmt.Sprintf("did you mean %q? %s", closest, list)
}

// distance is the number of single-letter edits between two words (Levenshtein 1966).
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, diagonal+1, row[j]+1)
		}
	}
	return row[len(b)]
}
