// Package imported reads results that other programs have made, as trials and what they recorded, so that they can
// be kept and compared like those of sweeps.
//
// A file is read as a whole before anything is made of it: what is wrong in it is reported with its place, and then
// there is no result. It opens no database.
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

// Options say how a file is meant.
type Options struct {
	Name    string    // of the file, for messages and for the record
	Map     []Mapping // what columns are, where their names do not say it
	Metrics []string  // columns that are metrics, or metrics to take of a file with a column metric; empty is all. The first is the one that trials are compared by
}

// A Mapping says what a column is: lr, lambda, optimizer, regularizer, seed, epoch, metric, value, status or
// wall_seconds; a setting, or a metric of Options.Metrics, by its name; or - for nothing.
type Mapping struct{ Column, As string }

// Results are what a file holds.
type Results struct {
	Digest   string   // of the file's content and of what the options make of it
	Metric   string   // that trials are compared by
	Metrics  []string // that are recorded
	Settings []string // columns that are settings
	Ignored  []string // columns that are not read
	Runs     []Run    // in the order of the file
	Guesses  []Guess  // of the optimizer, of lr and of the seed, as far as no column is one
}

// A Guess is a meaning that no column has, and the setting that it could be of; empty where none looks like it.
type Guess struct{ As, Column string }

// A Run is what was recorded of one trial.
type Run struct {
	Trial  runner.Trial
	Status runner.Status
	Reason string
	Epochs int
	Wall   time.Duration
	Points []runner.Points // by epoch; their Run is not set
}

// maxValues bounds the memory that a file takes, to some 1.5 GB.
const maxValues = 20_000_000

// A point is a value of a metric, and where it stood.
type point struct {
	value float64
	epoch int32
	line  int32
}

// A series is what a run has of one metric.
type series []point

// A draft is a run while its file is read.
type draft struct {
	cells  []string // of the columns of settings
	role   roleCells
	line   int
	curves map[int]*series // by metric
}

// roleCells are the values of columns with a meaning of their own.
type roleCells struct {
	optimizer, regularizer string
	lr, lambda             float64
	seed                   int64
	status                 string
	wall                   float64
}

// Read reads a file of CSV. What is wrong with it is [Problems]; other errors are of the reader.
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

// results makes trials of what has been read.
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
			t.problems.add(d.line, 1, fmt.Sprintf("the run is that of line %d, written in another way", line), "write equal values alike")
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

// types are those of the columns of settings: the narrowest that all of a column's cells are of.
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

// guessed are names of columns that are likely to have a meaning.
var guessed = map[role]*regexp.Regexp{
	roleOptimizer: regexp.MustCompile(`(?i)^(method|optim(iser)?|algo(rithm)?|solver|opt)$`),
	roleLR:        regexp.MustCompile(`(?i)^(eta|alpha|rate|step[_ -]?size|(base|init|initial|max|peak)?[_ -]?(lr|learning[_ -]?rate)[_ -]?(init|0)?)$`),
	roleSeed:      regexp.MustCompile(`(?i)^(rep|repl?icate|repeat|repetition|restart|(random[_ -]?)?(seed|state))s?$`),
}

// guesses says what no column is, and which could be it: by its name, or as the optimizer the words that are fewest.
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

// words is the column of words with the fewest different ones, but more than one.
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

// reserved are the paths of settings that an imported trial has by itself.
var reserved = []string{"task.command", "task.env", "task.files", "task.files_digest", "task.metric", "task.metrics", "task.epochs", "lr", "lambda", "seed",
	"optimizer.component", "regularizer.component"}

// trial is the trial of a draft. Its task is a command that no sweep can have, with the digest of the file: so its
// key is that of no trained trial, and of no trial of another file.
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
		if slices.Contains(reserved, name) || strings.HasPrefix(name, "early_stop.") {
			name = "imported." + name
		}
		trial.Axes = append(trial.Axes, runner.Setting{Path: name, Value: v})
	}
	return trial
}

// points puts a draft's values in the order of epochs.
func (t *table) points(run *Run, d *draft) {
	metrics := make([]int, 0, len(d.curves))
	for m := range d.curves {
		metrics = append(metrics, m)
	}
	slices.Sort(metrics)
	next, longest := make([]int, len(metrics)), 0
	for _, m := range metrics {
		curve := *d.curves[m]
		slices.SortStableFunc(curve, func(a, b point) int { return cmp.Compare(a.epoch, b.epoch) })
		for j := 1; j < len(curve); j++ {
			if curve[j].epoch == curve[j-1].epoch {
				t.problems.add(int(curve[j].line), 1, fmt.Sprintf("line %d has %s of the same run and the same epoch", curve[j-1].line, t.metrics[m]),
					"what tells the two apart has to be a column, such as seed or epoch"+t.unread())
				return
			}
		}
		longest = max(longest, len(curve))
	}
	run.Points = make([]runner.Points, 0, longest)
	var now, names []string
	for {
		epoch := int32(math.MaxInt32)
		for i, m := range metrics {
			if curve := *d.curves[m]; next[i] < len(curve) {
				epoch = min(epoch, curve[next[i]].epoch)
			}
		}
		if epoch == math.MaxInt32 {
			return
		}
		p := runner.Points{Epoch: int(epoch), Values: make([]float64, 0, len(metrics))}
		now = now[:0]
		for i, m := range metrics {
			if curve := *d.curves[m]; next[i] < len(curve) && curve[next[i]].epoch == epoch {
				now, p.Values = append(now, t.metrics[m]), append(p.Values, curve[next[i]].value)
				next[i]++
			}
		}
		if !slices.Equal(now, names) {
			names = slices.Clone(now)
		}
		p.Metrics = names // shared by epochs that have the same
		run.Points = append(run.Points, p)
		run.Epochs = int(epoch)
	}
}

// unread says how to read an identifier after all.
func (t *table) unread() string {
	for i, name := range t.header {
		if t.roles[i] == roleNone && identifies(name) {
			return fmt.Sprintf("; %s is taken for an identifier, and --map %s=seed for what counts repetitions", name, name)
		}
	}
	return ""
}

// statuses are those that a file can give.
var statuses = []runner.Status{runner.StatusFinished, runner.StatusStopped, runner.StatusPruned, runner.StatusDiverged, runner.StatusFailed, runner.StatusInterrupted, runner.StatusRunning}

// end says how a run ended. What goes on elsewhere does not go on here.
func (t *table) end(run *Run, d *draft, primary int) {
	run.Reason = "imported from " + t.Name
	switch status := runner.Status(d.role.status); {
	case status == runner.StatusInterrupted || status == runner.StatusRunning:
		run.Status, run.Reason = runner.StatusFailed, run.Reason+", where it is "+string(status)
	case status != "":
		run.Status = status
	default:
		run.Status = runner.StatusFinished
		if curve := d.curves[primary]; curve != nil && len(*curve) > 0 {
			if last := (*curve)[len(*curve)-1].value; math.IsNaN(last) || math.IsInf(last, 0) {
				run.Status, run.Reason = runner.StatusDiverged, fmt.Sprintf("%s, where its %s ends as %v", run.Reason, t.metrics[primary], last)
			}
		}
	}
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
