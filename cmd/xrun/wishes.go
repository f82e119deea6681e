package main

import (
	"github.com/urfave/cli/v2"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
)

func wishFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "retry-failed", Usage: "also retry failed trials that would fail again"},
		&cli.StringSliceFlag{Name: "rerun", Usage: "run trials whose key begins with `KEY` again, although they have results; all is every trial"},
	}
}

func wishesOf(c *cli.Context) training.Wishes {
	return training.Wishes{RetryFailed: c.Bool("retry-failed"), Rerun: c.StringSlice("rerun"), AcceptChanges: c.Bool("accept-changes")}
}
