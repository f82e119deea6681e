// Package imported reads results of other programs, as trials with their values, so that they can be stored and
// compared like the results of sweeps.
//
// A file is read as a whole first: if anything in it is wrong, every mistake is reported with its place, and there is no
// result. The package opens no database.
package imported

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// Options say how to read a file.
type Options struct {
	Name    string    // of the file
	Map     []Mapping // meanings of columns whose names do not say them
	Metrics []string  // columns that are metrics, or the metrics to read from a file with a column metric; empty is all. Trials are compared by the first
}

// A Mapping gives a column its meaning: lr, lambda, optimizer, regularizer, seed, epoch, metric, value, status or
// wall_seconds; the name of a setting or of a metric in Options.Metrics; or - to leave the column out.
type Mapping struct{ Column, As string }

// Results are the content of a file.
type Results struct {
	Digest   string   // of the file's content and the options
	Metric   string   // the metric that trials are compared by
	Metrics  []string // metrics that are recorded
	Settings []string // columns that are settings
	Ignored  []string // columns that are not read
	Runs     []Run    // in the order of the file
	Guesses  []Guess  // of the optimizer, lr and the seed, if no column has the meaning
}

// A Guess is a meaning that no column has, and the setting that could have it; empty if none looks like it.
type Guess struct{ As, Column string }

// A Run is a trial with its recorded values.
type Run struct {
	Trial  runner.Trial
	Status runner.Status
	Reason string
	Epochs int
	Wall   time.Duration
	Points []runner.Points // by epoch; their Run is not set
	Events []runner.Event  // likewise, nor is At
}

// maxValues limits the memory of a file to about 1.5 GB.
const maxValues = 20_000_000

// A point is a value of a metric, and its line.
type point struct {
	value float64
	epoch int32
	line  int32
}

// A series is the values of one metric of a run.
type series []point

// A draft is a run while its file is read.
type draft struct {
	cells  []string // cells of the columns of settings
	role   roleCells
	line   int
	curves map[int]*series // by metric
}

// roleCells are the cells of columns that are no settings.
type roleCells struct {
	optimizer, regularizer string
	lr, lambda             float64
	seed                   int64
	status                 string
	wall                   float64
}

// Read reads a CSV file. Mistakes in the file are [Problems]; other errors are of the reader.
func Read(r io.Reader, o Options) (*Results, error) {
	sum := sha256.New()
	t, err := newTable(io.TeeReader(r, sum), o)
	if err != nil {
		return nil, err
	}
	if err := t.rows(); err != nil {
		return nil, err
	}
	if err := t.problems.err(); err != nil {
		return nil, err
	}
	return t.results(hex.EncodeToString(sum.Sum(nil)))
}

// results makes trials of the rows.
func (t *table) results(digest string) (*Results, error) {
	out := &Results{Settings: t.names(roleSetting), Ignored: t.names(roleNone)}
	if len(t.drafts) == 0 {
		t.problems.add(1, 1, "there are no rows", "")
		return nil, t.problems.err()
	}
	primary := t.primary()
	if primary < 0 {
		return nil, t.problems.err()
	}
	out.Metric, out.Metrics = t.metrics[primary], slices.Clone(t.metrics)
	slices.Sort(out.Metrics)
	types := t.types()
	out.Guesses = t.guesses(types)
	command := &runner.Command{Name: "xrun import csv", Args: []string{"xrun", "import", "csv"}, Files: []string{t.Name}, Digest: digest}
	for _, m := range t.Map {
		command.Args = append(command.Args, "--map", m.Column+"="+m.As)
	}
	for _, metric := range t.Metrics {
		command.Args = append(command.Args, "--metric", metric)
	}
	text := sha256.Sum256(fmt.Appendf(nil, "xrun import 1\n%q\n%s\n", command.Args, digest))
	out.Digest = hex.EncodeToString(text[:])
	task := runner.Task{Command: command, Metrics: []string{out.Metric}}
	for _, metric := range out.Metrics {
		if metric != out.Metric {
			task.Metrics = append(task.Metrics, metric)
		}
	}
	places := map[runner.Key]int{}
	for _, d := range t.drafts {
		run := Run{Trial: t.trial(d, task, types), Wall: time.Duration(d.role.wall * float64(time.Second))}
		key := run.Trial.Key()
		if line, ok := places[key]; ok {
			t.problems.add(d.line, 1, fmt.Sprintf("this is the run of line %d, written in another way", line), "write equal values alike")
			continue
		}
		places[key] = d.line
		t.points(&run, d)
		t.end(&run, d, primary)
		d.curves = nil
		out.Runs = append(out.Runs, run)
	}
	if err := t.problems.err(); err != nil {
		return nil, err
	}
	return out, nil
}

// primary is the metric that trials are compared by.
func (t *table) primary() int {
	want := "val_loss"
	if len(t.Metrics) > 0 {
		want = t.Metrics[0]
	}
	if i := slices.Index(t.metrics, want); i >= 0 {
		return i
	}
	if len(t.Metrics) == 0 && len(t.metrics) == 1 {
		return 0
	}
	help := "it has " + strings.Join(t.metrics, ", ")
	if len(t.Metrics) == 0 {
		t.problems.add(1, 1, "which of several metrics are trials compared by?", "name it with --metric; "+help)
	} else {
		t.problems.add(1, 1, fmt.Sprintf("the file has no values of %s", want), help)
	}
	return -1
}

// types are the types of the columns of settings: the narrowest that fits all cells.
func (t *table) types() []plugins.Type {
	types := make([]plugins.Type, len(t.settings))
	for i := range types {
		kinds := []plugins.Type{plugins.TypeInteger, plugins.TypeReal, plugins.TypeFlag}
		for _, d := range t.drafts {
			if cell := d.cells[i]; cell != "" {
				kinds = slices.DeleteFunc(kinds, func(kind plugins.Type) bool { _, ok := t.typed(kind, cell); return !ok })
			}
		}
		types[i] = plugins.TypeText
		if len(kinds) > 0 {
			types[i] = kinds[0]
		}
	}
	return types
}

// typed reads a cell as a value of a type.
func (t *table) typed(kind plugins.Type, cell string) (plugins.Value, bool) {
	switch kind {
	case plugins.TypeInteger:
		n, err := strconv.ParseInt(cell, 10, 64)
		return plugins.Integer(n), err == nil
	case plugins.TypeReal:
		x, err := strconv.ParseFloat(t.pointed(cell), 64)
		return plugins.Real(x), err == nil && x == x
	case plugins.TypeFlag:
		b := strings.EqualFold(cell, "true")
		return plugins.Flag(b), b || strings.EqualFold(cell, "false")
	}
	return plugins.Text(cell), true
}

// guessed are patterns of names of columns that are likely to have a meaning.
var guessed = map[role]*regexp.Regexp{
	roleOptimizer: regexp.MustCompile(`(?i)^(method|optim(iser)?|algo(rithm)?|solver|opt)$`),
	roleLR:        regexp.MustCompile(`(?i)^(eta|alpha|rate|step[_ -]?size|(base|init|initial|max|peak)?[_ -]?(lr|learning[_ -]?rate)[_ -]?(init|0)?)$`),
	roleSeed:      regexp.MustCompile(`(?i)^(rep|repl?icate|repeat|repetition|restart|(random[_ -]?)?(seed|state))s?$`),
}

// guesses lists the meanings that no column has. It finds a likely column by name; for the optimizer it takes the column
// with the fewest different words.
func (t *table) guesses(types []plugins.Type) (all []Guess) {
	for _, of := range []struct {
		role role
		as   string
	}{{roleOptimizer, "optimizer"}, {roleLR, "lr"}, {roleSeed, "seed"}} {
		if len(t.names(of.role)) > 0 {
			continue
		}
		g := Guess{As: of.as}
		for column, r := range t.roles {
			if r == roleSetting && guessed[of.role].MatchString(t.header[column]) && (of.role == roleOptimizer || types[t.index[column]] != plugins.TypeText) {
				g.Column = t.header[column]
				break
			}
		}
		if of.role == roleOptimizer && g.Column == "" {
			g.Column = t.words(types)
		}
		all = append(all, g)
	}
	return all
}

// words is the column of words with the fewest different ones, at least two.
func (t *table) words(types []plugins.Type) (name string) {
	fewest := math.MaxInt
	for column, r := range t.roles {
		if r != roleSetting || types[t.index[column]] != plugins.TypeText {
			continue
		}
		seen := map[string]bool{}
		for _, d := range t.drafts {
			seen[d.cells[t.index[column]]] = true
		}
		if n := len(seen); n > 1 && n < fewest {
			name, fewest = t.header[column], n
		}
	}
	return name
}

// reserved are paths of settings that every imported trial has.
var reserved = []string{"task.command", "task.env", "task.files", "task.files_digest", "task.metric", "task.metrics", "task.patterns", "task.tracking", "task.epochs", "lr", "lambda", "seed",
	"optimizer.component", "regularizer.component"}

// Path is the path of a setting that another program calls by a name.
func Path(name string) string {
	if slices.Contains(reserved, name) || strings.HasPrefix(name, "early_stop.") {
		return "imported." + name
	}
	return name
}

// trial is the trial of a draft. Its task is a command that no sweep can have, with the digest of the file, so that its
// key differs from the keys of trained trials and of other files.
func (t *table) trial(d *draft, task runner.Task, types []plugins.Type) runner.Trial {
	trial := runner.Trial{Task: task, LR: d.role.lr, Lambda: d.role.lambda, Seed: d.role.seed,
		Optimizer: runner.Choice{Label: d.role.optimizer, Component: d.role.optimizer}}
	if d.role.regularizer != "" {
		trial.Regularizer = &runner.Choice{Label: d.role.regularizer, Component: d.role.regularizer}
	}
	for i, name := range t.settings {
		if d.cells[i] == "" {
			continue // it has none
		}
		v, _ := t.typed(types[i], d.cells[i])
		trial.Axes = append(trial.Axes, runner.Setting{Path: Path(name), Value: v})
	}
	return trial
}

// points sorts a draft's values by epoch.
func (t *table) points(run *Run, d *draft) {
	metrics := make([]int, 0, len(d.curves))
	for m := range d.curves {
		metrics = append(metrics, m)
	}
	slices.Sort(metrics)
	names, curves := make([]string, len(metrics)), make([][]runner.CurvePoint, len(metrics))
	for i, m := range metrics {
		curve := *d.curves[m]
		slices.SortStableFunc(curve, func(a, b point) int { return cmp.Compare(a.epoch, b.epoch) })
		names[i], curves[i] = t.metrics[m], make([]runner.CurvePoint, len(curve))
		for j, p := range curve {
			if j > 0 && p.epoch == curve[j-1].epoch {
				t.problems.add(int(p.line), 1, fmt.Sprintf("line %d has %s of the same run and the same epoch", curve[j-1].line, t.metrics[m]),
					"what tells the two apart has to be a column, such as seed or epoch"+t.unread())
				return
			}
			curves[i][j] = runner.CurvePoint{Epoch: int(p.epoch), Value: p.value}
		}
	}
	run.Points = Weave(names, curves)
	if n := len(run.Points); n > 0 {
		run.Epochs = run.Points[n-1].Epoch
	}
}

// Weave makes the points of a run of the curves of its metrics, which are sorted by epoch.
func Weave(metrics []string, curves [][]runner.CurvePoint) (points []runner.Points) {
	next, longest := make([]int, len(metrics)), 0
	for _, curve := range curves {
		longest = max(longest, len(curve))
	}
	points = make([]runner.Points, 0, longest)
	var now, names []string
	for {
		epoch := math.MaxInt
		for i, curve := range curves {
			if next[i] < len(curve) {
				epoch = min(epoch, curve[next[i]].Epoch)
			}
		}
		if epoch == math.MaxInt {
			return points
		}
		p := runner.Points{Epoch: epoch, Values: make([]float64, 0, len(metrics))}
		now = now[:0]
		for i, curve := range curves {
			if next[i] < len(curve) && curve[next[i]].Epoch == epoch {
				now, p.Values = append(now, metrics[i]), append(p.Values, curve[next[i]].Value)
				next[i]++
			}
		}
		if !slices.Equal(now, names) {
			names = slices.Clone(now)
		}
		p.Metrics = names // shared by epochs that have the same
		points = append(points, p)
	}
}

// unread says how to use a column that was taken for an identifier.
func (t *table) unread() string {
	for i, name := range t.header {
		if t.roles[i] == roleNone && identifies(name) {
			return fmt.Sprintf("; %s is taken for an identifier, and --map %s=seed for what counts repetitions", name, name)
		}
	}
	return ""
}

// statuses are the statuses that a file can have.
var statuses = []runner.Status{runner.StatusFinished, runner.StatusStopped, runner.StatusPruned, runner.StatusDiverged, runner.StatusFailed, runner.StatusInterrupted, runner.StatusRunning}

// end is the end of a run. A run that is unfinished elsewhere failed here: nothing can continue it.
func (t *table) end(run *Run, d *draft, primary int) {
	run.Reason = "imported from " + t.Name
	switch status := runner.Status(d.role.status); {
	case status == runner.StatusInterrupted || status == runner.StatusRunning:
		run.Status, run.Reason = runner.StatusFailed, run.Reason+", where it is "+string(status)
	case status != "":
		run.Status = status
	default:
		run.Status = runner.StatusFinished
	}
	if !run.Status.Keeps() {
		return
	}
	if p, diverged := runner.Wild(run.Curve(t.metrics[primary])); diverged {
		run.Status, run.Reason = runner.StatusDiverged, run.Reason+Diverged(t.metrics[primary], p)
	}
	for i, name := range t.metrics {
		if p, wild := runner.Wild(run.Curve(name)); wild && i != primary {
			run.Events = append(run.Events, Strange(name, p))
			return // told once for a run, as of trained ones
		}
	}
}

// Diverged is the end of the reason of a run whose metric is not finite.
func Diverged(metric string, p runner.CurvePoint) string {
	return fmt.Sprintf(", where its %s is %v at epoch %d", metric, p.Value, p.Epoch)
}

// Strange is the event of a run of which another metric is not finite.
func Strange(metric string, p runner.CurvePoint) runner.Event {
	return runner.Event{Kind: "warning", Epoch: p.Epoch, Message: fmt.Sprintf("%s is %v at epoch %d: stored as it is", metric, p.Value, p.Epoch)}
}

// Curve is a metric of the run.
func (r Run) Curve(metric string) (curve []runner.CurvePoint) {
	for _, p := range r.Points {
		if i := slices.Index(p.Metrics, metric); i >= 0 {
			curve = append(curve, runner.CurvePoint{Epoch: p.Epoch, Value: p.Values[i]})
		}
	}
	return curve
}
