package main

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/help"
)

func (p *program) helpCommand() *cli.Command {
	return &cli.Command{
		Name:      "help",
		Aliases:   []string{"h"},
		Usage:     "explain a command or a topic",
		ArgsUsage: "[COMMAND|TOPIC]",
		Description: `Without an argument it lists the commands and the topics. A topic is a page with examples, such as
xrun help sweep-file. NO_COLOR=1 shows it without colour.`,
		BashComplete: func(c *cli.Context) {
			for _, word := range helpWords(c.App) {
				fmt.Fprintln(p.stdout, word)
			}
		},
		Action: p.help,
	}
}

func (p *program) help(c *cli.Context) error {
	args, err := commandline.Positional(c, 0, 2, "[COMMAND|TOPIC]")
	if err != nil {
		return err
	}
	if len(args) == 0 {
		return cli.ShowAppHelp(c)
	}
	if isCommand(c.App.Commands, args) {
		return c.App.RunContext(c.Context, slices.Concat([]string{"xrun"}, args, []string{"--help"}))
	}
	if page, ok := help.Find(args[0]); ok && len(args) == 1 {
		return page.Write(p.stdout, p.helpStyle())
	}
	given := strings.Join(args, " ")
	return advice.Usage(fmt.Errorf("there is no command or topic %q", given), commandline.DidYouMean("xrun help ", given, helpWords(c.App), "xrun help lists the commands and the topics"))
}

// The library prints the help of commands in lines of any length, which a terminal breaks within words.
func init() {
	unwrapped := cli.HelpPrinterCustom
	cli.HelpPrinterCustom = func(w io.Writer, template string, data any, functions map[string]any) {
		var b bytes.Buffer
		unwrapped(&b, template, data, functions)
		io.WriteString(w, help.Hang(b.String(), widthOf(w))) // the library reports no error of writing either
	}
}

// helpStyle is the layout of pages, for a terminal or a file.
func (p *program) helpStyle() help.Style {
	s := help.Style{Width: p.width()}
	if isTerminal(p.stdout) {
		s.Color = p.plainView().Color
	}
	return s
}

// isCommand reports whether args name a command or a subcommand.
func isCommand(commands []*cli.Command, args []string) bool {
	for _, arg := range args {
		i := slices.IndexFunc(commands, func(c *cli.Command) bool { return c.HasName(arg) })
		if i < 0 {
			return false
		}
		commands = commands[i].Subcommands
	}
	return true
}

// helpWords are the arguments that help takes: commands and topics.
func helpWords(app *cli.App) (words []string) {
	for _, c := range app.Commands {
		if c.Hidden {
			continue
		}
		words = append(words, c.Name)
		for _, sub := range c.Subcommands {
			words = append(words, c.Name+" "+sub.Name)
		}
	}
	return append(words, help.Words()...)
}

// topicList follows the list of commands.
func topicList() string {
	var b strings.Builder
	b.WriteString("\nTOPICS, each a page: xrun help TOPIC\n")
	for _, page := range help.Pages() {
		fmt.Fprintf(&b, "   %-15s %s\n", page.Name, page.Title)
	}
	return b.String()
}
