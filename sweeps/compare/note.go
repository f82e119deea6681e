package compare

import (
	"fmt"
)

// A Note is what a reader should know before believing the numbers.
type Note struct {
	Warning bool // it puts the verdict in doubt
	Text    string
	// Then is what a person can do about it, in words; empty if there is nothing, or a Command does it.
	Then string
	// Command is a command of xrun that does something about it, with its arguments.
	Command []string
}

// Kind is warning or note.
func (n Note) Kind() string {
	if n.Warning {
		return "warning"
	}
	return "note"
}

func note(text string) Note    { return Note{Text: text} }
func warning(text string) Note { return Note{Text: text, Warning: true} }

func notef(format string, args ...any) Note    { return note(fmt.Sprintf(format, args...)) }
func warningf(format string, args ...any) Note { return warning(fmt.Sprintf(format, args...)) }

// then adds what a person can do, if xrun can train the sweep's trials.
func (r *Report) then(n Note, text string) Note {
	if r.trains() {
		n.Then = text
	}
	return n
}

// command adds a command of xrun, if it can train the sweep's trials. args follow the name of the sweep.
func (r *Report) command(n Note, name string, args ...string) Note {
	if name == "refine" && r.Problem != "" {
		return n // the grid of one problem is that of all
	}
	if r.trains() {
		n.Command = append(append([]string{name}, r.Arguments...), args...)
	}
	return n
}

// trains reports whether xrun's commands can train more trials of the question. They cannot for imported results, and
// they know no other arms than optimizers with regularizers. After a first look the whole sweep comes first.
func (r *Report) trains() bool { return !r.Imported && !r.Quick && r.By == nil }

// storeArguments are the Arguments that name the database.
func (r *Report) storeArguments() []string {
	if len(r.Arguments) == 0 {
		return nil
	}
	return r.Arguments[1:]
}
