//go:build unix

package runner_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/builtin"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/plugins/sdk"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/schedule"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/runner/tests"
)

// The test binary serves the built-in plugins, and one that crashes, when it is started so.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "serve" {
		manifest := builtin.Manifest("test")
		manifest.Components = append(manifest.Components, bomb, asker, shy, dud, mirror, pupil, speller, plainer)
		sdk.Serve(manifest)
		return
	}
	os.Exit(m.Run())
}

// bomb is plain gradient descent that ends its process at the given step, or reports an error.
var bomb = plugins.NewOptimizer(plugins.Spec{Name: "bomb", Settings: []plugins.Setting{
	plugins.IntegerSetting("at", 0, "the step at which it goes off; 0 is never"),
	plugins.FlagSetting("error", false, "report an error instead of crashing"),
}}, newBomb[float32], newBomb[float64])

type bombState[F plugins.Float] struct {
	left  int64
	error bool
}

func newBomb[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	return &bombState[F]{in.Settings.Integer("at"), in.Settings.Flag("error")}, nil
}

func (b *bombState[F]) Step(params, grad []F, lr F) error {
	if b.left--; b.left == 0 {
		if b.error {
			return errors.New("the bomb is wet")
		}
		fmt.Fprintln(os.Stderr, "boom")
		os.Exit(3)
	}
	for i, g := range grad {
		params[i] -= F(lr * g)
	}
	return nil
}

// asker is an optimizer that wants three gradients a step and stays where it is.
var asker = plugins.NewOptimizer(plugins.Spec{Name: "asker", Features: []string{plugins.FeatureReverse}}, newAsker[float32], newAsker[float64])

type askerState[F plugins.Float] struct{ asked int }

func newAsker[F plugins.Float](plugins.Instance) (plugins.Optimizer[F], error) {
	return &askerState[F]{}, nil
}

func (a *askerState[F]) Step(params, grad []F, lr F) error {
	if a.asked++; a.asked%3 > 0 {
		return plugins.ErrAgain
	}
	return nil
}

// shy is plain gradient descent that counts its steps, and cannot tell the count if it is to fail.
var shy = plugins.NewOptimizer(plugins.Spec{Name: "shy", Settings: []plugins.Setting{plugins.FlagSetting("fails", false, "cannot be saved")}}, newShy[float32], newShy[float64])

type shyState[F plugins.Float] struct {
	steps int64
	fails bool
}

func newShy[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	return &shyState[F]{fails: in.Settings.Flag("fails")}, nil
}

func (s *shyState[F]) Step(params, grad []F, lr F) error {
	s.steps++
	for i, g := range grad {
		params[i] -= lr * g / F(s.steps)
	}
	return nil
}

func (s *shyState[F]) State() plugins.State[F] {
	if s.fails {
		panic("an open file cannot be saved")
	}
	return plugins.State[F]{Counters: []*int64{&s.steps}}
}

// dud is a regularizer whose gradient panics.
var dud = plugins.NewRegularizer(plugins.Spec{Name: "dud"}, newDud[float32], newDud[float64])

type dudState[F plugins.Float] struct{}

func newDud[F plugins.Float](plugins.Instance) (plugins.Regularizer[F], error) {
	return dudState[F]{}, nil
}

func (dudState[F]) Value([]F) F               { return 0 }
func (dudState[F]) AddGradient(params, _ []F) { panic("no gradient") }

func component(t testing.TB, kind plugins.Kind, name string, given plugins.Settings) runner.Choice {
	t.Helper()
	for _, c := range append(builtin.Manifest("test").Components, bomb, asker, shy, dud, mirror, pupil, speller, plainer) {
		if c.Kind == kind && c.Name == name {
			settings, err := c.Complete(given)
			if err != nil {
				t.Fatal(err)
			}
			return runner.Choice{Label: name, Plugin: host.BuiltinRef, Component: name, Identity: "builtin:" + name + "@1", Settings: settings, Features: c.Features}
		}
	}
	t.Fatalf("no %s %q", kind, name)
	return runner.Choice{}
}

func open(t testing.TB, name string) *data.Set {
	t.Helper()
	set, err := data.Open(name, data.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func taskOf(t testing.TB, dataset, model string) runner.Task {
	set := open(t, dataset)
	return runner.Task{Model: model, Epochs: 4, Training: runner.Training{DType: plugins.Float64},
		Native: runner.Native{Batch: 16, Supervised: runner.Supervised{Dataset: dataset, Digest: set.Digest, Target: set.Target, Kind: string(set.Kind), Validation: 0.2, Standardize: true, Sampling: "shuffle"}}}
}

// tableTask is a task on a table that has to be encoded; how many inputs its rare levels have depends on the split.
func tableTask(t testing.TB) runner.Task {
	var content strings.Builder
	content.WriteString("id,age,port,member,y\n")
	for i := range 60 {
		fmt.Fprintf(&content, "p%d,%s,%s,%s,%d\n", i, []string{"", "31", "7.5", "64"}[i*i%7%4], []string{"Cork", "Genoa", "", fmt.Sprint("rare", i%11)}[i*7%5%4], []string{"yes", "no"}[i/3%2], i%3)
	}
	path := filepath.Join(t.TempDir(), "table.csv")
	if err := os.WriteFile(path, []byte(content.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	schema := data.Schema{Drop: []string{"id"}, Categories: []string{"port"}, Rare: 2, Missing: map[string]string{data.EveryColumn: data.MissingIndicator}}
	set, err := data.Open(path, data.Options{Target: "y", Schema: schema})
	if err != nil {
		t.Fatal(err)
	}
	return runner.Task{Model: "softmax", Epochs: 4, Training: runner.Training{DType: plugins.Float64},
		Native: runner.Native{Batch: 16, Supervised: runner.Supervised{Dataset: path, Digest: set.Digest, Target: "y", Kind: string(set.Kind), Validation: 0.2, Standardize: true, Sampling: "shuffle", Schema: schema}}}
}

// keeps are all ways to choose the epoch that counts. A patience of 2 ends nothing before epoch 2.
var keeps = []runner.Keep{{Metric: "val_loss", Goal: stop.Min, At: runner.AtBest}, {Metric: "train_loss", Goal: stop.Max, At: runner.AtBest},
	{Metric: "val_loss", Goal: stop.Min, At: runner.AtLast}, {Metric: "J", Goal: stop.Min, At: runner.AtEpoch(2)}}

// grid is optimizers × learning rates × λ × seeds, with every regularizer among them.
func grid(t testing.TB, task runner.Task) []runner.Trial {
	var trials []runner.Trial
	l1 := component(t, plugins.KindRegularizer, "l1", plugins.Settings{"mode": plugins.Choice("proximal")})
	l2 := component(t, plugins.KindRegularizer, "l2", nil)
	for _, seed := range []int64{0, 1} {
		for _, name := range []string{"sgd", "adam"} {
			for _, lr := range []float64{0.01, 0.1, 300} {
				for _, r := range []*runner.Choice{nil, &l1, &l2} {
					trial := runner.Trial{Task: task, Optimizer: component(t, plugins.KindOptimizer, name, nil), LR: lr, Seed: seed,
						Stop: stop.Rule{Monitor: "val_loss", Goal: stop.Min, Patience: 2, Delta: stop.Absolute, DivergenceFactor: 1e3}}
					if r != nil {
						trial.Regularizer, trial.Lambda = r, 3
					}
					trial.Keep = keeps[len(trials)%18%len(keeps)] // 18 are the trials of a seed
					trials = append(trials, trial)
				}
			}
		}
	}
	// Optimizers that ask for more than a gradient a step, that are judged elsewhere than they
	// train, or whose rate changes.
	sam := component(t, plugins.KindOptimizer, "sam", nil)
	adam := component(t, plugins.KindOptimizer, "adam", plugins.Settings{"convention": plugins.Choice("keras")})
	sam.Base = &adam
	cosine := component(t, plugins.KindOptimizer, "sgd", plugins.Settings{"momentum": plugins.Real(0.9)})
	cosine.Schedule = schedule.Schedule{Kind: schedule.Cosine, Per: schedule.PerStep, Warmup: 3}
	for _, o := range []runner.Choice{sam, cosine, component(t, plugins.KindOptimizer, "lbfgs", nil), component(t, plugins.KindOptimizer, "armijo", nil),
		component(t, plugins.KindOptimizer, "schedule_free_adamw", nil), component(t, plugins.KindOptimizer, "polyak", nil)} {
		for _, seed := range []int64{0, 1} {
			trials = append(trials, runner.Trial{Task: task, Optimizer: o, LR: 0.1, Regularizer: &l2, Lambda: 3, Stop: trials[0].Stop, Seed: seed,
				Keep: keeps[len(trials)/2%len(keeps)]})
		}
	}
	return trials
}

// whole is every trial of a grid.
func whole(trials []runner.Trial) []runner.Trial { return trials }

// few is a part of a grid with every optimizer, learning rate and regularizer in it: of its regular part every fifth
// trial, of its further optimizers one seed.
func few(trials []runner.Trial) (part []runner.Trial) {
	const regular = 36
	for i, trial := range trials {
		further := i - regular
		if further < 0 && i%5 == 0 || further >= 0 && int64(further/2%2) == trial.Seed {
			part = append(part, trial)
		}
	}
	return part
}

// log is a Recorder that keeps everything as text, by trial, and hands out what runs go on from.
type log struct {
	mu       sync.Mutex
	keys     []runner.Key
	runs     map[runner.Key]runner.RunID // the newest
	points   map[runner.Key]string
	recorded map[runner.RunID]int
	kept     map[runner.RunID]runner.Checkpoint
	ends     map[runner.Key]runner.End
	events   map[runner.Key][]runner.Event
	twice    []string
	resumed  int // runs that went on from a checkpoint
}

func (l *log) Begin(_ context.Context, trials []runner.Trial) ([]runner.Begun, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	runs := make([]runner.Begun, len(trials))
	for i, t := range trials {
		key := t.Key()
		run := l.runs[key]
		switch from, kept := l.kept[run]; {
		case l.ends[key].Status.Done():
			continue
		case kept:
			runs[i] = runner.Begun{Run: run, Recorded: l.recorded[run], From: &from}
			l.resumed++
		default:
			l.keys = append(l.keys, key)
			run = runner.RunID(len(l.keys))
			l.runs[key], l.recorded[run], l.points[key] = run, -1, ""
			runs[i] = runner.Begun{Run: run, Recorded: -1}
		}
		delete(l.ends, key)
	}
	return runs, nil
}

func (l *log) Record(_ context.Context, u runner.Update) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range u.Points {
		key := l.keys[p.Run-1]
		if p.Epoch <= l.recorded[p.Run] {
			l.twice = append(l.twice, fmt.Sprint(key, " ", p.Epoch))
		}
		l.recorded[p.Run] = p.Epoch
		line := fmt.Sprintf("epoch %d", p.Epoch)
		for i, v := range p.Values {
			line += fmt.Sprintf(" %s=%x", p.Metrics[i], math.Float64bits(v))
		}
		l.points[key] += line + "\n"
	}
	for _, c := range u.Checkpoints {
		l.kept[c.Run] = c
	}
	for _, e := range u.Events {
		key := l.keys[e.Run-1]
		l.events[key] = append(l.events[key], e)
	}
	for _, e := range u.Ends {
		key := l.keys[e.Run-1]
		if _, ended := l.ends[key]; ended {
			l.twice = append(l.twice, fmt.Sprint("end of run ", e.Run))
		}
		l.ends[key] = e
		if e.Status != runner.StatusInterrupted {
			delete(l.kept, e.Run)
		}
	}
	return nil
}

// text is what has been recorded of a trial, costs and times left out.
func (l *log) text(key runner.Key) string {
	e := l.ends[key]
	s := l.points[key] + fmt.Sprintf("%s %q epochs %d", e.Status, e.Reason, e.Epochs)
	if e.Kept != nil {
		s += fmt.Sprintf(" kept %d %x %x", e.Kept.Epoch, math.Float64bits(e.Kept.Value), e.Parameters)
	}
	return s
}

// execute runs trials and returns what was recorded.
func execute(t testing.TB, o runner.Options, trials []runner.Trial) *log {
	t.Helper()
	l := newLog()
	o.Recorder = l
	if err := runner.Execute(t.Context(), options(t, o), trials); err != nil {
		t.Fatal(err)
	}
	if len(l.twice) > 0 {
		t.Errorf("%d points are recorded twice, the first for trial and epoch %s", len(l.twice), l.twice[0])
	}
	return l
}

func newLog() *log {
	return &log{runs: map[runner.Key]runner.RunID{}, points: map[runner.Key]string{}, recorded: map[runner.RunID]int{}, kept: map[runner.RunID]runner.Checkpoint{},
		ends: map[runner.Key]runner.End{}, events: map[runner.Key][]runner.Event{}}
}

// options fills in what a test does not care for: the data sets, plugins in process.
func options(t testing.TB, o runner.Options) runner.Options {
	t.Helper()
	o.Load = func(task runner.Task) (*data.Set, error) {
		return data.Open(task.Dataset, task.DataOptions())
	}
	if o.Plugins == nil {
		o.Plugins = func(runner.Share) (runner.Plugins, error) {
			return &host.Local{Components: append(builtin.Manifest("test").Components, bomb, asker, shy, dud, mirror, pupil, speller, plainer)}, nil
		}
	}
	return o
}

func outOfProcess(t testing.TB, o host.Options) func(runner.Share) (runner.Plugins, error) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o.Builtin = []string{self, "serve"}
	h := host.New(o)
	return func(runner.Share) (runner.Plugins, error) { return h.Worker() }
}

// The equalities: where, with whom and how a trial runs does not show in a single bit of it.
func TestResultsDependOnTheTrialAlone(t *testing.T) {
	float32Task := taskOf(t, "digits", "softmax")
	float32Task.DType, float32Task.Batch, float32Task.Epochs = plugins.Float32, 64, 2
	mlp := taskOf(t, "wine", "mlp")
	mlp.Hidden, mlp.Activation, mlp.Sampling = []int{7, 5}, "tanh", "replacement"
	full := taskOf(t, "diabetes", "linear")
	full.Batch, full.Sampling, full.Test = 0, "", 0.1
	table := tableTask(t)
	tasks := map[string]runner.Task{
		"softmax on a table with categories and gaps": table,
		"softmax on iris": taskOf(t, "iris", "softmax"), "softmax on digits, float32": float32Task, "mlp on wine": mlp,
		"linear on diabetes, full batch": full, "logistic on breast_cancer": taskOf(t, "breast_cancer", "logistic"),
	}
	for name, task := range tasks {
		t.Run(name, func(t *testing.T) {
			trials := tests.Either(few, whole)(grid(t, task))
			want := execute(t, runner.Options{}, trials)
			if len(want.ends) != len(trials) {
				t.Fatalf("%d of %d trials have an end", len(want.ends), len(trials))
			}
			same := func(how string, got *log, some []runner.Trial) {
				t.Helper()
				for _, trial := range some {
					if key := trial.Key(); got.text(key) != want.text(key) {
						t.Errorf("%s, trial %s gives other bits:\n%.300s\nwant\n%.300s", how, key.Short(), got.text(key), want.text(key))
						return
					}
				}
			}
			for i := 0; i < len(trials); i += 5 {
				same("alone", execute(t, runner.Options{}, trials[i:i+1]), trials[i:i+1])
			}
			backwards := slices.Clone(trials)
			slices.Reverse(backwards)
			same("with 4 workers, in reverse", execute(t, runner.Options{Workers: 4}, backwards), trials)
			same("through shared memory", execute(t, runner.Options{Workers: 2, Plugins: outOfProcess(t, host.Options{})}, trials), trials)
			same("through messages", execute(t, runner.Options{Plugins: outOfProcess(t, host.Options{Inline: true})}, trials), trials)
			statuses := map[runner.Status]int{}
			for _, e := range want.ends {
				statuses[e.Status]++
			}
			if t.Logf("ends: %v", statuses); 2*statuses[runner.StatusFailed] > len(trials) {
				t.Error("most trials have failed, which compares nothing")
			}
		})
	}
}

func TestAFaultCostsItsTrialOnly(t *testing.T) {
	task := taskOf(t, "iris", "softmax")
	var trials []runner.Trial
	for i, at := range []int64{0, 13, 0, 0, 1, 0} {
		trials = append(trials, runner.Trial{Task: task, LR: 0.01 * float64(i+1), Seed: 1,
			Optimizer: component(t, plugins.KindOptimizer, "bomb", plugins.Settings{"at": plugins.Integer(at), "error": plugins.Flag(i == 4)})})
	}
	var healthy []runner.Trial
	for i := range trials {
		if i != 1 && i != 4 {
			healthy = append(healthy, trials[i])
		}
	}
	want := execute(t, runner.Options{}, healthy)
	got := execute(t, runner.Options{Plugins: outOfProcess(t, host.Options{})}, trials)
	for _, trial := range healthy {
		if key := trial.Key(); got.text(key) != want.text(key) {
			t.Errorf("the healthy trial %s was changed by the fault of another:\n%.200s\nwant\n%.200s", key.Short(), got.text(key), want.text(key))
		}
	}
	crashed := got.ends[trials[1].Key()]
	if crashed.Status != runner.StatusFailed || !strings.Contains(crashed.Error, "plugin builtin exited with status 3") || !strings.Contains(crashed.Error, "boom") {
		t.Errorf("the trial that crashed ended as %s with %q; want the plugin, its status and its last words", crashed.Status, crashed.Error)
	}
	refused := got.ends[trials[4].Key()]
	if refused.Status != runner.StatusFailed || !strings.Contains(refused.Error, "the bomb is wet") {
		t.Errorf("the trial with an error ended as %s with %q", refused.Status, refused.Error)
	}
}

func TestAPluginThatCannotStartFailsItsTrialsOnce(t *testing.T) {
	task := taskOf(t, "iris", "softmax")
	var trials []runner.Trial
	for i := range 8 {
		o := component(t, plugins.KindOptimizer, "sgd", nil)
		o.Plugin = "/does/not/exist"
		trials = append(trials, runner.Trial{Task: task, LR: float64(i + 1), Optimizer: o})
	}
	begin := time.Now()
	got := execute(t, runner.Options{Plugins: outOfProcess(t, host.Options{})}, trials)
	for _, trial := range trials {
		if e := got.ends[trial.Key()]; e.Status != runner.StatusFailed || !strings.Contains(e.Error, "does not exist") {
			t.Fatalf("a trial ended as %s with %q", e.Status, e.Error)
		}
	}
	t.Logf("took %v", time.Since(begin))
}

func TestDrainStopsAtTheEndOfAnEpoch(t *testing.T) {
	task := taskOf(t, "iris", "softmax")
	task.Epochs = 1 << 20
	drain := make(chan struct{})
	var once sync.Once
	trial := runner.Trial{Task: task, LR: 0.01, Optimizer: component(t, plugins.KindOptimizer, "sgd", nil)}
	got := execute(t, runner.Options{Drain: drain, Observe: func(p runner.Progress) {
		if p.Epoch == 3 {
			once.Do(func() { close(drain) })
		}
	}}, []runner.Trial{trial})
	if e := got.ends[trial.Key()]; e.Status != runner.StatusInterrupted || e.Epochs != 3 {
		t.Errorf("the trial ended as %s after %d epochs, want interrupted after 3", e.Status, e.Epochs)
	}
}

func TestKeysTellTrialsApart(t *testing.T) {
	trials := grid(t, taskOf(t, "iris", "softmax"))
	keys, points := map[runner.Key]bool{}, map[runner.Key]int{}
	for _, trial := range trials {
		keys[trial.Key()] = true
		points[trial.Point()]++
	}
	if len(keys) != len(trials) {
		t.Errorf("%d trials have %d keys", len(trials), len(keys))
	}
	for point, n := range points {
		if n != 2 {
			t.Errorf("point %s has %d seeds, want 2", point.Short(), n)
		}
	}
	renamed := trials[0]
	renamed.Optimizer.Label = "another name"
	if renamed.Key() != trials[0].Key() {
		t.Error("the name of a table changes the key")
	}
}

func TestACancelledContextStopsWithinAnEpoch(t *testing.T) {
	task := taskOf(t, "iris", "softmax")
	task.Epochs = 1 << 30
	ctx, cancel := context.WithCancelCause(t.Context())
	stopped := errors.New("stopped from outside")
	l := newLog()
	err := runner.Execute(ctx, options(t, runner.Options{Recorder: l, Observe: func(p runner.Progress) {
		if p.Epoch == 3 {
			cancel(stopped)
		}
	}}), []runner.Trial{{Task: task, LR: 0.01, Optimizer: component(t, plugins.KindOptimizer, "sgd", nil)}})
	if !errors.Is(err, stopped) {
		t.Errorf("Execute gives %v, want the cause", err)
	}
	for _, e := range l.ends {
		if e.Status != runner.StatusInterrupted || e.Epochs != 3 {
			t.Errorf("the trial ended as %s after %d epochs, want interrupted after 3", e.Status, e.Epochs)
		}
	}
	if len(l.ends) != 1 {
		t.Errorf("%d runs have ended, want 1", len(l.ends))
	}
}

// sour is a regularizer whose value is an error, after a while.
var sour = plugins.NewRegularizer(plugins.Spec{Name: "sour"}, newSour[float32], newSour[float64])

type sourState[F plugins.Float] struct{ values int }

func newSour[F plugins.Float](plugins.Instance) (plugins.Regularizer[F], error) {
	return &sourState[F]{}, nil
}

func (s *sourState[F]) Value([]F) F {
	if s.values++; s.values == 5 { // epochs 0 to 4
		panic("the value is sour")
	}
	return 0
}

func (s *sourState[F]) AddGradient(_, _ []F) {}

func TestAPenaltyThatFailsInTheLastEpochFailsTheTrial(t *testing.T) {
	r := runner.Choice{Label: "sour", Plugin: host.BuiltinRef, Component: "sour", Identity: "builtin:sour@1"}
	trial := runner.Trial{Task: taskOf(t, "iris", "softmax"), LR: 0.01, Lambda: 1, Regularizer: &r, Optimizer: component(t, plugins.KindOptimizer, "sgd", nil)}
	got := execute(t, runner.Options{Plugins: func(runner.Share) (runner.Plugins, error) {
		return &host.Local{Components: append(builtin.Manifest("test").Components, sour)}, nil
	}}, []runner.Trial{trial})
	e := got.ends[trial.Key()]
	if e.Status != runner.StatusFailed || !strings.Contains(e.Error, "the value is sour") || e.Epochs != 3 {
		t.Errorf("the trial ended as %s after %d epochs with %q", e.Status, e.Epochs, e.Error)
	}
	if strings.Contains(got.points[trial.Key()], "epoch 4") {
		t.Error("an epoch without a penalty was recorded")
	}
}

// A slot whose regularizer fails is out, also when its optimizer asks for more at the same step.
func TestAFailedSlotIsNotEvaluatedAgain(t *testing.T) {
	task := taskOf(t, "iris", "softmax")
	broken := component(t, plugins.KindRegularizer, "dud", nil)
	good := runner.Trial{Task: task, Optimizer: component(t, plugins.KindOptimizer, "asker", nil), LR: 0.1}
	bad := good
	bad.Regularizer, bad.Lambda = &broken, 1
	for how, plugins := range map[string]func(runner.Share) (runner.Plugins, error){
		"in process":            nil,
		"through shared memory": outOfProcess(t, host.Options{}),
		"inline":                outOfProcess(t, host.Options{Inline: true}),
	} {
		got := execute(t, runner.Options{Plugins: plugins}, []runner.Trial{bad, good})
		if e := got.ends[bad.Key()]; e.Status != runner.StatusFailed || !strings.Contains(e.Error, "no gradient") {
			t.Errorf("%s the broken trial is %s: %s", how, e.Status, e.Error)
		}
		if e := got.ends[good.Key()]; e.Status != runner.StatusFinished {
			t.Errorf("%s the other trial is %s: %s", how, e.Status, e.Error)
		}
	}
}
