package imported

import (
	"fmt"
	"strings"
)

// A Problem is a mistake in a file, with its place.
type Problem struct {
	File         string
	Line, Column int // from 1; columns count bytes
	Message      string
	Help         string // what to do; may be empty
}

func (p Problem) String() string {
	text := fmt.Sprintf("%s:%d:%d: %s", p.File, p.Line, p.Column, p.Message)
	if p.Help != "" {
		text += " (" + p.Help + ")"
	}
	return text
}

// Problems are the mistakes in a file, or the first of them.
type Problems struct {
	List []Problem
	More int // number of mistakes that are not listed
}

func (p *Problems) Error() string {
	var lines []string
	for _, one := range p.List {
		lines = append(lines, one.String())
	}
	if p.More > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", p.More))
	}
	return strings.Join(lines, "\n")
}

// Hint says that nothing was imported.
func (p *Problems) Hint() string { return "nothing was imported" }

// maxProblems limits the list for a file that is wrong everywhere.
const maxProblems = 20

// found collects problems.
type found struct {
	file string
	Problems
}

func (f *found) add(line, column int, message, help string) {
	if len(f.List) == maxProblems {
		f.More++
		return
	}
	f.List = append(f.List, Problem{f.file, line, column, message, help})
}

func (f *found) err() error {
	if len(f.List) == 0 {
		return nil
	}
	return &f.Problems
}
