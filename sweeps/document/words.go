package document

import (
	"slices"
	"strings"
	"unicode"
)

// Nearest is the known word that was probably meant by given, or empty.
func Nearest(given string, known []string) string {
	const longest = 64
	if len(given) > longest {
		return ""
	}
	word := []rune(strings.ToLower(given))
	closest, least := "", max(1, len(word)/3)+1
	for _, k := range known {
		if d := distance(word, []rune(strings.ToLower(k))); d < least {
			closest, least = k, d
		}
	}
	return closest
}

// distance counts the letters that are to be added, dropped, changed or swapped with their
// neighbour to make b of a: optimal string alignment (Damerau 1964, doi:10.1145/363958.363994).
func distance(a, b []rune) int {
	before, above := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i, r := range a {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j, s := range b {
			change := above[j]
			if r != s {
				change++
			}
			row[j+1] = min(change, above[j+1]+1, row[j]+1)
			if i > 0 && j > 0 && r == b[j-1] && a[i-1] == s {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, above = above, row
	}
	return above[len(b)]
}

// DidYouMean is a label for a word that is not among the known ones.
func DidYouMean(given string, known []string) string {
	if word := Nearest(given, known); word != "" {
		return "did you mean `" + word + "`?"
	}
	return ""
}

// Clip keeps a name from the file short enough for a message.
func Clip(name string) string {
	const longest = 60
	if runes := []rune(name); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return name
}

// Showable reports whether a text can stand in one line of a table.
func Showable(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) })
}

// List joins names for a message, at most a dozen and a half of them.
func List(names []string) string {
	const most = 18
	short := slices.Clone(names[:min(len(names), most)])
	for i := range short {
		short[i] = Clip(short[i])
	}
	if len(names) > most {
		short = append(short, "…")
	}
	return strings.Join(short, ", ")
}
