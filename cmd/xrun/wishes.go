package main

import (
	"github.com/urfave/cli/v2"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
)

func wishFlags() []cli.Flag {
	return []cli.Flag{
		&cli.BoolFlag{Name: "retry-failed", Usage: "try failed trials again, too, whose fault would come again"},
		&cli.StringSliceFlag{Name: "rerun", Usage: "run the trial of this `KEY`, or its beginning, again although it has a result; all is every one"},
	}
}

func wishesOf(c *cli.Context) training.Wishes {
	return training.Wishes{RetryFailed: c.Bool("retry-failed"), Rerun: c.StringSlice("rerun")}
}
