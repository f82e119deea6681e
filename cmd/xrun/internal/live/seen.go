package live

import (
	"io"
	"os"

	"golang.org/x/term"
)

// Seen completes the options of a view with its place and form: auto, tty, plain or none.
func Seen(out io.Writer, how string, getenv func(string) string, o Options) Options {
	o.Out, o.Width = out, 80
	file, isFile := out.(*os.File)
	terminal := isFile && term.IsTerminal(int(file.Fd()))
	if terminal {
		if w, _, err := term.GetSize(int(file.Fd())); err == nil {
			o.Width = w
		}
	}
	o.Terminal = how == "tty" || how == "auto" && terminal && getenv("TERM") != "dumb" && getenv("CI") == ""
	o.Silent = how == "none"
	return o
}
