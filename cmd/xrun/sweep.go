package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/cluster"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
)

func (p *program) sweepCommand() *cli.Command {
	return &cli.Command{
		Name:      "sweep",
		Usage:     "train every trial of a sweep file that has no result yet",
		ArgsUsage: "SWEEP.toml",
		Description: `Finished trials are not run again, so the same command resumes an interrupted sweep, extends one
whose grid or seeds have grown, and retries failed trials. Ctrl-C once stops after the running
epochs, twice at once; nothing recorded is lost. A program that is the task is asked to end after
its next report. [run] timeout, budget, retries and max_failures limit a sweep.`,
		Flags: append([]cli.Flag{
			storeFlag(), jsonFlag(),
			&cli.BoolFlag{Name: "ui", Usage: "serve the page of xrun ui as long as the sweep trains, and print its address"},
			&cli.BoolFlag{Name: "accept-changes", Usage: "take over results from before a change of a program's files: nothing that matters has changed"},
		}, slices.Concat(clusterFlags(), wishFlags(), changeFlags(), trainFlags())...),
		Action: p.sweep,
	}
}

func (p *program) sweep(c *cli.Context) error {
	args, err := commandline.Positional(c, 1, 1, "SWEEP.toml")
	if err != nil {
		return err
	}
	o, err := trainOptionsOf(c)
	if err != nil {
		return err
	}
	want, err := wishesOf(c)
	if err != nil {
		return err
	}
	session, err := p.newSession(c.Context, o)
	if err != nil {
		return err
	}
	defer session.Interrupt.Stop()
	ctx := session.Interrupt.Context
	p.data.Remember(args[0], version(), c.Bool("verify"))
	changed, err := p.clusterChanges(c)
	if err != nil {
		return err
	}
	spec, err := p.load(ctx, args[0], changed, session.Host)
	if err != nil {
		return err
	}
	p.data.Keep()
	if err := want.Share.Check(ctx, spec); err != nil {
		return err
	}
	path := want.Share.Store(c.String("store"), spec)
	var member *cluster.Member // of a cluster; nil without
	if c.String("on") != "" {
		if member, err = p.join(c, session, spec, want, path); err != nil {
			return err
		}
		path = member.Place.Database
	}
	db, err := p.openStore(ctx, path)
	if err != nil {
		return errors.Join(err, member.Leave(ctx, nil))
	}
	end := func() {}
	if c.Bool("ui") {
		if end, err = p.alongside(ctx, db.Path()); err != nil {
			return errors.Join(err, db.Close(), member.Leave(ctx, nil))
		}
	}
	err = p.execute(session, spec, db, want, c.Bool("json"))
	end() // first: who reads must not be the last to close the database
	err = errors.Join(err, member.Leave(ctx, db), db.Close())
	if errors.Is(err, cluster.ErrDetached) {
		p.suggest([]string{"collect", training.Short(string(member.Dir))}, "the results so far: "+advice.Command(append([]string{"compare"}, storeArguments(db)...)...))
		return nil
	}
	return err
}

// execute trains the missing trials and shows the comparison.
func (p *program) execute(session *training.Session, spec *sweeps.Spec, db *store.Store, want training.Wishes, machine bool) error {
	ctx := session.Interrupt.Context
	id, err := session.Train(spec, db, want, training.Origin{})
	if err != nil {
		return err
	}
	after, err := session.After(ctx, db, id, spec)
	if err != nil {
		return err
	}
	holds := true // of a part nothing is checked
	switch {
	case !after.Parted():
		holds, err = p.showSweep(ctx, db, id, machine)
	case machine:
		err = p.printJSON(after.JSON(spec.Name))
	default:
		fmt.Fprintln(p.stdout, after)
	}
	if err != nil {
		return err
	}
	where := storeArguments(db)
	failed := append([]string{"runs", "--status", "failed"}, where...)
	switch {
	case machine:
	case after.Failed == 0 && after.Lasting > 0:
		p.suggest(failed, "these trials would fail again: "+advice.Command("sweep", spec.File, "--retry-failed")+" tries anyway")
	case after.Failed > 0:
		p.suggest(failed, "run "+advice.Word(spec.File)+" again to retry them")
	case after.Parted():
		p.suggest([]string{"db", "merge", after.Store}, "adds it to xrun.db, or --store FILE; when all parts are there, "+advice.Command("compare", spec.Name)+" compares")
	case spec.Changes.Quick:
		p.suggest(sweepCommand(spec.File, spec.Changes.Set), advice.Command(append([]string{"compare", "--all"}, where...)...))
	default:
		p.suggest(append([]string{"compare", "--all"}, where...), "edit "+advice.Word(spec.File)+" and run it again: only new trials run")
	}
	if after.Failed+after.Lasting > 0 {
		return advice.Exit(advice.ExitTrials)
	}
	if !holds {
		return advice.Exit(advice.ExitCheck)
	}
	return nil
}

// sweepCommand is the command that trains a sweep with changes to its file.
func sweepCommand(file string, set []string) []string {
	command := []string{"sweep", file}
	for _, s := range set {
		command = append(command, "--set", s)
	}
	return command
}

// suggest prints the next command, and another thing to do.
func (p *program) suggest(command []string, other string) {
	fmt.Fprintf(p.stderr, "\nNext: %s   ·   %s\n", advice.Command(command...), other)
}

// storeArguments are the arguments by which other commands find the database; none for the default.
func storeArguments(db *store.Store) []string {
	here, err := filepath.Abs("xrun.db")
	if err == nil {
		if resolved, err := filepath.EvalSymlinks(here); err == nil && resolved == db.Path() {
			return nil
		}
	}
	return []string{"--store", training.Short(db.Path())}
}

// showSweep prints the comparison of a sweep, and reports whether the conditions of its [check] hold.
func (p *program) showSweep(ctx context.Context, db *store.Store, id int64, machine bool) (holds bool, err error) {
	const shown = 10
	q := question.Question{Curves: shown, Arguments: storeArguments(db)}
	if machine {
		q.Curves = 0
	}
	r, err := question.AnswerOf(ctx, db, id, q)
	if err != nil {
		return false, err
	}
	if machine {
		return !r.Fails(), report.JSON(p.stdout, r, false)
	}
	view := p.plainView()
	view.Top = shown
	report.Text(p.stdout, r, view)
	return !r.Fails(), nil
}

func progressFlag() cli.Flag {
	return &cli.StringFlag{Name: "progress", Usage: "show progress as `HOW`: auto, tty, plain or none", Value: "auto", EnvVars: []string{"XRUN_PROGRESS"}}
}

func checkProgress(c *cli.Context) error {
	switch how := c.String("progress"); how {
	case "auto", "tty", "plain", "none":
		return nil
	default:
		return advice.Usage(fmt.Errorf("--progress %q is not a kind of progress", how), "it is one of auto, tty, plain, none")
	}
}
