package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/urfave/cli/v2"
	"golang.org/x/term"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/live"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner/blas"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
)

func (p *program) sweepCommand() *cli.Command {
	return &cli.Command{
		Name:      "sweep",
		Usage:     "train every trial of a sweep file that has no result yet",
		ArgsUsage: "SWEEP.toml",
		Description: `Running it again goes on where it stopped: finished trials are not run again, so the same
command resumes an interrupted sweep, extends one whose grid or seeds have grown, and retries
what failed. Ctrl-C once stops after the running epochs, twice at once; nothing recorded is lost. A
program that is the task is asked to end after its next report. [run] timeout, budget, retries and
max_failures limit what a sweep takes.`,
		Flags: append([]cli.Flag{
			storeFlag(), jsonFlag(),
			&cli.IntFlag{Name: "workers", Usage: "train `N` cohorts, or run N programs, at once", DefaultText: "one a core, and one", EnvVars: []string{"XRUN_WORKERS"}},
			progressFlag(),
		}, slices.Concat(wishFlags(), changeFlags(), hostFlags())...),
		Action: p.sweep,
	}
}

func (p *program) sweep(c *cli.Context) error {
	args, err := positional(c, 1, 1, "SWEEP.toml")
	if err != nil {
		return err
	}
	if err := checkProgress(c); err != nil {
		return err
	}
	interrupt := p.watchSignals(c.Context)
	defer interrupt.stop()
	ctx := interrupt.ctx
	backend, err := p.backend()
	if err != nil {
		return err
	}
	h, err := p.newHost(c)
	if err != nil {
		return err
	}
	spec, err := p.load(ctx, args[0], changes(c), h)
	if err != nil {
		return err
	}
	h.SetCallTimeout(spec.Run.PluginTimeout)
	h.SetPluginMemory(spec.Run.PluginMemory)
	path := storePath(c, spec)
	db, err := p.openStore(ctx, path)
	if err != nil {
		return err
	}
	err = p.execute(c, interrupt, spec, h, db, backend)
	return errors.Join(err, db.Close())
}

// execute trains what is missing and shows what came of it.
func (p *program) execute(c *cli.Context, interrupt *interruption, spec *sweeps.Spec, h *host.Host, db *store.Store, backend blas.Backend) error {
	ctx := interrupt.ctx
	id, err := p.train(c, interrupt, spec, h, db, backend)
	if err != nil {
		return err
	}
	holds, err := p.showSweep(c, db, id)
	if err != nil {
		return err
	}
	after, err := survey(ctx, db, spec, spec.Trials(), wishes{})
	if err != nil {
		return err
	}
	where := storeArguments(db)
	failed := append([]string{"runs", "--status", "failed"}, where...)
	switch {
	case c.Bool("json"):
	case after.failed == 0 && after.lasting > 0:
		p.suggest(failed, "what failed would fail again: "+advice.Command("sweep", spec.File, "--retry-failed")+" tries all the same")
	case after.failed > 0:
		p.suggest(failed, "run "+advice.Word(spec.File)+" again to retry them")
	default:
		p.suggest(append([]string{"compare", "--all"}, where...), "edit "+spec.File+" and run it again: only what is new runs")
	}
	if after.failed+after.lasting > 0 {
		return advice.Exit(advice.ExitTrials)
	}
	if !holds {
		return advice.Exit(advice.ExitCheck)
	}
	return nil
}

// suggest names a command to go on with, and what else can be done.
func (p *program) suggest(command []string, other string) {
	fmt.Fprintf(p.stderr, "\nNext: %s   ·   %s\n", advice.Command(command...), other)
}

// train brings the trials of a sweep to their results, and returns the sweep's id.
func (p *program) train(c *cli.Context, interrupt *interruption, spec *sweeps.Spec, h *host.Host, db *store.Store, backend blas.Backend) (id int64, err error) {
	ctx := interrupt.ctx
	trials := spec.Trials()
	if id, err = db.PutSweep(ctx, sweepRow(spec), trials); err != nil {
		return 0, err
	}
	want, err := wishesOf(c, trials)
	if err != nil {
		return 0, err
	}
	state, err := survey(ctx, db, spec, trials, want)
	if err != nil {
		return 0, err
	}
	for _, w := range spec.Warnings {
		fmt.Fprintln(p.stderr, w.Warning())
	}
	engine := backend.Name()
	if command := spec.Task.Command; command != nil {
		engine = command.Name
	}
	fmt.Fprintf(p.stderr, "%s: %s · %s\n", spec.Name, state.describe(), engine)
	t := &training{program: p, context: c, interrupt: interrupt, spec: spec, host: h, store: db, backend: backend, workers: workersOf(c, spec), id: id, trials: trials, want: want}
	return id, t.all(state)
}

// workersOf is how many cohorts are trained, or programs run, at once.
func workersOf(c *cli.Context, spec *sweeps.Spec) int {
	switch {
	case c.Int("workers") > 0:
		return c.Int("workers")
	case spec.Run.Workers > 0:
		return spec.Run.Workers
	case spec.Task.Command != nil:
		return runtime.NumCPU()
	}
	return defaultWorkers()
}

// defaultWorkers is one a core, and one that computes while others wait for their plugins: that
// takes a tenth off the time of a sweep of small models on two cores.
func defaultWorkers() int { return runtime.NumCPU() + 1 }

// storeArguments are those by which other commands find the database; none where it is the default.
func storeArguments(db *store.Store) []string {
	here, err := filepath.Abs("xrun.db")
	if err == nil {
		if resolved, err := filepath.EvalSymlinks(here); err == nil && resolved == db.Path() {
			return nil
		}
	}
	path := db.Path()
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, path); err == nil && len(rel) < len(path) {
			path = rel
		}
	}
	return []string{"--store", path}
}

// showSweep prints the comparison of a sweep that has ended; it returns whether the conditions of its [check]
// hold.
func (p *program) showSweep(c *cli.Context, db *store.Store, id int64) (holds bool, err error) {
	const shown = 10
	q := question.Question{Curves: shown, Arguments: storeArguments(db)}
	if c.Bool("json") {
		q.Curves = 0
	}
	r, err := question.Answer(c.Context, db, []string{fmt.Sprint(id)}, q)
	if err != nil {
		return false, err
	}
	if c.Bool("json") {
		return !r.Fails(), report.JSON(p.stdout, r)
	}
	view := p.plainView()
	view.Top = shown
	report.Text(p.stdout, r, view)
	return !r.Fails(), nil
}

func sweepRow(s *sweeps.Spec) store.Sweep {
	return store.Sweep{
		Name: s.Name, Notes: s.Notes, Tags: s.Tags, File: s.File, Text: s.Text, Resolved: s.Resolved(), Digest: sweepDigest(s), Overrides: overridesOf(s.Changes),
		Metric: s.Metric.Name, Goal: string(s.Metric.Goal), At: string(s.Metric.At),
	}
}

// overridesOf are the changes of the command line as the database keeps them.
func overridesOf(c sweeps.Changes) []string {
	if !c.Quick {
		return c.Set
	}
	return append(slices.Clip(c.Set), quickOverride)
}

// sweepDigest tells sweeps apart: files that ask for the same under two names are two sweeps, with
// the same trials.
func sweepDigest(s *sweeps.Spec) string {
	sum := sha256.Sum256([]byte(s.Name + "\x00" + s.Digest()))
	return hex.EncodeToString(sum[:])
}

// newView chooses how the progress of a sweep is shown.
func (p *program) newView(how string, spec *sweeps.Spec, open, before, workers int) *live.View {
	return live.New(p.viewOptions(how, live.Options{Sweep: spec.Name, Metric: spec.Metric.Name, Goal: spec.Metric.Goal, Trials: open, Before: before, Workers: workers}))
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

// viewOptions fill in where and how a view is drawn.
func (p *program) viewOptions(how string, o live.Options) live.Options {
	o.Out, o.Width = p.stderr, 80
	file, isFile := p.stderr.(*os.File)
	terminal := isFile && term.IsTerminal(int(file.Fd()))
	if terminal {
		if w, _, err := term.GetSize(int(file.Fd())); err == nil {
			o.Width = w
		}
	}
	o.Terminal = how == "tty" || how == "auto" && terminal && p.env("TERM") != "dumb" && p.env("CI") == ""
	o.Silent = how == "none"
	return o
}
