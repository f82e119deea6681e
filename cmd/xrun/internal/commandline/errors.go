package commandline

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/help"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// UsageError puts an error of the library about a flag into our words.
func UsageError(c *cli.Context, err error, _ bool) error {
	hint, flags := "xrun help lists the commands", c.App.Flags
	if c.Command != nil && c.Command.Name != "" && c.Command.Name != "xrun" {
		hint, flags = fmt.Sprintf("xrun %s --help lists the flags", Path(c)), c.Command.Flags
	}
	if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
		var known []string
		for _, f := range flags {
			known = append(known, slices.DeleteFunc(f.Names(), func(n string) bool { return len(n) == 1 })...)
		}
		if name = strings.TrimLeft(name, "-"); len(name) > 1 {
			hint = DidYouMean("--", name, known, hint)
		}
		return advice.Usage(fmt.Errorf("there is no flag %s", dashed(name)), hint)
	}
	if wrong := badValue.FindStringSubmatch(err.Error()); wrong != nil {
		if takesNone(flags, wrong[2]) {
			return advice.Usage(fmt.Errorf("%s takes no value", dashed(wrong[2])), hint)
		}
		value, quoted := strconv.Unquote(wrong[1])
		if want := wanted(flags, wrong[2]); want != "" && quoted == nil {
			return advice.Usage(fmt.Errorf("%s %q is not %s", dashed(wrong[2]), value, want), hint)
		}
	}
	return advice.Usage(err, hint)
}

// badValue matches the library's error for a value of a flag that it cannot read.
var badValue = regexp.MustCompile(`(?s)^invalid (?:boolean )?value ("(?:[^"\\]|\\.)*") for (?:flag )?-([^:]+): `)

// wanted describes the values of a flag; empty if the library's error does.
func wanted(flags []cli.Flag, name string) string {
	for _, f := range flags {
		if !slices.Contains(f.Names(), name) {
			continue
		}
		switch f.(type) {
		case *cli.IntFlag:
			return "a whole number"
		case *cli.Float64Flag:
			return "a number"
		}
	}
	return ""
}

// takesNone reports whether a flag takes no value.
func takesNone(flags []cli.Flag, name string) bool {
	return slices.ContainsFunc(flags, func(f cli.Flag) bool {
		_, ok := f.(*cli.BoolFlag)
		return ok && slices.Contains(f.Names(), name)
	})
}

// dashed is a flag with its dashes.
func dashed(name string) string {
	if utf8.RuneCountInString(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// DidYouMean is a hint with the known word nearest to the given one, after a prefix; otherwise if no word is near.
func DidYouMean(prefix, given string, known []string, otherwise string) string {
	if meant := document.Nearest(given, known); meant != "" {
		return "did you mean " + prefix + meant + "?"
	}
	return otherwise
}

// NoCommand is the error for an argument that is none of the commands. below is their parent command, if any.
func NoCommand(below, name string, commands []*cli.Command) error {
	var known []string
	for _, c := range commands {
		if !c.Hidden {
			known = append(known, c.Names()...)
		}
	}
	prefix, hint := "xrun ", "xrun help lists the commands"
	if _, ok := help.Find(name); ok {
		hint = "xrun help " + name + " shows the page"
	}
	if below != "" {
		prefix, hint = "xrun "+below+" ", "xrun "+below+" --help lists the commands"
		below += " "
	}
	return advice.Usage(fmt.Errorf("there is no command %q", below+name), DidYouMean(prefix, name, known, hint))
}

// ExitCode is the exit code of the program after an error.
func ExitCode(err error) int {
	if code, ok := advice.Code(err); ok {
		return code
	}
	var problems document.Problems
	var unfound *host.FindError
	var misnamed *host.NameError
	switch {
	case errors.As(err, &problems), errors.As(err, &misnamed):
		return advice.ExitUsage
	case store.Unavailable(err):
		return advice.ExitStore
	case errors.As(err, &unfound) && !unfound.Missing:
		return advice.ExitUsage
	case errors.Is(err, store.ErrNotFound), unfound != nil:
		return advice.ExitNothing
	}
	return advice.ExitFailure
}
