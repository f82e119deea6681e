package main

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

func (p *program) dbCommand() *cli.Command {
	return &cli.Command{
		Name:  "db",
		Usage: "check, back up, merge and tidy result databases; delete and restore runs",
		Action: func(c *cli.Context) error {
			if c.Args().Present() {
				return commandline.NoCommand("db", c.Args().First(), c.Command.Subcommands)
			}
			return cli.ShowSubcommandHelp(c)
		},
		Subcommands: []*cli.Command{
			{Name: "info", Usage: "show what the database holds, its sweeps, and which processes write to it", Flags: []cli.Flag{storeFlag(), jsonFlag()}, Action: p.dbInfo},
			{Name: "check", Usage: "check the database for damage", Flags: []cli.Flag{storeFlag(), jsonFlag()}, Action: p.dbCheck,
				Description: "Checks the structure of the file and its log, every value, every summary, the seal of every run, trial and sweep, and every\nfile beside it. Exit code 6 if anything is damaged or was changed."},
			{Name: "backup", Usage: "copy the database to a new file, also while sweeps write", ArgsUsage: "FILE", Flags: []cli.Flag{storeFlag()}, Action: p.dbBackup},
			{Name: "merge", Usage: "add the runs of other databases", ArgsUsage: "FROM…", Flags: []cli.Flag{storeFlag()}, Action: p.dbMerge,
				Description: "Adds to --store, xrun.db by default. Runs that exist already are left out, so a merge can be repeated."},
			{Name: "migrate", Usage: "bring the database to the schema of this xrun; a copy is saved first", Flags: []cli.Flag{storeFlag()}, Action: p.dbMigrate},
			{Name: "delete", Usage: "delete runs or a sweep; restore brings them back until gc", ArgsUsage: "[RUN…]", Flags: []cli.Flag{storeFlag(), ofSweep("delete")}, Action: p.dbDelete,
				Description: "xrun sweep runs the trials of deleted runs again. --sweep also deletes the runs whose trials no other sweep has."},
			{Name: "restore", Usage: "bring deleted runs or a sweep back", ArgsUsage: "[RUN…]", Flags: []cli.Flag{storeFlag(), ofSweep("restore")}, Action: p.dbRestore,
				Description: "Without arguments it lists the runs and sweeps that can be restored."},
			{Name: "gc", Usage: "remove deleted runs and sweeps for good, and unused files", Flags: []cli.Flag{storeFlag(),
				&cli.StringFlag{Name: "older", Usage: "remove only what was deleted `TIME` ago or earlier: 30d, 12h, 0", Value: "30d"},
				&cli.BoolFlag{Name: "dry-run", Usage: "only show what would be removed"}}, Action: p.dbGC},
			{Name: "vacuum", Usage: "give the space of removed rows back to the disk", Flags: []cli.Flag{storeFlag()}, Action: p.dbVacuum},
		},
	}
}

func ofSweep(what string) cli.Flag {
	return &cli.StringFlag{Name: "sweep", Usage: what + " the sweep of this `NAME` or id"}
}

// storeNamed is the path of the database of a command.
func storeNamed(path string) string { return cmp.Or(path, defaultStore) }

// defaultStore is the database of commands without --store.
const defaultStore = "xrun.db"

func (p *program) dbInfo(c *cli.Context) error {
	if _, err := commandline.Positional(c, 0, 0, ""); err != nil {
		return err
	}
	db, err := p.readStore(c.Context, c.String("store"))
	if err != nil {
		return err
	}
	defer db.Close()
	i, err := db.Info(c.Context)
	if err != nil {
		return err
	}
	sweeps, err := db.Sweeps(c.Context)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		list := []map[string]any{}
		for _, s := range sweeps {
			list = append(list, map[string]any{"id": s.ID, "name": s.Name, "title": s.Title, "file": s.File, "created_at": s.CreatedAt, "trials": s.Trials, "with_result": s.Done()})
		}
		owners := []map[string]any{}
		for _, o := range i.Owners {
			owners = append(owners, map[string]any{"pid": o.PID, "host": o.Host, "command": o.Command, "started_at": o.StartedAt})
		}
		return p.printJSON(map[string]any{"xrun_db": 1, "path": i.Path, "schema": i.Schema, "bytes": i.Bytes, "wal_bytes": i.WAL, "free_bytes": i.Free,
			"artifact_files": i.ArtifactFiles, "artifact_bytes": i.ArtifactBytes, "sweeps": i.Sweeps, "trials": i.Trials, "runs": i.Runs,
			"deleted_runs": i.DeletedRuns, "values": i.Points, "versions": i.Versions, "owners": owners, "sweep_list": list})
	}
	fmt.Fprintf(p.stdout, "%s\nschema %d, written by xrun %s\n", i.Path, i.Schema, strings.Join(i.Versions, ", "))
	fmt.Fprintf(p.stdout, "%s, %s, %s with %s", stats.Count(i.Sweeps, "sweep", "sweeps"), stats.Count(i.Trials, "trial", "trials"), stats.Count(i.Runs, "run", "runs"), stats.Count(int(i.Points), "value", "values"))
	if i.DeletedRuns > 0 {
		fmt.Fprintf(p.stdout, "; %s: xrun db gc removes them", stats.Count(i.DeletedRuns, "deleted run", "deleted runs"))
	}
	fmt.Fprintf(p.stdout, "\n%s", size(i.Bytes))
	if i.Free > i.Bytes/10 {
		fmt.Fprintf(p.stdout, ", of which xrun db vacuum gives back %s", size(i.Free))
	}
	if i.WAL > 0 {
		fmt.Fprintf(p.stdout, ", %s in its log", size(i.WAL))
	}
	if i.ArtifactFiles > 0 {
		fmt.Fprintf(p.stdout, ", %s in %s beside it", size(i.ArtifactBytes), stats.Count(i.ArtifactFiles, "file", "files"))
	}
	fmt.Fprintln(p.stdout)
	for _, o := range i.Owners {
		fmt.Fprintf(p.stdout, "in use by %s\n", ownerText(o))
	}
	const most = 30
	for n, s := range sweeps {
		if n == most {
			fmt.Fprintf(p.stdout, "… and %s: --json\n", stats.Count(len(sweeps)-most, "older sweep", "older sweeps"))
			break
		}
		fmt.Fprintf(p.stdout, "sweep %d %s, %s: %d of %s with a result, from %s\n", s.ID, s.Title, s.CreatedAt.Local().Format(time.DateTime), s.Done(),
			stats.Count(s.Trials, "trial", "trials"), training.Short(s.File))
	}
	return nil
}

// size writes a number of bytes.
func size(bytes int64) string {
	switch {
	case bytes >= 1e9:
		return stats.Number(float64(bytes/1e7)/100) + " GB"
	case bytes >= 1e6:
		return stats.Number(float64(bytes/1e5)/10) + " MB"
	case bytes >= 1e3:
		return fmt.Sprintf("%d kB", bytes/1e3)
	}
	return fmt.Sprintf("%d bytes", bytes)
}

func (p *program) dbCheck(c *cli.Context) error {
	if _, err := commandline.Positional(c, 0, 0, ""); err != nil {
		return err
	}
	db, err := p.readStore(c.Context, c.String("store"))
	if err != nil {
		return err
	}
	defer db.Close()
	audit, err := db.Verify(c.Context, nil)
	if err != nil {
		return err
	}
	if c.Bool("json") {
		findings := []map[string]any{}
		for _, f := range audit.Findings {
			findings = append(findings, map[string]any{"run": f.Run, "what": f.What})
		}
		if err := p.printJSON(map[string]any{"xrun_db_check": 1, "runs": audit.Runs, "values": audit.Points, "files": audit.Files, "sealed_by_migration": audit.SealedLater, "findings": findings}); err != nil {
			return err
		}
	} else {
		for _, f := range audit.Findings {
			fmt.Fprintln(p.stdout, f)
		}
		if audit.SealedLater > 0 {
			fmt.Fprintf(p.stdout, "note: %s sealed when an older database was migrated: what was changed before is not found\n", stats.Count(int(audit.SealedLater), "run was", "runs were"))
		}
		fmt.Fprintf(p.stdout, "%s, %s, %s looked at: ", stats.Count(int(audit.Runs), "run", "runs"), stats.Count(int(audit.Points), "value", "values"), stats.Count(int(audit.Files), "artifact", "artifacts"))
		if len(audit.Findings) == 0 {
			fmt.Fprintln(p.stdout, "nothing is wrong")
		} else {
			fmt.Fprintf(p.stdout, "%s wrong\n", stats.Count(len(audit.Findings), "thing is", "things are"))
			fmt.Fprintln(p.stderr, "hint: keep a copy of the file as it is. After xrun db delete of the damaged runs, xrun sweep runs their trials again")
		}
	}
	if len(audit.Findings) > 0 {
		return advice.Exit(advice.ExitStore)
	}
	return nil
}
