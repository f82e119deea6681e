package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// chosen reads the runs, or the sweep, to delete or restore.
func chosen(c *cli.Context) (runs []int64, sweep string, err error) {
	args, err := commandline.Positional(c, 0, 100_000, "[RUN…]")
	if err != nil {
		return nil, "", err
	}
	sweep = c.String("sweep")
	if sweep != "" && len(args) > 0 {
		return nil, "", advice.Usage(errors.New("both runs and a sweep are given"), "do one after the other")
	}
	for _, text := range args {
		id, err := strconv.ParseInt(text, 10, 64)
		if err != nil || id < 1 {
			return nil, "", advice.Usage(fmt.Errorf("%q is not the number of a run", text), "xrun runs lists them; a sweep is given as --sweep NAME")
		}
		runs = append(runs, id)
	}
	return runs, sweep, nil
}

func (p *program) dbDelete(c *cli.Context) error {
	runs, name, err := chosen(c)
	if err != nil {
		return err
	}
	if len(runs) == 0 && name == "" {
		return advice.Usage(errors.New("there is nothing to delete"), "give the numbers of runs, or --sweep NAME")
	}
	db, err := p.existingStore(c.Context, c.String("store"))
	if err != nil {
		return err
	}
	if err := p.deleteFrom(c.Context, db, runs, name); err != nil {
		return errors.Join(err, db.Close())
	}
	fmt.Fprintln(p.stderr, "xrun db restore brings it back, until xrun db gc removes it")
	return db.Close()
}

func (p *program) deleteFrom(ctx context.Context, db *store.Store, runs []int64, name string) error {
	if name == "" {
		if err := db.DeleteRuns(ctx, runs); err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "%s deleted\n", stats.Count(len(runs), "run is", "runs are"))
		return nil
	}
	sweep, err := db.FindSweep(ctx, sweepName([]string{name}))
	if err != nil {
		return err
	}
	n, err := db.DeleteSweep(ctx, sweep.ID)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%s is deleted, with %s\n", sweep.Title, stats.Count(int(n), "run", "runs"))
	return nil
}

func (p *program) dbRestore(c *cli.Context) error {
	runs, name, err := chosen(c)
	if err != nil {
		return err
	}
	if len(runs) == 0 && name == "" {
		return p.listDeleted(c.Context, c.String("store"), c.Bool("json"))
	}
	db, err := p.existingStore(c.Context, c.String("store"))
	if err != nil {
		return err
	}
	return errors.Join(p.restoreTo(c.Context, db, runs, name), db.Close())
}

func (p *program) restoreTo(ctx context.Context, db *store.Store, runs []int64, name string) error {
	if name == "" {
		if err := db.RestoreRuns(ctx, runs); err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "%s back\n", stats.Count(len(runs), "run is", "runs are"))
		return nil
	}
	all, err := db.DeletedSweeps(ctx)
	if err != nil {
		return err
	}
	name = sweepName([]string{name})
	for _, d := range all {
		if d.Name != name && fmt.Sprint(d.ID) != name && fmt.Sprintf("%s@%d", d.Name, d.ID) != name {
			continue
		}
		n, err := db.RestoreSweep(ctx, d.ID)
		if err != nil {
			return err
		}
		fmt.Fprintf(p.stdout, "%s is back, with %s\n", d.Name, stats.Count(int(n), "run", "runs"))
		return nil
	}
	return advice.Nothing(fmt.Errorf("no sweep %s is deleted", name), "xrun db restore lists the deleted ones")
}

// listDeleted lists the runs and sweeps that can be restored.
func (p *program) listDeleted(ctx context.Context, path string, machine bool) error {
	db, err := p.readStore(ctx, path)
	if err != nil {
		return err
	}
	defer db.Close()
	sweeps, err := db.DeletedSweeps(ctx)
	if err != nil {
		return err
	}
	runs, err := db.DeletedRuns(ctx)
	if err != nil {
		return err
	}
	for _, s := range sweeps {
		fmt.Fprintf(p.stdout, "sweep %d %s, deleted %s\n", s.ID, s.Name, s.At.Local().Format(time.DateTime))
	}
	if len(runs) > 0 {
		var numbers []string
		for _, r := range runs {
			numbers = append(numbers, fmt.Sprint(r.ID))
		}
		const most = 50
		text := strings.Join(numbers[:min(most, len(numbers))], " ")
		if n := len(numbers) - most; n > 0 {
			text += fmt.Sprintf(" … and %d more", n)
		}
		fmt.Fprintf(p.stdout, "%s: %s\n", stats.Count(len(runs), "run", "runs"), text)
	}
	if len(sweeps)+len(runs) == 0 {
		fmt.Fprintln(p.stdout, "nothing is deleted")
	}
	return nil
}

func (p *program) dbGC(c *cli.Context) error {
	if _, err := commandline.Positional(c, 0, 0, ""); err != nil {
		return err
	}
	older, err := advice.Age("--older", c.String("older"))
	if err != nil {
		return err
	}
	db, err := p.existingStore(c.Context, c.String("store"))
	if err != nil {
		return err
	}
	l, err := db.Purge(c.Context, time.Now().Add(-older), c.Bool("dry-run"))
	if err != nil {
		return errors.Join(err, db.Close())
	}
	verb := "removed"
	if c.Bool("dry-run") {
		verb = "would be removed"
	}
	fmt.Fprintf(p.stdout, "%s: %s, %s, %s of %s\n", verb, stats.Count(l.Runs, "deleted run", "deleted runs"), stats.Count(l.Sweeps, "deleted sweep", "deleted sweeps"), stats.Count(l.Files, "file", "files"), size(l.Bytes))
	if l.Runs > 0 && !c.Bool("dry-run") {
		fmt.Fprintln(p.stderr, "Next: xrun db vacuum gives the space back to the disk")
	}
	return db.Close()
}
