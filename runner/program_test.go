//go:build unix

package runner_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/prune"
	"github.com/xrun-dev/xrun/runner/stop"
)

// scripts are Programs that do what they are told: for what depends on time. What depends on
// processes is tested with real ones, in plugins/process and cmd/xrun.
type scripts struct {
	says  []runner.Report
	end   runner.ProgramEnd
	stays bool // does not end by itself
	deaf  bool // does not end when it is asked to
	chats bool // goes on reporting until it ends

	mu     sync.Mutex
	specs  []runner.ProgramSpec
	done   []string // what was done to the programs
	refuse error
}

type script struct {
	*scripts
	reports chan runner.Report
	asked   chan struct{}
	killed  chan struct{}
	once    [2]sync.Once
}

func (s *scripts) Start(spec runner.ProgramSpec) (runner.Program, error) {
	s.note(spec, "")
	if s.refuse != nil {
		return nil, s.refuse
	}
	p := &script{scripts: s, reports: make(chan runner.Report), asked: make(chan struct{}), killed: make(chan struct{})}
	go p.run()
	return p, nil
}

func (s *scripts) note(spec runner.ProgramSpec, what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if what != "" {
		s.done = append(s.done, what)
		return
	}
	s.specs = append(s.specs, spec)
}

func (p *script) run() {
	defer close(p.reports)
	for _, r := range p.says {
		select {
		case <-p.killed:
			return
		case p.reports <- r:
		}
	}
	for epoch := 1000; p.stays; epoch++ {
		asked, next := p.asked, chan runner.Report(nil)
		if p.deaf {
			asked = nil
		}
		if p.chats {
			next = p.reports
		}
		select {
		case <-p.killed:
			return
		case <-asked:
			return
		case next <- report(epoch, 1):
		}
	}
}

func (p *script) Reports() <-chan runner.Report { return p.reports }
func (p *script) End() runner.ProgramEnd        { return p.end }
func (p *script) Resume()                       { p.note(runner.ProgramSpec{}, "resumed") }
func (p *script) Pause() error                  { p.note(runner.ProgramSpec{}, "paused"); return nil }
func (p *script) Ask() {
	p.once[0].Do(func() { p.note(runner.ProgramSpec{}, "asked"); close(p.asked) })
}
func (p *script) Kill() {
	p.once[1].Do(func() { p.note(runner.ProgramSpec{}, "killed"); close(p.killed) })
}

func report(epoch int, loss float64) runner.Report {
	return runner.Report{Epoch: epoch, Metrics: []string{"val_loss"}, Values: []float64{loss}}
}

// two is a report of val_loss and another metric.
func two(name string, epoch int, loss, value float64) runner.Report {
	r := runner.Report{Epoch: epoch, Metrics: []string{name, "val_loss"}, Values: []float64{value, loss}}
	if name > "val_loss" {
		panic("metrics of a report are sorted")
	}
	return r
}

// commandTrial is a trial of a program that reports val_loss.
func commandTrial(rule stop.Rule) runner.Trial {
	command := &runner.Command{Name: "train", Args: []string{"train", "{lr}"}, Grace: 10 * time.Millisecond}
	return runner.Trial{Task: runner.Task{Command: command, Metrics: []string{"val_loss"}}, Optimizer: runner.Choice{Label: "train"}, LR: 1e-5, Stop: rule,
		Keep: runner.Keep{Metric: "val_loss", Goal: stop.Min, At: runner.AtBest}}
}

func TestProgramsEnd(t *testing.T) {
	patience := stop.New(stop.Patience)
	patience.Monitor, patience.Patience = "val_loss", 2
	broken := runner.ProgramEnd{Err: errors.New("exited with status 3"), LastWords: "no such file", Output: []byte("no such file\n")}
	worse := []runner.Report{report(1, 3), report(2, 2), report(3, 2.5), report(4, 2.5)}
	for name, c := range map[string]struct {
		rule     stop.Rule
		programs *scripts
		status   runner.Status
		reason   string // a part of it
		epochs   int
		kept     int    // 0 is nothing
		done     string // to the program
		events   string
		untaken  int // reports
	}{
		"by itself":                {programs: &scripts{says: worse}, status: runner.StatusFinished, epochs: 4, kept: 2},
		"the best one is the last": {rule: patience, programs: &scripts{says: worse[:3]}, status: runner.StatusFinished, epochs: 3, kept: 2},
		"stopped":                  {rule: patience, programs: &scripts{says: worse, stays: true}, status: runner.StatusStopped, reason: "has not improved", epochs: 4, kept: 2, done: "asked", events: "early_stop"},
		"stopped, deaf": {rule: patience, programs: &scripts{says: worse, stays: true, deaf: true}, status: runner.StatusStopped, epochs: 4, kept: 2,
			done: "asked killed", events: "early_stop killed"},
		"stopped, chatting": {rule: patience, programs: &scripts{says: worse, stays: true, deaf: true, chats: true}, status: runner.StatusStopped, epochs: 4, kept: 2,
			done: "asked killed", events: "early_stop killed"},
		"stopped, with an error": {rule: patience, programs: &scripts{says: worse, end: broken}, status: runner.StatusStopped, epochs: 4, kept: 2, done: "asked", events: "early_stop"},
		"diverged": {programs: &scripts{says: []runner.Report{report(1, 3), report(2, math.NaN())}, stays: true}, status: runner.StatusDiverged,
			reason: "val_loss is NaN at epoch 2", epochs: 2, done: "asked", events: "diverged"},
		"plus infinity": {programs: &scripts{says: []runner.Report{report(1, 3), report(3, math.Inf(1))}, stays: true}, status: runner.StatusDiverged,
			reason: "val_loss is +Inf at epoch 3", epochs: 3, done: "asked", events: "diverged"},
		"minus infinity": {programs: &scripts{says: []runner.Report{report(1, math.Inf(-1))}, stays: true}, status: runner.StatusDiverged,
			reason: "val_loss is -Inf at epoch 1", epochs: 1, done: "asked", events: "diverged"},
		"nothing but that": {programs: &scripts{says: []runner.Report{report(0, math.Inf(-1))}}, status: runner.StatusDiverged,
			reason: "val_loss is -Inf at epoch 0", events: "diverged"},
		"another metric": {programs: &scripts{says: []runner.Report{two("other", 1, 3, math.NaN()), two("other", 2, 2, math.NaN())}}, status: runner.StatusFinished,
			epochs: 2, kept: 2, events: "warning"},
		"past the limit": {rule: stop.Rule{DivergenceFactor: 1000}, programs: &scripts{says: []runner.Report{report(1, 3), two("train_loss", 2, 3, 0.5), two("train_loss", 3, 2, 500), two("train_loss", 4, 1, 501)}, stays: true},
			status: runner.StatusDiverged, reason: "training loss 501 at epoch 4 is more than 1000 times its initial 0.5", epochs: 4, done: "asked", events: "diverged"},
		"past no limit":                     {programs: &scripts{says: []runner.Report{two("train_loss", 1, 3, 0.5), two("train_loss", 2, 3, 501)}}, status: runner.StatusFinished, epochs: 2, kept: 1},
		"before training nothing is judged": {programs: &scripts{says: []runner.Report{report(0, math.Inf(1)), report(1, 3)}}, status: runner.StatusFinished, epochs: 1, kept: 1},
		"broken":                            {programs: &scripts{says: worse[:1], end: broken}, status: runner.StatusFailed, reason: "train exited with status 3", epochs: 1, events: "fault"},
		"silent":                            {programs: &scripts{}, status: runner.StatusFailed, reason: "train ended without a report", events: "fault"},
		"unjudged": {programs: &scripts{says: []runner.Report{{Epoch: 1, Metrics: []string{"acc", "loss"}, Values: []float64{1, 2}}}}, status: runner.StatusFailed,
			reason: "train never reported val_loss, by which its trials are judged", epochs: 1, events: "warning fault"},
		"a doubt": {programs: &scripts{says: []runner.Report{{Doubt: &runner.Doubt{Line: "{", Why: "x"}}, report(1, 3), {Doubt: &runner.Doubt{Line: "}", Why: "y"}}}},
			status: runner.StatusFinished, epochs: 1, kept: 1, events: "warning", untaken: 2},
		"not there": {programs: &scripts{refuse: errors.New("no such program")}, status: runner.StatusFailed, reason: "cannot be started: no such program", events: "fault"},
		"an epoch twice": {programs: &scripts{says: []runner.Report{report(1, 3), report(1, 2)}, stays: true}, status: runner.StatusFailed,
			reason: "reported epoch 1 after epoch 1", epochs: 1, done: "asked", events: "fault", untaken: 1},
	} {
		t.Run(name, func(t *testing.T) {
			trial := commandTrial(c.rule)
			got := execute(t, runner.Options{Programs: c.programs}, []runner.Trial{trial})
			e := got.ends[trial.Key()]
			if e.Status != c.status || !strings.Contains(e.Reason, c.reason) || e.Epochs != c.epochs || keptEpoch(e) != c.kept {
				t.Errorf("it ended as %s after %d epochs (kept %d): %s", e.Status, e.Epochs, keptEpoch(e), e.Reason)
			}
			if e.Status == runner.StatusFailed && !strings.Contains(e.Error, c.programs.end.LastWords) {
				t.Errorf("the error does not have the last words: %s", e.Error)
			}
			if string(e.Output) != string(c.programs.end.Output) {
				t.Errorf("its output is %q", e.Output)
			}
			if done := strings.Join(c.programs.done, " "); done != c.done {
				t.Errorf("done to it: %q, want %q", done, c.done)
			}
			var events []string
			for _, event := range got.events[trial.Key()] {
				events = append(events, event.Kind)
			}
			if all := strings.Join(events, " "); all != c.events {
				t.Errorf("events: %q, want %q", all, c.events)
			}
			if points := got.points[trial.Key()]; strings.Count(points, "\n") != len(c.programs.says)-c.untaken {
				t.Errorf("of %d reports, %d were not to be taken; recorded is\n%s", len(c.programs.says), c.untaken, points)
			}
		})
	}
}

// keptEpoch is the epoch that a run keeps, 0 for none.
func keptEpoch(e runner.End) int {
	if e.Kept == nil {
		return 0
	}
	return e.Kept.Epoch
}

func TestADeclaredMetricThatIsMissingIsSaidOnce(t *testing.T) {
	patience := stop.New(stop.Patience)
	patience.Monitor, patience.Patience = "val_loss", 2
	trial := commandTrial(patience)
	other := runner.Report{Epoch: 2, Metrics: []string{"other"}, Values: []float64{7}}
	again := runner.Report{Epoch: 3, Metrics: []string{"other"}, Values: []float64{8}}
	got := execute(t, runner.Options{Programs: &scripts{says: []runner.Report{report(1, 3), other, again, report(4, 2)}}}, []runner.Trial{trial})
	if e := got.ends[trial.Key()]; e.Status != runner.StatusFinished || keptEpoch(e) != 4 {
		t.Errorf("it ended as %s, kept %d: %s", e.Status, keptEpoch(e), e.Reason)
	}
	if events := got.events[trial.Key()]; len(events) != 1 || events[0].Kind != "warning" || events[0].Epoch != 2 || !strings.Contains(events[0].Message, "val_loss") {
		t.Errorf("events: %+v", events)
	}
	want := fmt.Sprintf("epoch 2 val_loss=%x other=%x\n", math.Float64bits(math.NaN()), math.Float64bits(7))
	if !strings.Contains(got.points[trial.Key()], want) {
		t.Errorf("recorded is\n%swithout\n%s", got.points[trial.Key()], want)
	}
}

func TestADrainedProgramEndsAtItsNextReport(t *testing.T) {
	programs := &scripts{says: []runner.Report{report(1, 3), report(2, 3)}, stays: true}
	trials := []runner.Trial{commandTrial(stop.Rule{}), commandTrial(stop.Rule{})}
	trials[1].Seed = 1
	drain := make(chan struct{})
	got := execute(t, runner.Options{Programs: programs, Drain: drain, Observe: func(p runner.Progress) {
		if p.Epoch == 2 && p.End == nil {
			close(drain)
		}
	}}, trials)
	if e := got.ends[trials[0].Key()]; e.Status != runner.StatusInterrupted || e.Epochs != 2 {
		t.Errorf("it ended as %s after %d epochs: %s", e.Status, e.Epochs, e.Reason)
	}
	if len(programs.specs) != 1 || !slices.Equal(programs.done, []string{"asked"}) {
		t.Errorf("%d programs were started, done to them: %v", len(programs.specs), programs.done)
	}
}

func TestACancelledContextKillsPrograms(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	why := errors.New("enough")
	programs := &scripts{says: []runner.Report{report(1, 3)}, stays: true, deaf: true}
	l := newLog()
	trial := commandTrial(stop.Rule{})
	err := runner.Execute(ctx, runner.Options{Programs: programs, Recorder: l, Observe: func(p runner.Progress) {
		if p.Epoch == 1 && p.End == nil {
			cancel(why)
		}
	}}, []runner.Trial{trial})
	if !errors.Is(err, why) {
		t.Errorf("Execute reports %v, want %v", err, why)
	}
	if e := l.ends[trial.Key()]; e.Status != runner.StatusInterrupted || e.Epochs != 1 || !slices.Equal(programs.done, []string{"killed"}) {
		t.Errorf("it ended as %s after %d epochs, done to it: %v", e.Status, e.Epochs, programs.done)
	}
}

func TestCommandsExpand(t *testing.T) {
	command := &runner.Command{
		Name: "train", Dir: "there",
		Args: []string{"train", "--lr={lr}", "{lambda}", "{seed}", "{epochs}", "{optimizer}", "{optimizer.momentum}", "{regularizer}", "{width}", "{deep}", "{{x}}",
			"{flag}", "-{flag}", "", "{trial}", "--to={dir}"},
		Env: []runner.Variable{{Name: "WIDTH", Value: "w{width}"}},
	}
	trial := runner.Trial{
		Task: runner.Task{Command: command, Epochs: 7, Metrics: []string{"loss"}}, LR: 1e-5, Lambda: 0.1, Seed: -3,
		Optimizer:   runner.Choice{Label: "heavy", Component: "heavy", Settings: plugins.Settings{"momentum": plugins.Real(1e-20)}},
		Regularizer: &runner.Choice{Label: "l2", Component: "l2"},
		Axes:        []runner.Setting{{Path: "width", Value: plugins.Integer(1 << 40)}, {Path: "deep", Value: plugins.Flag(true)}, {Path: "flag", Value: plugins.Text("")}},
	}
	programs := &scripts{says: []runner.Report{report(1, 1)}}
	execute(t, runner.Options{Programs: programs, Folders: "/here"}, []runner.Trial{trial})
	got := programs.specs[0]
	want := []string{"train", "--lr=0.00001", "0.1", "-3", "7", "heavy", "1e-20", "l2", "1099511627776", "true", "{x}",
		"-", "", trial.Key().Short(), "--to=/here/" + string(trial.Key())} // an empty flag is left out
	if !slices.Equal(got.Args, want) {
		t.Errorf("the arguments are %q, want %q", got.Args, want)
	}
	env := []string{"XRUN_TRIAL=" + string(trial.Key()), "XRUN_TRIAL_DIR=/here/" + string(trial.Key()), "XRUN_SEED=-3", "XRUN_LR=0.00001", "XRUN_LAMBDA=0.1",
		`XRUN_CONFIG={"lr": 0.00001, "lambda": 0.1, "seed": -3, "epochs": 7, "optimizer": "heavy", "regularizer": "l2", "optimizer.momentum": 1e-20, "width": 1099511627776, "deep": true, "flag": ""}`,
		`XRUN_METRICS=["loss"]`, "WIDTH=w1099511627776"}
	if !slices.Equal(got.Env, env) || got.Dir != "there" {
		t.Errorf("it runs in %s with %q, want %q", got.Dir, got.Env, env)
	}
}

func TestKeysOfCommands(t *testing.T) {
	base := commandTrial(stop.Rule{})
	same := func(change func(*runner.Trial, *runner.Command)) bool {
		other, command := base, *base.Task.Command
		other.Task.Command = &command
		change(&other, &command)
		return other.Key() == base.Key()
	}
	for name, change := range map[string]func(*runner.Trial, *runner.Command){
		"argument": func(_ *runner.Trial, c *runner.Command) { c.Args = []string{"train", "{lr}", ""} },
		"variable": func(_ *runner.Trial, c *runner.Command) { c.Env = []runner.Variable{{Name: "A", Value: "{lr}"}} },
		"files":    func(_ *runner.Trial, c *runner.Command) { c.Digest = "x" },
		"lr":       func(t *runner.Trial, _ *runner.Command) { t.LR = 1 },
		"lambda":   func(t *runner.Trial, _ *runner.Command) { t.Lambda = 1 },
		"seed":     func(t *runner.Trial, _ *runner.Command) { t.Seed = 1 },
		"epochs":   func(t *runner.Trial, _ *runner.Command) { t.Task.Epochs = 1 },
		"axis": func(t *runner.Trial, _ *runner.Command) {
			t.Axes = []runner.Setting{{Path: "p", Value: plugins.Real(1)}}
		},
		"monitor": func(t *runner.Trial, _ *runner.Command) { t.Stop.Monitor = "val_loss" },
		"metric":  func(t *runner.Trial, _ *runner.Command) { t.Task.Metrics = []string{"other", "val_loss"} },
		"name":    func(t *runner.Trial, _ *runner.Command) { t.Optimizer.Component = "adam" },
	} {
		if same(change) {
			t.Errorf("another %s gives the same key", name)
		}
	}
	for name, change := range map[string]func(*runner.Trial, *runner.Command){
		"place":         func(_ *runner.Trial, c *runner.Command) { c.Dir = "elsewhere" },
		"grace":         func(_ *runner.Trial, c *runner.Command) { c.Grace = time.Hour },
		"name":          func(t *runner.Trial, c *runner.Command) { c.Name, t.Optimizer.Label = "x", "x" },
		"second metric": func(t *runner.Trial, _ *runner.Command) { t.Task.Metrics = []string{"val_loss", "other"} },
	} {
		if !same(change) {
			t.Errorf("another %s gives another key", name)
		}
	}
}

func TestValuesThatAreTheSameTextAreOneTrial(t *testing.T) {
	key := func(v plugins.Value, spelled bool) runner.Key {
		trial := commandTrial(stop.Rule{})
		trial.Axes, trial.Spelled = []runner.Setting{{Path: "w", Value: v}}, spelled
		trial.Optimizer = runner.Choice{Component: "o", Settings: plugins.Settings{"beta": v}}
		return trial.Key()
	}
	for _, same := range [][]plugins.Value{
		{plugins.Integer(1), plugins.Real(1), plugins.Text("1")}, {plugins.Real(0.5), plugins.Text("0.5")}, {plugins.Real(1e-10), plugins.Text("1e-10")},
		{plugins.Flag(true), plugins.Text("true")}, {plugins.Real(math.Copysign(0, -1)), plugins.Text("-0")}, {plugins.Text("1.0")}, {plugins.Text("01")},
		{plugins.Text("1e-3")}, {plugins.Real(0.001)}, {plugins.Real(0.3)}, {plugins.Real(0.30000000000000004)}, {plugins.Integer(0)}, {plugins.Text("")}, {plugins.Text("NaN")},
	} {
		for _, v := range same {
			if key(v, false) != key(same[0], false) {
				t.Errorf("%v and %v are two trials", v, same[0])
			}
			if (key(v, true) == key(same[0], true)) != (v == same[0]) {
				t.Errorf("as they are written %#v and %#v are not what they were", v, same[0])
			}
		}
		if other := plugins.Text("other"); key(same[0], false) == key(other, false) {
			t.Errorf("%v and %v are one trial", same[0], other)
		}
	}
	seen := map[runner.Key]plugins.Value{}
	for _, v := range []plugins.Value{plugins.Integer(1), plugins.Text("1.0"), plugins.Text("01"), plugins.Text("1e-3"), plugins.Real(0.001), plugins.Real(0.3),
		plugins.Real(0.30000000000000004), plugins.Integer(0), plugins.Text("-0"), plugins.Text("")} {
		if other, ok := seen[key(v, false)]; ok {
			t.Errorf("%v and %v are one trial", v, other)
		}
		seen[key(v, false)] = v
	}
}

// byRate are Programs that report what their learning rate and the epoch give, until they are told
// otherwise or have said enough.
type byRate struct {
	mu    sync.Mutex
	done  map[string][]string
	every int // epochs between reports
	last  int
}

type rated struct {
	*script
	all *byRate
	lr  string
}

func (b *byRate) Start(spec runner.ProgramSpec) (runner.Program, error) {
	lr, err := strconv.ParseFloat(spec.Args[1], 64)
	if err != nil {
		return nil, err
	}
	s := &scripts{}
	for epoch := b.every; epoch <= b.last; epoch += b.every {
		s.says = append(s.says, report(epoch, lr/float64(epoch)))
	}
	p, err := s.Start(spec)
	return &rated{p.(*script), b, spec.Args[1]}, err
}

func (p *rated) note(what string) {
	p.all.mu.Lock()
	defer p.all.mu.Unlock()
	p.all.done[p.lr] = append(p.all.done[p.lr], what)
}

func (p *rated) Pause() error { p.note("paused"); return p.script.Pause() }
func (p *rated) Resume()      { p.note("resumed"); p.script.Resume() }
func (p *rated) Ask()         { p.note("asked"); p.script.Ask() }

func TestProgramsArePrunedAtRungs(t *testing.T) {
	var trials []runner.Trial
	for _, lr := range []float64{4, 1, 3, 2} {
		trial := commandTrial(stop.Rule{})
		trial.LR, trial.Task.Epochs = lr, 8
		trials = append(trials, trial)
	}
	halving := &runner.Pruning{Rule: prune.Rule{Name: prune.Halving, Monitor: "val_loss", First: 2, Eta: 2}} // at 2 and 4
	for name, c := range map[string]struct {
		every, last int
		epochs      map[float64]int // recorded, by rate
		failed      bool
	}{
		"each epoch":           {1, 8, map[float64]int{1: 8, 2: 4, 3: 2, 4: 2}, false},
		"each second epoch":    {2, 8, map[float64]int{1: 8, 2: 4, 3: 2, 4: 2}, false},
		"more than it was to":  {1, 12, map[float64]int{1: 12, 2: 4, 3: 2, 4: 2}, false},
		"none before the rung": {3, 8, nil, true},
	} {
		for _, workers := range []int{1, 3} {
			b := &byRate{done: map[string][]string{}, every: c.every, last: c.last}
			got := execute(t, runner.Options{Programs: b, Prune: halving, Workers: workers}, trials)
			for _, trial := range trials {
				e, said := got.ends[trial.Key()], strings.Join(b.done[fmt.Sprint(trial.LR)], " ")
				want, done := runner.StatusPruned, map[float64]string{1: "paused resumed paused resumed", 2: "paused resumed paused asked resumed", 3: "paused asked resumed", 4: "paused asked resumed"}[trial.LR]
				if trial.LR == 1 {
					want = runner.StatusFinished
				}
				if c.failed {
					want, done = runner.StatusFailed, "asked"
					if !strings.Contains(e.Reason, "has not reported val_loss by epoch 2") {
						t.Errorf("%s: lr %v failed: %s", name, trial.LR, e.Reason)
					}
				}
				if e.Status != want || said != done {
					t.Errorf("%s, %d workers: lr %v is %s (%s), done to it: %s; want %s, %s", name, workers, trial.LR, e.Status, e.Reason, said, want, done)
				}
				if n := strings.Count(got.points[trial.Key()], "epoch"); n != c.epochs[trial.LR]/c.every {
					t.Errorf("%s: %d points of lr %v are recorded, want %d", name, n, trial.LR, c.epochs[trial.LR]/c.every)
				}
			}
		}
	}
}

func TestPausedProgramsEndWithTheSweep(t *testing.T) {
	drain := make(chan struct{})
	var once sync.Once
	var trials []runner.Trial
	for _, lr := range []float64{1, 2, 3} {
		trial := commandTrial(stop.Rule{})
		trial.LR, trial.Task.Epochs = lr, 8
		trials = append(trials, trial)
	}
	b := &byRate{done: map[string][]string{}, every: 1, last: 8}
	halving := &runner.Pruning{Rule: prune.Rule{Name: prune.Halving, Monitor: "val_loss", First: 2, Eta: 2}}
	got := execute(t, runner.Options{Programs: b, Prune: halving, Drain: drain, Observe: func(p runner.Progress) {
		if p.Trial.LR == 2 && p.Epoch == 1 {
			once.Do(func() { close(drain) })
		}
	}}, trials)
	if e := got.ends[trials[0].Key()]; e.Status != runner.StatusInterrupted || e.Epochs != 2 || strings.Join(b.done["1"], " ") != "paused asked resumed" {
		t.Errorf("the paused trial is %s after %d epochs, done to it: %v", e.Status, e.Epochs, b.done["1"])
	}
	if e := got.ends[trials[1].Key()]; e.Status != runner.StatusInterrupted || e.Epochs != 1 || strings.Join(b.done["2"], " ") != "asked" {
		t.Errorf("the running trial is %s after %d epochs, done to it: %v", e.Status, e.Epochs, b.done["2"])
	}
	if len(b.done["3"]) > 0 {
		t.Errorf("done to a trial that had not begun: %v", b.done["3"])
	}
}
