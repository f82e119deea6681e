package runner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner/stop"
)

// Programs runs the processes of trials whose task is a command. process.Programs is the usual one.
// Several workers use it at once.
type Programs interface {
	// Start begins a process, in a group of its own.
	Start(s ProgramSpec) (Program, error)
}

// A ProgramSpec describes a process.
type ProgramSpec struct {
	Name string // for messages
	Args []string
	Env  []string // NAME=value, beyond what xrun itself has
	Dir  string
	// Folder is for files of the trial; empty without one. It is made if it is not there, and removed at the end if
	// nothing is in it.
	Folder string
	// Metrics are those that its reports are expected to have, and Patterns find them if it prints no reports; for
	// [NewReader].
	Metrics  []string
	Patterns []Pattern
	// Tracking is what it logs its metrics with instead; see [Command].
	Tracking string
}

// A Program is one process at work, together with those that it starts. Ask and Kill may be called
// at any time, also when it has ended.
type Program interface {
	// Reports are the reports of the process. The channel is closed when the process has ended
	// and its output has been read; it has to be read until then.
	Reports() <-chan Report
	// Pause suspends the processes, and Resume lets them go on. Pause fails where the system
	// cannot suspend processes.
	Pause() error
	Resume()
	// Ask asks the processes to end, by SIGTERM where there are signals.
	Ask()
	Kill()
	// End describes how the process ended, once Reports is closed.
	End() ProgramEnd
}

// A ProgramEnd is how a program ended.
type ProgramEnd struct {
	// Err is nil for the exit status 0, else an error such as "exited with status 1".
	Err error
	// Killed is true if a signal ended it.
	Killed bool
	// Warned is true if it was told before that its time runs out.
	Warned bool
	// Output is what it printed, without the reports.
	Output []byte
	// LastWords are the last lines of it.
	LastWords string
	// Notes are what it said beside its reports, for people.
	Notes []Note
}

// A Note is an event of a program.
type Note struct{ Kind, Message, Detail string }

// runPrograms runs the trials of a group one after the other, each to its end or until it has
// reported the given epoch.
func (w *worker) runPrograms(ctx context.Context, group []*member, until int) error {
	for _, m := range group {
		if m.ended {
			continue
		}
		if err := m.attempt.run(ctx, until); err != nil {
			return err
		}
	}
	return nil
}

// attempt is one process of a trial, and its results so far.
type attempt struct {
	*execution
	member  *member
	name    string
	program Program // nil before it has been started
	pending *Report // the report at which it was paused, of an epoch after the rung
	rule    stop.Rule
	watch   *stop.Watch // nil before the first report
	losses  bool        // a report has had a training loss
	keeper  *Keeper
	epoch   int             // of the newest report, −1 before the first
	said    map[string]bool // the warnings that have been recorded: once for a trial
	names   []string        // of the metrics that have been reported
	paused  bool            // its processes wait
	best    float64         // the best value so far of the metric that pruning looks at; NaN before one
	untrue  string          // why the newest report is no result, though it did not end the trial: epoch 0 is before training
	ending  *End            // decided before the process has ended; nil to let it run
	update  Update
	began   time.Time // this time
}

// run starts the process, or lets it go on, and follows it to its end or to an epoch. Whatever the
// process does is a result or a failure of the trial; an error is one of the sweep.
func (a *attempt) run(ctx context.Context, until int) error {
	a.began = time.Now()
	if until >= a.member.trial.Task.Epochs {
		until = math.MaxInt // a program may report more epochs than the task has
	}
	command := a.member.trial.Task.Command
	if a.program == nil {
		a.observe(Progress{Trial: a.member.trial, Run: a.member.run, Begun: true})
		if err := a.start(); err != nil {
			e := a.failure(fmt.Sprintf("%s cannot be started: %v", a.name, err))
			var advice interface{ Hint() string }
			if errors.As(err, &advice) && advice.Hint() != "" {
				e.Error += "\n" + advice.Hint()
			}
			return a.end(ctx, e, ProgramEnd{})
		}
	} else if a.pending != nil && a.pending.Epoch > until {
		return nil // it waits at a later epoch
	}
	p := a.program
	defer func() {
		if !a.paused && !a.member.ended { // by an error
			p.Kill()
			for range p.Reports() {
			}
		}
	}()
	if a.paused {
		a.paused = false
		p.Resume()
	}
	var grace, late <-chan time.Time
	if limit := a.options.Timeout; limit > 0 {
		timer := time.NewTimer(max(limit-a.member.spent.Wall, 0))
		defer timer.Stop()
		late = timer.C
	}
	cut := ctx.Done()
	for {
		reports := p.Reports()
		if a.pending != nil {
			again := make(chan Report, 1)
			again <- *a.pending
			reports, a.pending = again, nil
		}
		select {
		case report, more := <-reports:
			if !more {
				return a.conclude(ctx, p.End())
			}
			if a.ending != nil {
				continue // reports after the decision to end
			}
			if d := report.Doubt; d != nil {
				a.warn("doubt", fmt.Sprintf("a line that looks like a report is none: %s", d.Why), d.Line)
				if err := a.flush(ctx); err != nil {
					return err
				}
				continue
			}
			if report.Epoch > until {
				a.pending = &report
			} else {
				a.take(report)
			}
			paused := a.ending == nil && (a.pending != nil || a.epoch >= until) && a.pause(until)
			if err := a.flush(ctx); err != nil || paused {
				return err
			}
			if a.ending != nil {
				p.Ask()
				grace = time.After(command.Grace)
			}
		case <-late:
			late = nil
			if a.ending != nil {
				break
			}
			message := timedOut(a.options.Timeout)
			a.event("timeout", message, "")
			a.ending = a.failure(message)
			a.ending.Lasting = true
			p.Ask()
			grace = time.After(command.Grace)
		case <-grace:
			a.event("killed", fmt.Sprintf("%s did not end within %v of being asked to, and was killed", a.name, command.Grace), "")
			p.Kill()
		case <-cut:
			cut = nil
			p.Kill()
		}
	}
}

// start begins the process.
func (a *attempt) start() error {
	spec, err := a.member.trial.program(a.options.Folders)
	if err == nil {
		spec.Env = slices.Concat(a.member.share.Env, spec.Env)
		a.program, err = a.options.Programs.Start(spec)
	}
	return err
}

// take records a report and decides whether the trial goes on.
func (a *attempt) take(r Report) {
	m := a.member
	if r.Epoch <= a.epoch {
		a.ending = a.failure(fmt.Sprintf("%s reported epoch %d after epoch %d: epochs have to increase, and all metrics of one belong into one report", a.name, r.Epoch, a.epoch))
		return
	}
	a.epoch = r.Epoch
	metrics, values := a.values(r)
	if len(metrics) > 0 {
		a.update.Points = append(a.update.Points, Points{Run: m.run, Epoch: r.Epoch, Metrics: metrics, Values: values})
	}
	m.recorded = r.Epoch
	a.observe(Progress{Trial: m.trial, Run: m.run, Epoch: r.Epoch, Metrics: metrics, Values: values})
	if a.watch == nil {
		a.watch, a.keeper = a.rule.Start(0), m.trial.Keep.Start()
	}
	loss, ok := r.value(plugins.MetricTrainLoss)
	switch {
	case !ok:
		loss = 0 // divergence cannot be seen
	case !a.losses:
		a.losses, a.watch.Initial = true, loss
	}
	if keep := m.trial.Keep.Metric; keep == "" || slices.Contains(metrics, keep) {
		v, _ := r.value(keep)
		a.keeper.Observe(r.Epoch, v)
	}
	if p := a.options.Prune; p != nil && r.Epoch > 0 {
		if v, ok := r.value(p.Rule.Monitor); ok {
			a.best = p.better(a.best, v)
		}
	}
	switch d := a.decide(r, loss); {
	case d.Diverged && r.Epoch == 0:
		a.untrue = d.Message
	case d.Diverged:
		a.event("diverged", d.Message, d.Facts.JSON())
		a.ending = a.result(StatusDiverged, d.Message)
	case d.Stop:
		a.event("early_stop", d.Message, d.Facts.JSON())
		a.ending = a.result(StatusStopped, d.Message)
	default:
		a.untrue = ""
		if message := notFinite(r.Epoch, r.Metrics, r.Values, ""); message != "" && !m.told {
			m.told = true
			a.event("warning", message, "")
		}
	}
	if a.ending == nil && a.draining() {
		a.ending = a.result(StatusInterrupted, fmt.Sprintf("stopped by the user after epoch %d", r.Epoch))
	}
}

// decide asks the stopping rule about a report, and looks at the metric that the trial is judged by. The rule watches
// trained epochs only.
func (a *attempt) decide(r Report, loss float64) (d stop.Decision) {
	if monitored, ok := r.value(a.rule.Monitor); r.Epoch > 0 && (ok || a.rule.Monitor == "") {
		d = a.watch.Observe(r.Epoch, loss, monitored)
	}
	if v, ok := r.value(a.judged()); ok && !d.Diverged {
		if judged := a.watch.Judge(r.Epoch, a.judged(), v); judged.Stop {
			return judged
		}
	}
	return d
}

// judged is the metric that the trial is judged by.
func (a *attempt) judged() string {
	t := a.member.trial
	if t.Keep.Metric == "" && len(t.Task.Metrics) > 0 {
		return t.Task.Metrics[0]
	}
	return t.Keep.Metric
}

// values are the declared metrics, NaN where the report has none, and then the others.
func (a *attempt) values(r Report) (metrics []string, values []float64) {
	declared := a.member.trial.Task.Metrics
	var lacking []string
	for _, name := range declared {
		v, ok := r.value(name)
		if !ok {
			lacking = append(lacking, name)
		}
		metrics, values = append(metrics, name), append(values, v)
	}
	if len(lacking) > 0 {
		has := cmp.Or(strings.Join(r.Metrics, ", "), "no number")
		if others := slices.DeleteFunc(slices.Clone(lacking), func(name string) bool { return !slices.Contains(r.NoNumbers, name) }); len(others) > 0 {
			has += "; what it has as " + strings.Join(others, ", ") + " is no number of JSON, as 0.5 is"
		}
		a.warn("lacking", fmt.Sprintf("the report of epoch %d lacks %s, which [task] metrics declares: NaN is recorded", r.Epoch, strings.Join(lacking, ", ")),
			"it has "+has)
	}
	leftOut := r.LeftOut
	for i, name := range r.Metrics {
		switch {
		case slices.Contains(declared, name):
		case len(metrics) == plugins.MaxMetrics:
			leftOut = append(leftOut, name)
		default:
			metrics, values = append(metrics, name), append(values, r.Values[i])
		}
	}
	if len(leftOut) > 0 {
		shown := make([]string, len(leftOut))
		for i, name := range leftOut {
			shown[i] = strconv.Quote(clipLine(name))
		}
		a.warn("left out", fmt.Sprintf("metrics of the report of epoch %d are left out: %d; a run has at most %d metrics, with names of at most %d bytes that can be shown",
			r.Epoch, len(leftOut), plugins.MaxMetrics, MaxMetricBytes), strings.Join(shown, ", "))
	}
	for _, name := range r.Metrics {
		if !slices.Contains(a.names, name) {
			a.names = append(a.names, name)
		}
	}
	return metrics, values
}

// warn records a warning and shows it, the first time that there is one of the kind.
func (a *attempt) warn(kind, message, detail string) {
	if a.said[kind] {
		return
	}
	if a.said == nil {
		a.said = map[string]bool{}
	}
	a.said[kind] = true
	a.event("warning", message, detail)
	a.observe(Progress{Trial: a.member.trial, Run: a.member.run, Epoch: max(a.epoch, 0), Warning: message + "\n" + detail})
}

// unjudged is the message about a program that has not reported the metric that it is judged by.
func (a *attempt) unjudged() string {
	judged := a.member.trial.Keep.Metric
	if judged == "" || slices.Contains(a.names, judged) {
		return ""
	}
	message := fmt.Sprintf("%s never reported %s, by which its trials are judged", a.name, judged)
	if len(a.names) == 0 {
		return message + "\nit reported epochs, but no metric"
	}
	return fmt.Sprintf("%s\nit reported %s: let it report %s, or name one of these in [task] metrics and [metric] name", message, strings.Join(a.names, ", "), judged)
}

// conclude records the end of a program that has ended by itself or was stopped.
func (a *attempt) conclude(ctx context.Context, end ProgramEnd) error {
	e := a.ending
	for _, n := range end.Notes {
		a.event(n.Kind, n.Message, n.Detail)
	}
	switch {
	case e != nil && (e.Status != StatusStopped || a.unjudged() == ""):
	case ctx.Err() != nil:
		e = a.result(StatusInterrupted, "the sweep was stopped")
	case e == nil && end.Warned && (end.Err != nil || a.epoch < a.member.trial.Task.Epochs || a.member.trial.Task.Epochs == 0):
		e = a.result(StatusInterrupted, a.name+" ended when it was told that its time runs out")
	case e == nil && end.Err != nil:
		e = a.failure(fmt.Sprintf("%s %v", a.name, end.Err))
	case a.epoch < 0:
		e = a.failure(a.name + " ended without a report")
		e.Error += "\nprint a line of JSON to standard output after each epoch: " + example(a.member.trial.Task.Metrics)
		if a.member.trial.Task.Command.Tracking != "" {
			e.Error = e.Reason + fmt.Sprintf("\nits first run of MLflow without a parent has to log %s, by the client of the tracking server in MLFLOW_TRACKING_URI", strings.Join(a.member.trial.Task.Metrics, ", "))
		}
		if len(a.member.trial.Task.Command.Patterns) > 0 {
			e.Error = e.Reason + "\nno line of its output has a number where the patterns of [task] metrics look for one"
		}
	case a.unjudged() != "":
		reason, advice, _ := strings.Cut(a.unjudged(), "\n")
		e = a.failure(reason)
		e.Error += "\n" + advice
	case a.untrue != "":
		a.event("diverged", a.untrue, "")
		e = a.result(StatusDiverged, a.untrue)
	default:
		e = a.result(StatusFinished, "")
	}
	if e.Status == StatusFailed && a.ending == nil && end.Killed && !a.draining() && a.member.tries < a.options.Retries {
		wait := a.postpone(job{fresh: cohort{a.member.trial}}, a.member.tries)
		e.Again = true
		a.event("retry", fmt.Sprintf("tried again in %v", wait), "")
	}
	err := a.end(ctx, e, end)
	if err == nil && e.Status == StatusInterrupted && ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return err
}

// example is a report with the given metrics.
func example(metrics []string) string {
	text := `{"epoch": 1`
	for _, name := range metrics {
		text += fmt.Sprintf(", %q: 0.5", name)
	}
	return text + "}"
}

// result is an end at the newest epoch.
func (a *attempt) result(status Status, reason string) *End {
	epoch := max(a.epoch, 0)
	e := &End{Status: status, Reason: reason, Epochs: epoch}
	if a.keeper == nil || !status.Keeps() {
		return e
	}
	if kept, ok := a.keeper.Kept(); ok {
		e.Kept = &kept
	}
	return e
}

func (a *attempt) failure(message string) *End {
	e := a.result(StatusFailed, message)
	e.Error = message
	return e
}

func (a *attempt) event(kind, message, detail string) {
	a.update.Events = append(a.update.Events, Event{Run: a.member.run, At: time.Now(), Kind: kind, Epoch: max(a.epoch, 0), Message: message, Detail: detail})
}

// end records how the run ended.
func (a *attempt) end(ctx context.Context, e *End, program ProgramEnd) error {
	m := a.member
	e.Run, e.At, e.Output = m.run, time.Now(), program.Output
	e.Cost = a.cost()
	if e.Status == StatusFailed {
		if program.LastWords != "" {
			e.Error += "\n" + program.LastWords
		}
		a.event("fault", e.Reason, strings.TrimPrefix(strings.TrimPrefix(e.Error, e.Reason), "\n"))
	}
	m.ended, m.end, a.paused = true, e.Status, false
	a.update.Ends = append(a.update.Ends, *e)
	a.observe(Progress{Trial: m.trial, Run: m.run, Epoch: e.Epochs, End: e})
	return a.flush(ctx)
}

// flush hands what has gathered to the recorder.
func (a *attempt) flush(ctx context.Context) error {
	u := a.update
	a.update = Update{}
	return a.record(ctx, u)
}
