// Package commandline is what the library of the command line leaves open: flags behind arguments, the number of arguments, errors in our
// words, and the exit codes.
package commandline

import (
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
)

// Reorder moves the flags of a command before its positional arguments: the library takes a flag behind one for another
// Positional argument.
func Reorder(app *cli.App, args []string) ([]string, error) {
	if len(args) < 2 || slices.Contains(args, "--generate-bash-completion") {
		return args, nil
	}
	out := []string{args[0]}
	rest := args[1:]
	if rest[0] == "--version" || rest[0] == "-version" { // people try it first
		rest = append([]string{"version"}, rest[1:]...)
	}
	commands, flags := app.Commands, app.Flags
	for len(rest) > 0 {
		i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(rest[0]) })
		if i < 0 {
			break
		}
		out = append(out, rest[0])
		commands, flags = commands[i].Subcommands, commands[i].Flags
		rest = rest[1:]
	}
	if len(commands) > 0 && len(rest) > 0 { // help, or something unknown
		return append(out, rest...), nil
	}
	if i := slices.IndexFunc(rest, func(arg string) bool { return arg == "--" || IsHelp(arg) }); i >= 0 && IsHelp(rest[i]) {
		return append(out, rest[i]), nil // it wins, wherever it stands
	}
	var positional []string
	for len(rest) > 0 {
		arg := rest[0]
		rest = rest[1:]
		switch {
		case arg == "--":
			positional = append(positional, rest...)
			rest = nil
		case !strings.HasPrefix(arg, "-") || arg == "-":
			positional = append(positional, arg)
		default:
			out = append(out, arg)
			name, _, hasValue := strings.Cut(strings.TrimLeft(arg, "-"), "=")
			if hasValue || !TakesValue(flags, name) {
				continue
			}
			if len(rest) == 0 {
				return nil, advice.Usage(fmt.Errorf("flag %s needs a value", arg), fmt.Sprintf("write %s VALUE", arg))
			}
			out = append(out, rest[0])
			rest = rest[1:]
		}
	}
	if len(positional) > 0 {
		out = append(append(out, "--"), positional...)
	}
	return out, nil
}

func IsHelp(arg string) bool { return arg == "--help" || arg == "-h" }

func TakesValue(flags []cli.Flag, name string) bool {
	for _, f := range flags {
		if slices.Contains(f.Names(), name) {
			d, ok := f.(cli.DocGenerationFlag)
			return ok && d.TakesValue()
		}
	}
	return false
}

// Positional returns the arguments of a command after a check of their number. what names them in errors.
func Positional(c *cli.Context, least, most int, what string) ([]string, error) {
	args := c.Args().Slice()
	if len(args) >= least && len(args) <= most {
		return args, nil
	}
	if len(args) > most {
		return nil, advice.Usage(fmt.Errorf("unexpected argument %q", args[most]), strings.TrimRight(fmt.Sprintf("usage: xrun %s %s", Path(c), what), " "))
	}
	return nil, advice.Usage(fmt.Errorf("%s needs %s", Path(c), what), fmt.Sprintf("xrun %s --help says more", Path(c)))
}

// Path is the command as it is typed behind xrun: "db delete".
func Path(c *cli.Context) string { return strings.TrimPrefix(c.Command.HelpName, "xrun ") }
