package importing

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/trackers"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/store/imported"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Collection puts the runs of a tracker into a database. Each experiment becomes a sweep.
type Collection struct {
	Version        string
	Stdout, Stderr io.Writer
	Terminal       bool // Stderr is a terminal
	Tracker        trackers.Tracker
	From           string   // the argument of the command
	Experiments    []string // names or identifiers; empty is all
	Name           string   // of the sweep; that of the experiment if empty
	Metric, Goal   string   // chosen if empty
	Map            []string // COLUMN=NAME, as the command line has them
	Python         string   // the interpreter that has the tracker's package, for the trackers that need it

	source trackers.Source
	db     *store.Store
}

// AboutTrackers is the part of the help that all trackers have: how their runs are read.
const AboutTrackers = `A sweep gets the name of its experiment. Settings that are called learning rate, weight decay, optimizer or seed become lr, lambda, optimizer
and seed; the command says so, and --map gives another meaning. Without a seed, runs with the same settings are its repetitions. Runs that
were killed count as failed. Nothing is written where the runs are. Again, the same command takes only what is new.`

// OpenCollection opens the source of a collection.
func OpenCollection(ctx context.Context, c *Collection) (Keeper, error) {
	if err := checkNames(c.Name, c.Goal); err != nil {
		return nil, err
	}
	for _, text := range c.Map {
		if _, err := mapping(text); err != nil {
			return nil, err
		}
	}
	source, err := c.Tracker.Open(ctx, c.From, trackers.Options{Python: cmp.Or(c.Python, "python3"), Notice: func(text string) { fmt.Fprintln(c.Stderr, text) }})
	if err != nil {
		return nil, err
	}
	c.source = source
	return c, nil
}

// Close closes the source.
func (c *Collection) Close() error { return c.source.Close() }

// meaningNames are the meanings that a mapping gives to a setting.
var meaningNames = []string{runner.AxisLR, runner.AxisLambda, runner.AxisOptimizer, runner.AxisRegularizer, "seed"}

// leftOut as the name of a setting leaves it out.
const leftOut = "-"

// A reading is how an experiment is read. It stands in the specification of its sweep, so that a later import reads further runs alike.
type reading struct {
	Tracker     string            `json:"tracker"`
	Experiment  string            `json:"experiment"`
	LR          string            `json:"lr,omitempty"`
	Lambda      string            `json:"lambda,omitempty"`
	Optimizer   string            `json:"optimizer,omitempty"`
	Regularizer string            `json:"regularizer,omitempty"`
	Seed        string            `json:"seed,omitempty"`
	Renamed     map[string]string `json:"renamed,omitempty"`
	First       int               `json:"first,omitempty"` // the epoch that the tracker's step 0 is
}

// readAs begins the line of a specification that has a reading, in JSON.
const readAs = "reading = "

// specification is what is stored of the reading of a file.
func (r reading) specification(from string) (string, error) {
	text, err := json.Marshal(r)
	return fmt.Sprintf("%s%q\n%s%q\n", question.ImportedFrom, filepath.Base(from), readAs, text), err
}

// readingOf is the reading that a specification has.
func readingOf(specification string) (r reading, err error) {
	for line := range strings.Lines(specification) {
		if quoted, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), readAs); ok {
			text, err := strconv.Unquote(quoted)
			if err == nil {
				err = json.Unmarshal([]byte(text), &r)
			}
			return r, err
		}
	}
	return r, errors.New("the database does not say how the sweep was imported")
}

func (r *reading) of(name string) *string {
	return map[string]*string{runner.AxisLR: &r.LR, runner.AxisLambda: &r.Lambda, runner.AxisOptimizer: &r.Optimizer, runner.AxisRegularizer: &r.Regularizer, "seed": &r.Seed}[name]
}

// A survey is what the runs of an experiment have.
type survey struct {
	experiment trackers.Experiment
	runs       int
	settings   map[string]*imported.Seen
	first      map[string]plugins.Value
	metrics    map[string]int
}

// An outcome counts what became of an experiment.
type outcome struct {
	runs, known, running, twice int
	values                      int
	points                      map[runner.Key]bool
	left                        map[string]int
	warned                      int
	diverged                    int
}

// Keep imports the runs that the database does not have.
func (c *Collection) Keep(ctx context.Context, db *store.Store) error {
	c.db = db
	chosen, err := c.filled(ctx)
	if err != nil {
		return err
	}
	if c.Name != "" && len(chosen) > 1 {
		return advice.Usage(fmt.Errorf("--name gives one name to %d experiments", len(chosen)), "choose one with --experiment: "+strings.Join(names(chosen), ", "))
	}
	for _, s := range chosen {
		if err := c.keep(ctx, s.experiment, s); err != nil {
			return err
		}
	}
	return nil
}

// filled surveys the experiments that are asked for and have runs.
func (c *Collection) filled(ctx context.Context) (chosen []*survey, err error) {
	all, err := c.source.Experiments(ctx)
	if err == nil {
		all, err = c.choose(all)
	}
	for _, e := range all {
		if err != nil {
			return nil, err
		}
		var s *survey
		if s, err = c.survey(ctx, e); err == nil && s.runs > 0 {
			chosen = append(chosen, s)
		}
	}
	if err == nil && len(chosen) == 0 {
		err = advice.Nothing(fmt.Errorf("%s has no runs", c.From), "")
	}
	return chosen, err
}

func names(surveys []*survey) (all []string) {
	for _, s := range surveys {
		all = append(all, s.experiment.Name)
	}
	return all
}

// choose finds the experiments that are asked for.
func (c *Collection) choose(all []trackers.Experiment) (chosen []trackers.Experiment, err error) {
	if len(c.Experiments) == 0 {
		return all, nil
	}
	var known []string
	for _, e := range all {
		known = append(known, e.Name)
	}
	for _, want := range c.Experiments {
		found := false
		for _, e := range all {
			if e.Name == want || e.ID == want {
				chosen, found = append(chosen, e), true
			}
		}
		if !found {
			return nil, advice.Usage(fmt.Errorf("%s has no experiment %q", c.From, want), "it has "+strings.Join(known, ", "))
		}
	}
	return chosen, nil
}

// survey reads all runs of an experiment but their values.
func (c *Collection) survey(ctx context.Context, e trackers.Experiment) (*survey, error) {
	s := &survey{experiment: e, settings: map[string]*imported.Seen{}, first: map[string]plugins.Value{}, metrics: map[string]int{}}
	err := c.source.Runs(ctx, e, func(run *trackers.Run) error {
		s.runs++
		for _, setting := range run.Settings {
			seen := s.settings[setting.Path]
			if seen == nil {
				seen = &imported.Seen{Name: setting.Path}
				s.settings[setting.Path], s.first[setting.Path] = seen, setting.Value
			}
			seen.Runs++
			seen.Varies = seen.Varies || setting.Value != s.first[setting.Path]
			switch v := setting.Value; v.Type {
			case plugins.TypeInteger:
				seen.Integers++
				if v.Integer >= 0 {
					seen.Numbers++
				}
			case plugins.TypeReal:
				if v.Real >= 0 && !math.IsInf(v.Real, 0) {
					seen.Numbers++
				}
			case plugins.TypeText:
				seen.Texts++
			}
		}
		for _, metric := range run.Metrics {
			s.metrics[metric]++
		}
		return ctx.Err()
	})
	for _, seen := range s.settings {
		seen.Varies = seen.Varies || seen.Runs < s.runs
	}
	return s, err
}

// digest is that of the experiment's sweep. What the command line says belongs to it, so that runs are never read in two ways in one sweep.
func (c *Collection) digest(e trackers.Experiment) string {
	maps := slices.Sorted(slices.Values(c.Map))
	sum := sha256.Sum256(fmt.Appendf(nil, "xrun import 2\n%s\n%q\n%q %q %q\n", c.Tracker.Name, e.Identity, maps, c.Metric, c.Goal))
	return hex.EncodeToString(sum[:])
}

// read decides how the settings of an experiment are read: as before, or by the command line and by their names.
func (c *Collection) read(ctx context.Context, e trackers.Experiment, s *survey, before store.SweepInfo) (r reading, err error) {
	if before.ID != 0 {
		text, err := c.db.SweepText(ctx, before.ID)
		if err != nil {
			return r, err
		}
		return readingOf(text.Resolved)
	}
	var seen []imported.Seen
	for _, name := range slices.Sorted(maps.Keys(s.settings)) {
		seen = append(seen, *s.settings[name])
	}
	r = reading{Tracker: c.Tracker.Name, Experiment: e.Name, Renamed: map[string]string{}}
	given := map[string]bool{}
	for _, text := range c.Map {
		m, err := mapping(text)
		if err != nil {
			return r, err
		}
		if s.settings[m.Column] == nil {
			return r, advice.Usage(fmt.Errorf("no run of %s has a setting %q", e.Name, m.Column), "there are "+strings.Join(slices.Sorted(maps.Keys(s.settings)), ", "))
		}
		if of := r.of(m.As); of != nil {
			if *of != "" {
				return r, advice.Usage(fmt.Errorf("--map makes both %s and %s the %s", *of, m.Column, m.As), "leave one of them out")
			}
			*of, given[m.As] = m.Column, true
		} else {
			r.Renamed[m.Column] = m.As
		}
		seen = slices.DeleteFunc(seen, func(s imported.Seen) bool { return s.Name == m.Column })
	}
	guessed := imported.Guessed(seen)
	for _, name := range meaningNames {
		if !given[name] {
			*r.of(name) = map[string]string{runner.AxisLR: guessed.LR, runner.AxisLambda: guessed.Lambda, runner.AxisOptimizer: guessed.Optimizer,
				runner.AxisRegularizer: guessed.Regularizer, "seed": guessed.Seed}[name]
		}
	}
	return r, nil
}

// metric is what an experiment's runs are compared by.
func (c *Collection) metric(e trackers.Experiment, s *survey) (metric string, goal stop.Goal, err error) {
	metric = cmp.Or(c.Metric, e.Metric)
	if metric == "" {
		var common []string
		for name, n := range s.metrics {
			if 2*n >= s.runs {
				common = append(common, name)
			}
		}
		if len(common) == 0 {
			common = slices.Collect(maps.Keys(s.metrics))
		}
		metric = imported.MetricOf(common)
	}
	if metric == "" {
		metric = "val_loss" // no run has a value of anything
	} else if c.Metric != "" && s.metrics[metric] == 0 {
		return "", "", advice.Usage(fmt.Errorf("no run of %s has values of %s", e.Name, metric), "there are "+strings.Join(slices.Sorted(maps.Keys(s.metrics)), ", "))
	}
	goal, _ = stop.GoalByName(metric)
	if metric == e.Metric && e.Goal != "" {
		goal = e.Goal
	}
	if c.Goal != "" {
		goal = stop.Goal(c.Goal)
	}
	return metric, goal, nil
}

// keep imports an experiment.
func (c *Collection) keep(ctx context.Context, e trackers.Experiment, s *survey) error {
	digest := c.digest(e)
	before, err := c.db.SweepOf(ctx, digest)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	r, err := c.read(ctx, e, s, before)
	if err != nil {
		return err
	}
	name := cmp.Or(c.Name, before.Name, trackers.Shown(e.Name))
	if strings.TrimSpace(name) == "" {
		name = c.Tracker.Name
	}
	counts := runner.Keep{Metric: before.Metric, Goal: stop.Goal(before.Goal), At: runner.At(before.At)}
	if before.ID == 0 {
		counts.At = cmp.Or(e.At, runner.AtBest)
		if counts.Metric, counts.Goal, err = c.metric(e, s); err != nil {
			return err
		}
	}
	notes := fmt.Sprintf("imported from %s, %s", c.Tracker.Title, filepath.Base(c.From))
	if before.ID == 0 {
		if r.First, err = c.first(ctx, e, counts.Metric); err != nil {
			return err
		}
	}
	if r.First > 0 {
		notes += "; " + fromOne
	}
	other, err := c.db.FindSweep(ctx, name)
	if err != nil && !question.Missing(err) {
		return err
	}
	resolved, err := r.specification(c.From)
	if err != nil {
		return err
	}
	id, err := c.db.PutSweep(ctx, store.Sweep{Name: name, File: c.From, Digest: digest, Metric: counts.Metric, Goal: string(counts.Goal), At: string(counts.At),
		Resolved: resolved, Notes: notes}, nil)
	if err != nil {
		return err
	}
	k := &keeping{Collection: c, experiment: e, reading: r, name: name, digest: digest, counts: counts, runs: s.runs, shown: time.Now(),
		recorder: c.db.Recorder(id, store.Environment{Host: "another machine", CPU: "imported from " + c.Tracker.Title, XrunVersion: c.Version}, nil),
		outcome:  outcome{points: map[runner.Key]bool{}, left: map[string]int{}}, seen: map[runner.Key]bool{}}
	for _, left := range e.Left {
		k.left[left.What] += left.N
	}
	err = c.source.Runs(ctx, e, func(run *trackers.Run) error { return k.take(ctx, run) })
	if err == nil {
		err = k.flush(ctx)
	}
	if err == nil {
		err = k.recorder.Flush(ctx)
	}
	if c.Terminal {
		fmt.Fprint(c.Stderr, "\r\x1b[K")
	}
	if err != nil {
		return err
	}
	k.say(s, other)
	return nil
}

// fromOne says what has become of steps.
const fromOne = "steps from 0 there are epochs from 1 here"

// errEnough ends a look at some runs.
var errEnough = errors.New("enough runs are looked at")

// first is the epoch that step 0 becomes. Epoch 0 is before training, whose value does not count; trackers that count from 0 have the first
// epoch of training there. So it is 1 where curves of some runs begin at step 0: those of the metric, or of any if none has a curve of that.
func (c *Collection) first(ctx context.Context, e trackers.Experiment, metric string) (int, error) {
	const some = 50
	looked, others := 0, 0
	first := -1
	err := c.source.Runs(ctx, e, func(run *trackers.Run) error {
		if len(run.Metrics) == 0 {
			return nil
		}
		values, err := c.source.Values(ctx, e, run)
		if err != nil {
			return err
		}
		for name, logged := range values {
			curve := imported.InOrder(logged)
			if len(curve.Points) < 2 || curve.Counted {
				continue
			}
			from := 0
			if curve.Points[0].Epoch == 0 {
				from = 1
			}
			if name == metric {
				first = max(first, from)
			} else {
				others = max(others, from)
			}
		}
		if looked++; looked == some {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	if first < 0 {
		first = others
	}
	return first, err
}

// A keeping puts the runs of one experiment into the database.
type keeping struct {
	*Collection
	outcome
	experiment trackers.Experiment
	reading    reading
	name       string
	digest     string
	counts     runner.Keep
	recorder   *store.Recorder
	runs       int // of the experiment
	done       int
	shown      time.Time
	waiting    []*trackers.Run
	seen       map[runner.Key]bool // trials with a seed
}

// take imports a run, together with the next ones.
func (k *keeping) take(ctx context.Context, run *trackers.Run) error {
	const together = 128
	k.waiting = append(k.waiting, run)
	if len(k.waiting) < together {
		return nil
	}
	return k.flush(ctx)
}

// trial is the trial of a run. Its task is a command that no sweep can have, with the digest of the experiment.
func (k *keeping) trial(run *trackers.Run) (t runner.Trial, seeded bool) {
	task := runner.Task{Command: &runner.Command{Name: "xrun import " + k.Tracker.Name, Args: []string{"xrun", "import", k.Tracker.Name}, Digest: k.digest}}
	settings := make([]runner.Setting, 0, len(run.Settings))
	for _, s := range run.Settings {
		if as, ok := k.reading.Renamed[s.Path]; ok {
			s.Path = as
		}
		if s.Path != leftOut {
			settings = append(settings, s)
		}
	}
	r := k.reading
	return imported.Trial(task, k.name, settings, imported.Meanings{LR: r.LR, Lambda: r.Lambda, Optimizer: r.Optimizer, Regularizer: r.Regularizer, Seed: r.Seed})
}

// flush imports the runs that wait.
func (k *keeping) flush(ctx context.Context) error {
	attempts := make([]store.Attempt, len(k.waiting))
	for i, run := range k.waiting {
		t, seeded := k.trial(run)
		sum := sha256.Sum256([]byte(k.digest + "\n" + cmp.Or(run.Key, run.ID)))
		attempts[i] = store.Attempt{Token: hex.EncodeToString(sum[:16]), Trial: t, Start: run.Start, Replicate: !seeded, Revision: run.Revision, Moves: true}
		if run.Start.IsZero() {
			attempts[i].Start = cmp.Or(run.End, time.Now())
		}
		k.points[t.Point()] = true
		if key := t.Key(); seeded {
			if k.seen[key] {
				k.twice++
			}
			k.seen[key] = true
		}
	}
	found, err := k.recorder.BeginAttempts(ctx, attempts)
	if err != nil {
		return err
	}
	for i, run := range k.waiting {
		k.done++
		if found[i].Standing != store.AttemptOpen {
			k.known++
			continue
		}
		if err := k.record(ctx, found[i].Run, run, attempts[i].Start); err != nil {
			return err
		}
		k.outcome.runs++
	}
	k.waiting = k.waiting[:0]
	if k.Terminal && time.Since(k.shown) > 500*time.Millisecond {
		k.shown = time.Now()
		fmt.Fprintf(k.Stderr, "\r%d of %d runs of %s ", k.done, k.runs, k.name)
	}
	return ctx.Err()
}

// record writes one run, a piece at a time.
func (k *keeping) record(ctx context.Context, id runner.RunID, run *trackers.Run, start time.Time) error {
	values, err := k.source.Values(ctx, k.experiment, run)
	if err != nil {
		return err
	}
	what := "run " + run.ID
	if run.Name != "" && run.Name != run.ID {
		what = fmt.Sprintf("%s (%s)", run.Name, run.ID)
	}
	events := []runner.Event{{Kind: store.EventImported, Detail: run.Revision, Message: fmt.Sprintf("it is %s of %s in %s", what, k.experiment.Name, k.Tracker.Title)}}
	if run.Note != "" {
		events = append(events, runner.Event{Kind: "note", Message: run.Note})
	}
	var metrics []string
	var curves [][]runner.CurvePoint
	var counted []string
	replaced, strange := 0, false
	var primary []runner.CurvePoint
	for _, metric := range slices.Sorted(maps.Keys(values)) {
		curve := imported.InOrder(values[metric])
		if len(curve.Points) == 0 {
			continue
		}
		first := k.reading.First
		if curve.Counted {
			counted, first = append(counted, metric), 1
		}
		for i := range curve.Points {
			curve.Points[i].Epoch += first
		}
		replaced += curve.Replaced
		k.values += len(curve.Points)
		if metric == k.counts.Metric {
			primary = curve.Points
		} else if p, wild := runner.Wild(curve.Points); wild && !strange {
			strange = true
			events = append(events, imported.Strange(metric, p))
		}
		metrics, curves = append(metrics, metric), append(curves, curve.Points)
	}
	if strange {
		k.warned++
	}
	if len(counted) > 0 {
		events = append(events, runner.Event{Kind: "note", Message: "the values of " + strings.Join(counted, ", ") + " have no steps of their own: they are counted"})
	}
	if replaced > 0 {
		events = append(events, runner.Event{Kind: "note", Message: stats.Count(replaced, "value has", "values have") + " a later one at the same step: that one counts"})
		k.left["values that a later one of the same step replaces"] += replaced
	}
	points := imported.Weave(metrics, curves)
	end := runner.End{Run: id, At: cmp.Or(run.End, start), Status: run.Status, Reason: fmt.Sprintf("imported from %s", k.Tracker.Title)}
	if run.Reason != "" {
		end.Reason += ", where " + run.Reason
	}
	if len(points) > 0 {
		end.Epochs = points[len(points)-1].Epoch
	}
	if !run.Start.IsZero() && run.End.After(run.Start) {
		end.Cost.Wall = run.End.Sub(run.Start)
	}
	switch {
	case run.Status == runner.StatusRunning:
		end.Status, end.Reason = runner.StatusInterrupted, end.Reason+", where it was still running"
		k.running++
	case run.Status == runner.StatusFailed:
		end.Lasting = true
	case run.Status.Keeps():
		if p, diverged := runner.Wild(primary); diverged {
			end.Status, end.Reason = runner.StatusDiverged, end.Reason+imported.Diverged(k.counts.Metric, p)
			k.diverged++
		}
	}
	if kept, ok := k.counts.Value(end.Status, primary); ok {
		end.Kept = &kept
	}
	for i := range events {
		events[i].Run, events[i].At = id, start
	}
	const together = 1024
	for len(points) > together {
		if err := k.recorder.Record(ctx, runner.Update{Points: of(id, points[:together])}); err != nil {
			return err
		}
		points = points[together:]
	}
	return k.recorder.Record(ctx, runner.Update{Points: of(id, points), Events: events, Ends: []runner.End{end}})
}

// of gives points to a run.
func of(id runner.RunID, points []runner.Points) []runner.Points {
	for i := range points {
		points[i].Run = id
	}
	return points
}

// say reports what was imported, and how it was read.
func (k *keeping) say(s *survey, other store.SweepInfo) {
	source := k.From
	if k.experiment.Name != k.name {
		source += ", " + k.experiment.Name
	}
	fmt.Fprintf(k.Stdout, "%s: %s of %s with %s, as the sweep %s", source, stats.Count(k.outcome.runs, "run", "runs"), stats.Count(len(k.points), "point", "points"),
		stats.Count(k.values, "value", "values"), k.name)
	if k.known > 0 {
		fmt.Fprintf(k.Stdout, "; %s there already", stats.Count(k.known, "run was", "runs were"))
	}
	fmt.Fprintf(k.Stdout, "\ncompared by %s, the %s the better: %s\n", k.counts.Metric, map[stop.Goal]string{stop.Min: "smaller", stop.Max: "larger"}[k.counts.Goal], advice.Command("compare", k.name))
	for _, name := range meaningNames {
		if from := *k.reading.of(name); from != "" && from != name {
			fmt.Fprintf(k.Stderr, "%s is taken for %s: --map %s=NAME says what it is\n", from, name, advice.Word(from))
		}
	}
	var varying, fixed []string
	for name, seen := range s.settings {
		if seen.Varies {
			varying = append(varying, name)
		} else {
			fixed = append(fixed, name)
		}
	}
	slices.Sort(varying)
	if len(varying) > 0 {
		fmt.Fprintf(k.Stderr, "settings that differ: %s; %d more are the same in all runs\n", strings.Join(varying, ", "), len(fixed))
	}
	if k.reading.Seed == "" {
		fmt.Fprintln(k.Stderr, "no setting is the seed: runs with the same settings are counted as its repetitions")
	}
	if k.reading.First > 0 {
		fmt.Fprintln(k.Stderr, fromOne)
	}
	if k.twice > 0 {
		fmt.Fprintf(k.Stderr, "%s the settings and the seed of a later one, which counts: --map %s=- counts them as repetitions\n", stats.Count(k.twice, "run has", "runs have"), advice.Word(k.reading.Seed))
	}
	if k.running > 0 {
		fmt.Fprintf(k.Stderr, "%s still running there: the same command later takes what is new\n", stats.Count(k.running, "run was", "runs were"))
	}
	if k.diverged > 0 {
		fmt.Fprintf(k.Stderr, "%s a %s that is NaN or infinite, and counts as diverged\n", stats.Count(k.diverged, "run has", "runs have"), k.counts.Metric)
	}
	if k.warned > 0 {
		fmt.Fprintf(k.Stderr, "%s NaN or infinite values of another metric than %s: stored as they are; xrun show RUN says where\n", stats.Count(k.warned, "run has", "runs have"), k.counts.Metric)
	}
	for _, what := range slices.Sorted(maps.Keys(k.left)) {
		if n := k.left[what]; n > 0 {
			fmt.Fprintf(k.Stderr, "not taken: %d %s\n", n, what)
		}
	}
	if other.ID != 0 && other.Digest != k.digest {
		fmt.Fprintf(k.Stderr, "the sweep that was called %s before has other content; it stays, and is called %d now: xrun compare %[2]d\n", k.name, other.ID)
	}
}
