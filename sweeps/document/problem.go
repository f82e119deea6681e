package document

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Problem is one thing that is wrong with a file, and where.
type Problem struct {
	File string
	// Line and Col, in runes, count from 1.
	Line, Col int
	// Length is how many runes are marked; 0 when the problem is not about one place.
	Length  int
	Message string
	Label   string // a few words next to the mark, or empty
	Help    string // what can be done about it, or empty
	Source  string // the line as it stands in the file
}

// Error shows the problem with its line, as a compiler would.
func (p Problem) Error() string { return p.render("error") }

// Warning shows the problem as one that stops nothing.
func (p Problem) Warning() string { return p.render("warning") }

func (p Problem) render(severity string) string {
	var b strings.Builder
	number := strconv.Itoa(p.Line)
	margin := strings.Repeat(" ", len(number))
	fmt.Fprintf(&b, "%s: %s\n", severity, printable(p.Message))
	place := fmt.Sprintf("%s:%d:%d", printable(p.File), p.Line, p.Col)
	if strings.HasPrefix(p.File, setFlag) {
		place = printable(p.File) // it has one line
	}
	fmt.Fprintf(&b, "%s--> %s\n", margin, place)
	if p.Length > 0 {
		source, mark := p.snippet()
		fmt.Fprintf(&b, "%s |\n%s | %s\n%s | %s", margin, number, source, margin, mark)
		if p.Label != "" {
			b.WriteString(" " + printable(p.Label))
		}
		b.WriteByte('\n')
	}
	if p.Help != "" {
		for i, line := range strings.Split(strings.TrimSpace(p.Help), "\n") {
			b.WriteString([]string{"help: ", "      "}[min(i, 1)] + printable(line) + "\n")
		}
	}
	return b.String()
}

// snippetRunes limits what is shown of a long line.
const snippetRunes = 120

// snippet is the part of the source line around the problem, and the carets to print below it.
func (p Problem) snippet() (source, mark string) {
	line := []rune(p.Source)
	from := min(p.Col-1, len(line))
	length := max(1, min(p.Length, len(line)-from))
	if len(line) > snippetRunes {
		length = min(length, snippetRunes/2)
		start := max(0, min(from-snippetRunes/4, len(line)-snippetRunes))
		cut := line[start:min(len(line), start+snippetRunes)]
		from -= start
		if start > 0 {
			cut = append([]rune("…"), cut...)
			from++
		}
		if start+snippetRunes < len(line) {
			cut = append(slices.Clone(cut), '…')
		}
		line = cut
	}
	indent := make([]rune, from)
	for i := range indent {
		indent[i] = ' '
		if line[i] == '\t' {
			indent[i] = '\t'
		}
	}
	return printable(string(line)), string(indent) + strings.Repeat("^", length)
}

// printable keeps what a file contains from steering a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' {
			return ' '
		}
		if r != '\t' && !unicode.IsPrint(r) {
			return utf8.RuneError
		}
		return r
	}, s)
}

// Problems are all problems of a file, in the order of the file.
type Problems []Problem

// MaxProblems is how many problems are looked for: a file of a million wrong numbers is told so
// soon enough.
const MaxProblems = 1000

// shownProblems is how many problems Error renders.
const shownProblems = 20

// Error shows the first problems, and how many more there are.
func (p Problems) Error() string {
	var b strings.Builder
	for i, problem := range p {
		if i == shownProblems {
			fmt.Fprintf(&b, "\nand %d more\n", len(p)-i)
			break
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(problem.Error())
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Sort puts the problems in the order of the file, after those of the command line.
func (p Problems) Sort() {
	file := func(p Problem) int {
		if strings.HasPrefix(p.File, setFlag) {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(p, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(file(a), file(b)), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Col, b.Col))
	})
}
