package main

import (
	"context"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/recording"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/serving"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/store"
)

func (p *program) importJournalCommand() *cli.Command {
	return &cli.Command{
		Name:      "journal",
		Usage:     "add what scripts have logged and no recorder has taken",
		ArgsUsage: "[FILE...]",
		Description: `A script that logs with the Python package writes a journal beside the database, and a recorder takes it into the database
while the script runs. Where the recorder was killed, or the journal comes from elsewhere, this command takes it. Without FILE it takes
all journals of the database. Nothing is recorded twice. A journal that is recorded whole is removed.`,
		Flags: []cli.Flag{
			storeFlag(),
			&cli.BoolFlag{Name: "keep", Usage: "keep the journals"},
			&cli.BoolFlag{Name: "follow", Hidden: true},      // as the recorder of the script that starts it
			&cli.DurationFlag{Name: "measure", Hidden: true}, // how often the recorder looks at processors and memory
		},
		Action: func(c *cli.Context) error {
			place, err := recording.Find(storeNamed(c.String("store")))
			if err != nil {
				return err
			}
			r := recording.Command{Place: place, Open: p.openStore, Stdout: p.stdout, Stderr: p.stderr, Keep: c.Bool("keep"), Other: serving.Import,
				Environment: func(ctx context.Context) store.Environment { return training.Environment(ctx, version()) }}
			if c.Bool("follow") {
				r.Open = func(ctx context.Context, path string) (*store.Store, error) { // without notices, as that others read the database
					return store.Open(ctx, path, store.Options{Version: version(), Command: strings.Join(p.args, " ")})
				}
				return r.Follow(c.Context, c.Args().First(), c.Duration("measure"))
			}
			ctx, cancel := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
			defer cancel()
			return r.Import(ctx, c.Args().Slice())
		},
	}
}
