package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/cluster"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/sweeps"
)

func clusterFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "on", Usage: "train on the cluster `NAME`: slurm, or a table [cluster.NAME]; see xrun help clusters"},
		&cli.GenericFlag{Name: "cluster", Usage: "give a key of [cluster.NAME] another value, `KEY=VALUE`: --cluster partition=gpu; may be repeated", Value: &overrides{}},
		&cli.BoolFlag{Name: "print", Usage: "with --on k8s: write an Indexed Job for kubectl apply -f -, and end"},
		&cli.BoolFlag{Name: "detach", Usage: "with --on: submit the jobs and end; xrun collect takes up their results"},
	}
}

// clusterChanges are the changes of the sweep file, with what is said of clusters.
func (p *program) clusterChanges(c *cli.Context) (sweeps.Changes, error) {
	var flags []string
	if given, ok := c.Generic("cluster").(*overrides); ok {
		flags = *given
	}
	for _, flag := range []string{"detach", "print"} {
		if c.Bool(flag) && c.String("on") == "" {
			return sweeps.Changes{}, advice.Usage(fmt.Errorf("--%s without --on", flag), "--on slurm submits the sweep to Slurm")
		}
	}
	return cluster.Changes(changes(c), c.String("on"), flags, p.env)
}

// join makes a session train on a cluster.
func (p *program) join(c *cli.Context, session *training.Session, spec *sweeps.Spec, want training.Wishes, path string) (*cluster.Member, error) {
	if want.Share.Shard.Of > 0 {
		return nil, advice.Usage(errors.New("--shard and --on exclude each other"), "a cluster deals the trials itself")
	}
	o := cluster.Options{On: c.String("on"), Detach: c.Bool("detach"), Store: path, Command: p.args[1:], Collect: p.collects}
	if c.Bool("print") {
		o.Print, p.stdout = p.stdout, p.stderr // kubectl takes what is printed, and nothing else may be
	}
	return cluster.Join(session.Interrupt.Context, session, spec, o)
}

func (p *program) collectCommand() *cli.Command {
	return &cli.Command{
		Name: "collect", Usage: "take up a sweep whose jobs were left to a cluster, and record what they have done",
		ArgsUsage: "[DIRECTORY]",
		Description: `DIRECTORY is that of the sweep's jobs, which xrun sweep --detach prints; without it, the only one
beside xrun.db. The command of the sweep is run again where it was run.`,
		Flags:  []cli.Flag{&cli.BoolFlag{Name: "detach", Usage: "record what there is, submit what can be submitted, and end"}},
		Action: p.collect,
	}
}

func (p *program) collect(c *cli.Context) error {
	args, err := commandline.Positional(c, 0, 1, "DIRECTORY")
	if err != nil {
		return err
	}
	about, dir, err := cluster.Find(args, storeNamed(""), c.Bool("detach"))
	if err != nil {
		return err
	}
	if err := about.Enter(); err != nil {
		return err
	}
	p.collects = dir
	p.args = append([]string{filepath.Base(p.args[0])}, about.Command...)
	again, err := commandline.Reorder(p.app(), p.args)
	if err != nil {
		return err
	}
	return p.app().RunContext(c.Context, again)
}

// taskCommand is what a job runs.
func (p *program) taskCommand() *cli.Command {
	return &cli.Command{Name: "task", Hidden: true, Usage: "train a task of a directory of jobs", ArgsUsage: "DIRECTORY WAVE FROM", Action: func(c *cli.Context) error {
		args, err := commandline.Positional(c, 3, 3, "DIRECTORY WAVE FROM")
		if err != nil {
			return err
		}
		wave, wrongWave := strconv.Atoi(args[1])
		from, wrongFrom := strconv.Atoi(args[2])
		if err := errors.Join(wrongWave, wrongFrom); err != nil {
			return advice.Usage(err, "")
		}
		session, err := p.newSession(c.Context, trainOptions{plugins: pluginOptions{until: c.Context}})
		if err != nil {
			return err
		}
		defer session.Interrupt.Stop()
		return cluster.RunTask(session.Interrupt.Context, session, args[0], wave, from)
	}}
}
