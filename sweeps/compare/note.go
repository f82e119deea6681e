package compare

import (
	"fmt"
)

// A Note is something that the reader should know before believing the numbers.
type Note struct {
	Warning bool // it puts the verdict in doubt
	Text    string
	// Then is what a person can do about it, in words; empty where there is nothing, or a Command does it.
	Then string
	// Command is what xrun can do about it: a command and its arguments.
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

// then adds what a person can do, where xrun can train the sweep's trials.
func (r *Report) then(n Note, text string) Note {
	if r.trains() {
		n.Then = text
	}
	return n
}

// command adds a command of xrun, where it can train the sweep's trials. args follow the name of the sweep.
func (r *Report) command(n Note, name string, args ...string) Note {
	if r.trains() {
		n.Command = append(append([]string{name}, r.Arguments...), args...)
	}
	return n
}

// trains reports whether xrun's commands can train more of what was asked about. Imported results cannot be trained,
// and the commands know no arms but those of optimizers and regularizers.
func (r *Report) trains() bool { return !r.Imported && r.By == nil }

// storeArguments are those of the Arguments that name the database.
func (r *Report) storeArguments() []string {
	if len(r.Arguments) == 0 {
		return nil
	}
	return r.Arguments[1:]
}
