package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/page"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/sheet"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/web"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/compare"
)

// writePage writes the report of sweeps as one HTML file. The page shows the command that prints the same.
func (p *program) writePage(ctx context.Context, db *store.Store, names []string, r *compare.Report, v report.View, command string, to advice.Target) error {
	from, err := question.ProvenanceOf(ctx, db, names, r, version())
	if err != nil {
		return err
	}
	var b bytes.Buffer
	words, err := question.LastWords(ctx, db, names)
	if err != nil {
		return err
	}
	options := sheet.Options{Command: command, Words: words}
	if err := page.Write(&b, r, from, v, options, page.Hands{Script: web.Script, Style: web.Style}); err != nil {
		return err
	}
	return p.deliver(to, b.Bytes())
}

// sameCommand is the command of a context without some of its flags, to be copied. A sweep that was not named has the name that it
// was found by.
func sameCommand(c *cli.Context, r *compare.Report, without ...string) string {
	words := append([]string{c.Command.Name}, c.Args().Slice()...)
	if c.Args().Len() == 0 && len(r.Question.Arguments) > 0 {
		words = append(words, r.Question.Arguments[0])
	}
	for _, flag := range c.Command.Flags {
		name := flag.Names()[0]
		if !c.IsSet(name) || slices.Contains(without, name) {
			continue
		}
		words = append(words, "--"+name)
		if _, plain := flag.(*cli.BoolFlag); !plain {
			if fmt.Sprint(c.Value(name)) == "" { // of an empty variable of the environment
				words = words[:len(words)-1]
				continue
			}
			words = append(words, fmt.Sprint(c.Value(name)))
		}
	}
	return advice.Command(words...)
}
