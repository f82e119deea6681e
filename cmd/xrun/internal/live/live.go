// Package live shows a sweep while it runs: a few lines that redraw themselves on a terminal,
// single lines elsewhere.
package live

import (
	"context"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// Options of a View.
type Options struct {
	Out io.Writer
	// Terminal: Out is a terminal of Width columns, and the view redraws itself.
	Terminal bool
	Width    int
	// Silent shows failures only.
	Silent  bool
	Sweep   string
	Metric  string
	Goal    stop.Goal
	Trials  int // to run now
	Before  int // done before
	Workers int
	// Watching: another process trains the sweep, with an unknown number of workers.
	Watching bool
}

// A View follows a sweep. Start it, give it to the runner as its observer, and stop it.
type View struct {
	options Options
	began   time.Time
	cancel  context.CancelFunc
	stopped sync.WaitGroup

	mu       sync.Mutex
	trials   map[runner.RunID]*trial
	points   map[runner.Key]*point
	ends     map[runner.Status]int
	ended    int
	epochs   float64 // of the trials still running, as shares of a trial
	notice   string
	drawn    int // lines on the screen
	lastLine time.Time
	failures map[string]int
	untried  map[string]int // trials not tried, by the plugin that was set aside
}

type trial struct {
	point *point
	trial runner.Trial
	epoch int
	value float64 // the metric now
	curve []float64
}

type point struct {
	name      string
	optimizer string
	lr        float64
	lambda    float64
	noLambda  bool      // λ is no axis
	axes      string    // the further ones
	values    []float64 // of the seeds that have ended with a value
	diverged  bool
}

// New makes a View. It writes nothing before Start.
func New(o Options) *View {
	return &View{options: o, began: time.Now(), trials: map[runner.RunID]*trial{}, points: map[runner.Key]*point{},
		ends: map[runner.Status]int{}, failures: map[string]int{}, untried: map[string]int{}}
}

// Start begins to draw.
func (v *View) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	v.cancel = cancel
	if !v.options.Terminal {
		return
	}
	v.stopped.Go(func() {
		tick := time.NewTicker(100 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				v.mu.Lock()
				v.redraw()
				v.mu.Unlock()
			}
		}
	})
}

// Stop ends the drawing and writes one line that sums up.
func (v *View) Stop() {
	v.cancel()
	v.stopped.Wait()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.erase()
	for _, plugin := range slices.Sorted(maps.Keys(v.untried)) {
		what := "trials were"
		if v.untried[plugin] == 1 {
			what = "trial was"
		}
		fmt.Fprintf(v.options.Out, "%d %s not tried, as plugin %s was set aside\n", v.untried[plugin], what, plugin)
	}
	fmt.Fprintf(v.options.Out, "%s: %s\n", v.options.Sweep, v.summary())
}

// Notice shows a message below the view, such as that the sweep is being stopped.
func (v *View) Notice(text string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.notice = text
	if !v.options.Terminal {
		fmt.Fprintln(v.options.Out, text)
	}
}

// Observe takes the progress of a trial. It is the runner's observer.
func (v *View) Observe(p runner.Progress) {
	v.mu.Lock()
	defer v.mu.Unlock()
	t := v.trials[p.Run]
	if t == nil {
		t = &trial{trial: p.Trial, point: v.pointOf(p.Trial), value: math.NaN()}
		v.trials[p.Run] = t
	}
	if p.End != nil && p.End.Again {
		v.epochs -= shareOf(p.Trial, t.epoch)
		delete(v.trials, p.Run)
		return
	}
	if p.End != nil {
		v.end(p.Run, t, *p.End, p.Untried)
		return
	}
	v.epochs += shareOf(p.Trial, p.Epoch) - shareOf(p.Trial, t.epoch)
	t.epoch = p.Epoch
	for i, name := range p.Metrics {
		if name == v.options.Metric {
			t.value = p.Values[i]
			if p.Epoch > 0 { // the value before training would flatten the rest
				t.curve = append(t.curve, t.value)
			}
		}
	}
}

func (v *View) pointOf(t runner.Trial) *point {
	key := t.Point()
	s := v.points[key]
	if s == nil {
		label := compare.Label{Optimizer: t.Optimizer.Label, LR: t.LR, Lambda: t.Lambda, Axes: t.Axes}
		if t.Regularizer != nil {
			label.Regularizer = t.Regularizer.Label
		}
		if c := t.Task.Command; c != nil {
			label.NoLambda = t.Lambda == 0 && !c.Uses("lambda")
		}
		s = &point{name: label.String(), optimizer: t.Optimizer.Label, lr: t.LR, lambda: t.Lambda, noLambda: label.NoLambda, axes: compare.Label{NoLambda: true, Axes: t.Axes}.String()}
		v.points[key] = s
	}
	return s
}

// shareOf is the share of a trial that so many epochs are. It is 0 until the end of a program that does not tell its
// number of epochs.
func shareOf(t runner.Trial, epochs int) float64 {
	if t.Task.Epochs == 0 {
		return 0
	}
	return min(float64(epochs)/float64(t.Task.Epochs), 1)
}

func (v *View) end(run runner.RunID, t *trial, e runner.End, untried *runner.SetAsideError) {
	delete(v.trials, run)
	v.epochs -= shareOf(t.trial, t.epoch)
	v.ended++
	v.ends[e.Status]++
	if e.Kept != nil && !math.IsNaN(e.Kept.Value) {
		t.point.values = append(t.point.values, e.Kept.Value)
	}
	t.point.diverged = t.point.diverged || e.Status == runner.StatusDiverged
	if untried != nil {
		v.setAside(untried)
		return
	}
	if e.Status == runner.StatusFailed {
		v.failure(t, e)
	}
	if !v.options.Terminal && !v.options.Silent {
		v.line(t, e)
	}
}

// failure shows an error at once, the first time it occurs.
func (v *View) failure(t *trial, e runner.End) {
	v.failures[e.Reason]++
	if v.failures[e.Reason] > 1 {
		return
	}
	v.erase()
	fmt.Fprintf(v.options.Out, "failed: %s seed %d, epoch %d\n", t.point.name, t.trial.Seed, e.Epochs)
	lines := strings.Split(e.Error, "\n")
	if len(lines) > 13 {
		lines = append(append(lines[:5:5], "…"), lines[len(lines)-7:]...)
	}
	for _, line := range lines {
		fmt.Fprintln(v.options.Out, "   ", line)
	}
}

// setAside reports once that a plugin is not used any more. Stop counts the trials that this cost.
func (v *View) setAside(why *runner.SetAsideError) {
	if v.untried[why.Plugin]++; v.untried[why.Plugin] == 1 {
		v.erase()
		fmt.Fprintln(v.options.Out, why)
	}
}

// line reports without a terminal: every end of a small sweep, every twentieth part of a large one, and one end at
// least every ten seconds.
func (v *View) line(t *trial, e runner.End) {
	if v.options.Trials <= 50 {
		value := fmt.Sprintf("last %s %s", v.options.Metric, stats.Number(t.value)) // a run that keeps nothing has no value
		if e.Kept != nil {
			value = fmt.Sprintf("%s %s", v.options.Metric, stats.Number(e.Kept.Value))
		}
		fmt.Fprintf(v.options.Out, "%s %d/%d %s seed %d: %s after %d epochs, %s\n", time.Now().Format(time.TimeOnly),
			v.ended, v.options.Trials, t.point.name, t.trial.Seed, e.Status, e.Epochs, value)
		return
	}
	part := max(v.options.Trials/20, 1)
	if v.ended%part == 0 || time.Since(v.lastLine) > 10*time.Second {
		v.lastLine = time.Now()
		fmt.Fprintf(v.options.Out, "%s %d/%d %d%%%s%s\n", time.Now().Format(time.TimeOnly), v.ended, v.options.Trials, int(100*v.share()), v.left(), v.bestText(" · best "))
	}
}

func (v *View) better(a, b float64) bool {
	if v.options.Goal == stop.Max {
		return a > b
	}
	return a < b
}

// share is the share of the work that is done.
func (v *View) share() float64 {
	if v.options.Trials == 0 {
		return 1
	}
	return min((float64(v.ended)+v.epochs)/float64(v.options.Trials), 1)
}

// left estimates the remaining time.
func (v *View) left() string {
	share := v.share()
	elapsed := time.Since(v.began)
	if share < 0.02 || elapsed < time.Second || share == 1 {
		return ""
	}
	return fmt.Sprintf(", ~%s left", time.Duration(float64(elapsed)*(1-share)/share).Round(time.Second))
}

// best is the best point so far: among those with the most seeds, by its mean.
func (v *View) best() (*point, stats.Interval) {
	var best *point
	for _, s := range v.points {
		if len(s.values) == 0 || s.diverged {
			continue
		}
		if best == nil || len(s.values) > len(best.values) ||
			len(s.values) == len(best.values) && v.better(stats.MeanT(s.values, compare.Level).Value, stats.MeanT(best.values, compare.Level).Value) {
			best = s
		}
	}
	if best == nil {
		return nil, stats.Interval{}
	}
	return best, stats.MeanT(best.values, compare.Level)
}

func (v *View) bestText(prefix string) string {
	best, interval := v.best()
	if best == nil {
		return ""
	}
	seeds := fmt.Sprintf(" (%d seeds)", interval.N)
	if interval.N == 1 {
		seeds = " (1 seed)"
	}
	return fmt.Sprintf("%s%s %s%s  %s", prefix, v.options.Metric, stats.Uncertain(interval), seeds, best.name)
}

func (v *View) summary() string {
	var parts []string
	for _, status := range []runner.Status{runner.StatusFinished, runner.StatusStopped, runner.StatusPruned, runner.StatusDiverged, runner.StatusFailed, runner.StatusInterrupted} {
		if n := v.ends[status]; n > 0 {
			name := string(status)
			if status == runner.StatusStopped {
				name = "stopped early"
			}
			parts = append(parts, fmt.Sprintf("%d %s", n, name))
		}
	}
	if v.options.Before > 0 {
		parts = append(parts, fmt.Sprintf("%d done before", v.options.Before))
	}
	if len(parts) == 0 {
		parts = append(parts, "nothing has ended yet")
	}
	return fmt.Sprintf("%s · %s", strings.Join(parts, " · "), time.Since(v.began).Round(100*time.Millisecond))
}

// running lists the trials in training, the furthest first.
func (v *View) running() []*trial {
	var all []*trial
	for _, t := range v.trials {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b *trial) int {
		if a.epoch != b.epoch {
			return b.epoch - a.epoch
		}
		return strings.Compare(fmt.Sprint(a.point.name, a.trial.Seed), fmt.Sprint(b.point.name, b.trial.Seed))
	})
	return all
}
