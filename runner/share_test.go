//go:build unix

package runner_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/prune"
	"github.com/xrun-dev/xrun/runner/stop"
)

// crowd is Programs that count how many run at once on each device. A program that was asked to end and resumed only ends.
type crowd struct {
	*byRate
	mu      sync.Mutex
	running map[string]int
	most    map[string]int
	devices map[string][]string // by rate: the device at the start, and at each resumption
}

func (c *crowd) Start(s runner.ProgramSpec) (runner.Program, error) {
	p, err := c.byRate.Start(s)
	if err != nil {
		return nil, err
	}
	device := ""
	for _, v := range s.Env { // the last counts
		if value, ok := strings.CutPrefix(v, "DEVICE="); ok {
			device = value
		}
	}
	m := &counted{Program: p, crowd: c, device: device, reports: make(chan runner.Report)}
	m.count(1)
	c.mu.Lock()
	c.devices[s.Args[1]] = append(c.devices[s.Args[1]], device)
	c.mu.Unlock()
	go func() {
		for r := range p.Reports() {
			m.reports <- r
		}
		m.count(-1)
		close(m.reports)
	}()
	return m, nil
}

type counted struct {
	runner.Program
	crowd   *crowd
	device  string
	reports chan runner.Report
	runs    bool
	asked   bool
}

func (p *counted) count(by int) {
	c := p.crowd
	c.mu.Lock()
	defer c.mu.Unlock()
	if p.runs == (by > 0) || p.asked && by > 0 {
		return
	}
	p.runs = by > 0
	c.running[p.device] += by
	c.most[p.device] = max(c.most[p.device], c.running[p.device])
}

func (p *counted) Reports() <-chan runner.Report { return p.reports }
func (p *counted) Pause() error                  { p.count(-1); return p.Program.Pause() }
func (p *counted) Resume()                       { p.count(1); p.Program.Resume() }
func (p *counted) Ask() {
	p.crowd.mu.Lock()
	p.asked = true
	p.crowd.mu.Unlock()
	p.Program.Ask()
}

// shares are devices that so many share.
func shares(each int, devices ...string) (all []runner.Share) {
	for range each {
		for _, d := range devices {
			all = append(all, runner.Share{Device: d, Env: []string{"DEVICE=" + d, "THREADS=2"}, Message: "device " + d, Detail: "of " + strings.Join(devices, " ")})
		}
	}
	return all
}

// Programs that wait at a rung go on only when their device has room.
func TestProgramsShareDevices(t *testing.T) {
	var trials []runner.Trial
	for lr := range 12 {
		trial := commandTrial(stop.Rule{})
		trial.LR, trial.Task.Epochs = float64(lr+1), 8
		trials = append(trials, trial)
	}
	halving := &runner.Pruning{Rule: prune.Rule{Name: prune.Halving, Monitor: "val_loss", First: 2, Eta: 2}}
	alone := execute(t, runner.Options{Programs: &byRate{done: map[string][]string{}, every: 1, last: 8}, Prune: halving}, trials)
	for _, each := range []int{1, 2} {
		for _, pruning := range []*runner.Pruning{nil, halving} {
			for _, workers := range []int{2, 64} {
				what := fmt.Sprintf("%d a device, %d workers, pruning %v", each, workers, pruning != nil)
				c := &crowd{byRate: &byRate{done: map[string][]string{}, every: 1, last: 8}, running: map[string]int{}, most: map[string]int{}, devices: map[string][]string{}}
				got := execute(t, runner.Options{Programs: c, Prune: pruning, Workers: workers, Shares: shares(each, "a", "b")}, trials)
				for device, most := range c.most {
					if most > each {
						t.Errorf("%s: %d programs ran at once on %q", what, most, device)
					}
				}
				if _, others := c.most[""]; others || len(c.most) == 0 {
					t.Errorf("%s: programs ran on the devices %v", what, slices.Sorted(maps.Keys(c.most)))
				}
				for _, trial := range trials {
					key := trial.Key()
					if pruning != nil && got.points[key] != alone.points[key] {
						t.Errorf("%s: lr %v has other points than without shares", what, trial.LR)
					}
					var said []string
					for _, e := range got.events[key] {
						if e.Kind == runner.EventShare {
							said = append(said, e.Message+" "+e.Detail)
						}
					}
					if want := []string{"device " + c.devices[fmt.Sprint(trial.LR)][0] + " of a b"}; !slices.Equal(said, want) {
						t.Errorf("%s: recorded with lr %v is %q, want %q", what, trial.LR, said, want)
					}
				}
			}
		}
	}
}

// A task's own variable goes before that of the share: the last one counts.
func TestWhatATaskSaysGoesBeforeTheShare(t *testing.T) {
	trial := commandTrial(stop.Rule{})
	trial.Task.Command.Env = []runner.Variable{{Name: "THREADS", Value: "9"}}
	s := &scripts{says: []runner.Report{report(1, 1)}}
	execute(t, runner.Options{Programs: s, Shares: shares(1, "a")}, []runner.Trial{trial})
	env := s.specs[0].Env
	if own, theirs := slices.Index(env, "THREADS=2"), slices.Index(env, "THREADS=9"); own < 0 || theirs < own {
		t.Errorf("the environment is %q", env)
	}
	if !slices.Contains(env, "DEVICE=a") {
		t.Errorf("the environment is %q, without the device", env)
	}
}

// Each worker opens its plugins with a share of its own, for all its cohorts.
func TestWorkersOpenPluginsWithTheirShares(t *testing.T) {
	var mu sync.Mutex
	var opened []string
	var trials []runner.Trial
	for seed := range int64(6) {
		trials = append(trials, runner.Trial{Task: taskOf(t, "iris", "softmax"), LR: 0.1, Seed: seed, Optimizer: component(t, "optimizer", "sgd", nil)})
	}
	l := execute(t, runner.Options{Workers: 9, Shares: shares(1, "a", "b"), Plugins: func(s runner.Share) (runner.Plugins, error) {
		mu.Lock()
		defer mu.Unlock()
		opened = append(opened, s.Device)
		return options(t, runner.Options{}).Plugins(s)
	}}, trials)
	slices.Sort(opened)
	if want := []string{"a", "b"}; !slices.Equal(opened, want) {
		t.Errorf("plugins were opened on %q, want %q", opened, want)
	}
	for _, trial := range trials {
		if l.ends[trial.Key()].Status != runner.StatusFinished || len(l.events[trial.Key()]) != 1 {
			t.Errorf("seed %d is %s, with the events %v", trial.Seed, l.ends[trial.Key()].Status, l.events[trial.Key()])
		}
	}
}
