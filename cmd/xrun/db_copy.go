package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

func (p *program) dbBackup(c *cli.Context) error {
	args, err := commandline.Positional(c, 1, 1, "FILE")
	if err != nil {
		return err
	}
	db, err := p.readStore(c.Context, c.String("store"))
	if err != nil {
		return err
	}
	defer db.Close()
	if err := db.Backup(c.Context, args[0]); err != nil {
		return advice.AsUsageIf[*store.ExistsError](err)
	}
	fmt.Fprintf(p.stdout, "%s is a copy of %s\n", args[0], db.Path())
	return nil
}

func (p *program) dbMerge(c *cli.Context) error {
	args, err := commandline.Positional(c, 1, 1000, "FROM…")
	if err != nil {
		return err
	}
	to, err := p.openStore(c.Context, storeNamed(c.String("store")))
	if err != nil {
		return err
	}
	for _, name := range args {
		if err := p.mergeOne(c.Context, to, name); err != nil {
			return errors.Join(err, to.Close())
		}
	}
	return to.Close()
}

func (p *program) mergeOne(ctx context.Context, to *store.Store, name string) error {
	from, err := store.OpenReadOnly(ctx, name)
	if err != nil {
		return err
	}
	defer from.Close()
	if from.Path() == to.Path() {
		return advice.Usage(fmt.Errorf("%s would be merged into itself", name), "--store names the database to add to")
	}
	m, err := to.Merge(ctx, from)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "%s: %s added, with %s and %s", filepath.ToSlash(name), stats.Count(m.Runs, "run", "runs"), stats.Count(m.Trials, "new trial", "new trials"), stats.Count(m.Sweeps, "new sweep", "new sweeps"))
	if m.Known > 0 {
		fmt.Fprintf(p.stdout, "; %s there already", stats.Count(m.Known, "run was", "runs were"))
	}
	if m.Running > 0 {
		fmt.Fprintf(p.stdout, "; %s left out: merge again when the sweep has ended", stats.Count(m.Running, "run is running and was", "runs are running and were"))
	}
	fmt.Fprintln(p.stdout)
	return nil
}

func (p *program) dbMigrate(c *cli.Context) error {
	if _, err := commandline.Positional(c, 0, 0, ""); err != nil {
		return err
	}
	path := storeNamed(c.String("store"))
	if db, err := store.OpenReadOnly(c.Context, path); err == nil {
		fmt.Fprintf(p.stdout, "%s is up to date\n", path)
		return db.Close()
	} else if old, ok := errors.AsType[*store.OldSchemaError](err); !ok {
		return err
	} else {
		fmt.Fprintf(p.stdout, "%s has schema %d\n", path, old.Schema)
	}
	db, err := p.openStore(c.Context, path)
	if err != nil {
		return err
	}
	fmt.Fprintf(p.stdout, "it is up to date now; the file beside it is a copy from before\n")
	return db.Close()
}

func (p *program) dbVacuum(c *cli.Context) error {
	if _, err := commandline.Positional(c, 0, 0, ""); err != nil {
		return err
	}
	db, err := p.existingStore(c.Context, c.String("store"))
	if err != nil {
		return err
	}
	before, err := db.Info(c.Context)
	if err == nil {
		err = db.Vacuum(c.Context)
	}
	if err != nil {
		return errors.Join(err, db.Close())
	}
	after, err := db.Info(c.Context)
	if err == nil {
		fmt.Fprintf(p.stdout, "%s, %s before\n", size(after.Bytes), size(before.Bytes+before.WAL))
	}
	return errors.Join(err, db.Close())
}

// existingStore opens a database that exists for writing.
func (p *program) existingStore(ctx context.Context, path string) (*store.Store, error) {
	db, err := p.readStore(ctx, path)
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return p.openStore(ctx, storeNamed(path))
}
