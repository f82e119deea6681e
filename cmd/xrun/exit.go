package main

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

// usageError puts what the library says of a flag into the words of the others.
func usageError(c *cli.Context, err error, _ bool) error {
	hint, flags := "xrun help lists the commands", c.App.Flags
	if c.Command != nil && c.Command.Name != "" && c.Command.Name != "xrun" {
		hint, flags = fmt.Sprintf("xrun %s --help lists the flags", c.Command.FullName()), c.Command.Flags
	}
	if name, ok := strings.CutPrefix(err.Error(), "flag provided but not defined: -"); ok {
		var known []string
		for _, f := range flags {
			known = append(known, slices.DeleteFunc(f.Names(), func(n string) bool { return len(n) == 1 })...)
		}
		if name = strings.TrimLeft(name, "-"); len(name) > 1 {
			hint = didYouMean("--", name, known, hint)
		}
		return advice.Usage(fmt.Errorf("there is no flag %s", dashed(name)), hint)
	}
	if wrong := badValue.FindStringSubmatch(err.Error()); wrong != nil {
		value, quoted := strconv.Unquote(wrong[1])
		if want := wanted(flags, wrong[2]); want != "" && quoted == nil {
			return advice.Usage(fmt.Errorf("%s %q is not %s", dashed(wrong[2]), value, want), hint)
		}
	}
	return advice.Usage(err, hint)
}

// badValue is how the library says that a value of a flag cannot be read.
var badValue = regexp.MustCompile(`(?s)^invalid (?:boolean )?value ("(?:[^"\\]|\\.)*") for (?:flag )?-([^:]+): `)

// wanted is what the values of a flag are, empty for those that say it themselves.
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
		case *cli.BoolFlag:
			return "true or false, which need not be said"
		}
	}
	return ""
}

// dashed is a flag as it is written.
func dashed(name string) string {
	if utf8.RuneCountInString(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

// didYouMean asks whether one of the known words was meant, written after a prefix; if none is like what was given, it
// is otherwise.
func didYouMean(prefix, given string, known []string, otherwise string) string {
	if meant := document.Nearest(given, known); meant != "" {
		return "did you mean " + prefix + meant + "?"
	}
	return otherwise
}

// noCommand is an argument that ought to be one of the commands; below is that of which they are parts, if any.
func noCommand(below, name string, commands []*cli.Command) error {
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
	return advice.Usage(fmt.Errorf("there is no command %q", below+name), didYouMean(prefix, name, known, hint))
}

// exitCode is the code that an error ends the program with.
func exitCode(err error) int {
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
	case errors.Is(err, store.ErrNotFound), errors.As(err, &unfound):
		return advice.ExitNothing
	}
	return advice.ExitFailure
}
