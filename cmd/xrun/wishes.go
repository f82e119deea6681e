package main

import (
	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
)

func wishFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "retry-failed", Usage: "also retry failed trials that would fail again"},
		&cli.StringSliceFlag{Name: "rerun", Usage: "run trials whose key begins with `KEY` again, although they have results; all is every trial"},
		&cli.StringFlag{Name: "shard", Usage: "train one of several equal parts of the sweep, `I/N`, in a database of its own, xrun-IofN.db by default: --shard 3/8"},
		&cli.GenericFlag{Name: "known", Usage: "leave out trials that have a result in `DATABASE`, which is only read; may be repeated", Value: &overrides{}},
	}
}

func wishesOf(c *cli.Context) (training.Wishes, error) {
	share, err := training.ReadShare(c.String("shard"), *c.Generic("known").(*overrides))
	if c.IsSet("shard") && c.String("shard") == "" {
		share, err = training.ReadShare(" ", nil) // which is none
	}
	return training.Wishes{Share: share, RetryFailed: c.Bool("retry-failed"), Rerun: c.StringSlice("rerun"), AcceptChanges: c.Bool("accept-changes")}, err
}
