package ui

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/sheet"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/process"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
	"github.com/xrun-dev/xrun/sweeps/where"
)

// axisName writes the name of an axis as conditions do, and literal writes a value.
func axisName(name string) string { return where.Quote(name) }

func literal(v plugins.Value) string {
	if where.TypeOf(v) == where.Text {
		return quoted(v.Text)
	}
	return v.String()
}

// quoted is a text in a condition. Texts have no escapes, so one with both quotation marks cannot be written.
func quoted(text string) string {
	if !slices.Contains([]byte(text), '\'') {
		return "'" + text + "'"
	}
	return `"` + text + `"`
}

type settingRow struct {
	Path  string `json:"path"`
	Value string `json:"value"`
}

func settingRows(settings []runner.Setting, without ...string) []settingRow {
	rows := []settingRow{}
	for _, s := range settings {
		if !slices.Contains(without, s.Path) {
			rows = append(rows, settingRow{s.Path, s.Value.String()})
		}
	}
	return rows
}

// getPoint is everything about one point.
func (s *Server) getPoint(q *request) error {
	if q.text("point") == "" {
		return advice.Usage(errors.New("point is missing"), "it is the key of a point; /api/v1/points lists them")
	}
	a, exact, err := q.exactly()
	if err != nil {
		return err
	}
	at, ok := sheet.PlaceOf(a.report, runner.Key(q.text("point")))
	if !ok {
		return advice.Nothing(fmt.Errorf("%s has no point %q", a.report.Sweep, q.text("point")), "/api/v1/points lists their keys")
	}
	p := at.Point()
	out := map[string]any{"xrun_ui": format, "version": a.version.number(), "of": len(at.Report.Points), "metric": a.report.Metric, "goal": a.report.Goal, "problem": at.Report.Problem,
		"columns": sheet.ColumnsOf(a.report, []sheet.Place{at}, exact, false), "where": condition(at)}
	seeds := []map[string]any{}
	reasons, err := q.reasons([]sheet.Place{at})
	if err != nil {
		return err
	}
	for _, seed := range p.Seeds {
		row := map[string]any{"seed": seed.Seed, "run_id": seed.Run, "trial_key": seed.Trial, "status": seed.Status, "value": sheet.Shown(seed.Recorded, exact), "epoch": seed.Epoch, "epochs": seed.Epochs,
			"wall_seconds": seed.Wall.Seconds(), "reason": reasons[seed.Run]}
		if seed.Run != 0 {
			row["commands"] = q.runCommands(seed.Run)
		}
		seeds = append(seeds, row)
	}
	out["seeds"] = seeds
	if len(p.Seeds) > 0 {
		settings, err := q.db.TrialSettings(q.Context(), p.Seeds[0].Trial)
		if err != nil {
			return err
		}
		out["settings"] = settingRows(settings, runner.AxisSeed)
	}
	// Its neighbours: the points that differ from it on one axis of a map only.
	out["slices"] = slicesOf(at, exact)
	args := []string{"compare"}
	for _, sweep := range q.sweeps {
		args = append(args, sweep.Title)
	}
	out["command"] = advice.Command(append(append(args, "--where", condition(at)), s.o.Arguments...)...)
	return q.json(out)
}

// slicesOf are the points beside a point, along each axis.
func slicesOf(at sheet.Place, exact bool) []map[string]any {
	out := []map[string]any{}
	all := make([]int, len(at.Report.Points))
	for i := range all {
		all[i] = i
	}
	names := at.Report.AxisNames()
	axes, places := make([]compare.Axis, len(names)), make([][]int, len(names))
	for k, name := range names {
		axes[k], places[k] = at.Report.AxisOf(name, all)
	}
	for k, name := range names {
		if len(axes[k].Ticks) < 2 {
			continue
		}
		var line []sheet.Place
		for i := range all {
			beside := true
			for j := range names {
				beside = beside && (j == k || places[j][i] == places[j][at.Index] || names[j] == "regularizer" && name == "lambda")
			}
			if beside {
				line = append(line, sheet.Place{Report: at.Report, Index: i})
			}
		}
		if len(line) < 2 {
			continue
		}
		slices.SortStableFunc(line, func(a, b sheet.Place) int { return places[k][a.Index] - places[k][b.Index] })
		keys, ticks, means, lows, highs, texts := []runner.Key{}, []int{}, []number{}, []number{}, []number{}, []string{}
		for _, other := range line {
			v := other.Point().Interval
			keys, ticks, texts = append(keys, other.Point().Point), append(ticks, places[k][other.Index]), append(texts, stats.Uncertain(v))
			means, lows, highs = append(means, sheet.Shown(v.Value, exact)), append(lows, sheet.Shown(v.Low, exact)), append(highs, sheet.Shown(v.High, exact))
		}
		out = append(out, map[string]any{"axis": sheet.TickedOf(axes[k]), "key": keys, "place": ticks, "mean": means, "low": lows, "high": highs, "text": texts})
	}
	return out
}

// runCommands are the commands about a run.
func (q *request) runCommands(id int64) map[string]string {
	of := func(args ...string) string { return advice.Command(append(args, q.s.o.Arguments...)...) }
	return map[string]string{"show": of("show", itoa(id)), "repro": of("repro", itoa(id)), "best": of("best", "--run", itoa(id), "-o", fmt.Sprintf("run-%d.safetensors", id))}
}

type eventRow struct {
	At      time.Time `json:"at"`
	Kind    string    `json:"kind"`
	Epoch   int       `json:"epoch"`
	Message string    `json:"message"`
	Detail  string    `json:"detail"`
}

// mostOutput is how many bytes of the end of a program's output are shown.
const mostOutput = 64 << 10

// getRun is everything about one run.
func (s *Server) getRun(q *request) error {
	exact, err := q.flag("exact")
	if err != nil {
		return err
	}
	ctx := q.Context()
	r, err := q.db.FindRun(ctx, q.text("id"))
	if err != nil {
		return err
	}
	label, err := question.LabelOf(ctx, q.db.Store, r)
	if err != nil {
		return err
	}
	settings, err := q.db.TrialSettings(ctx, r.Trial)
	if err != nil {
		return err
	}
	events, err := q.db.Events(ctx, r.ID)
	if err != nil {
		return err
	}
	env, err := q.db.EnvironmentOf(ctx, r.ID)
	if err != nil && !errors.Is(err, store.ErrNotFound) { // imported runs have none
		return err
	}
	used, err := q.db.PluginsOf(ctx, r.ID)
	if err != nil {
		return err
	}
	metrics, err := q.db.Metrics(ctx, r.ID)
	if err != nil {
		return err
	}
	curves, err := q.metricCurves(r, exact)
	if err != nil {
		return err
	}
	coefficients, err := q.db.Coefficients(ctx, r.ID)
	if err != nil {
		return err
	}
	text, of, err := q.output(r.ID)
	if err != nil {
		return err
	}
	rows := []eventRow{}
	for _, e := range events {
		rows = append(rows, eventRow(e))
	}
	plugged := []map[string]any{}
	for _, use := range used {
		plugged = append(plugged, map[string]any{"role": use.Role, "name": use.Name, "version": use.Version, "protocol": use.Protocol, "identity": use.Digest})
	}
	measured := []map[string]any{}
	for _, m := range metrics {
		measured = append(measured, map[string]any{"metric": m.Metric, "first": sheet.Shown(m.First, exact), "last": sheet.Shown(m.Last, exact), "min": sheet.Shown(m.Min, exact), "min_epoch": m.MinStep,
			"max": sheet.Shown(m.Max, exact), "max_epoch": m.MaxStep, "mean": sheet.Shown(m.Mean, exact), "count": m.Count})
	}
	parts := map[string]number{}
	for name, v := range coefficients {
		parts[name] = sheet.Shown(v, exact)
	}
	value := number(math.NaN())
	var kept, ended any
	if r.Keeps {
		value, kept = sheet.Shown(r.Kept.Value, exact), r.Kept.Epoch
	}
	if !r.EndedAt.IsZero() {
		ended = r.EndedAt
	}
	wall, plugin, transport := r.Cost.Wall.Seconds(), r.Cost.Plugin.Seconds(), r.Cost.Transport.Seconds()
	return q.json(map[string]any{"xrun_ui": format, "run_id": r.ID, "trial_key": r.Trial, "point": r.Point, "name": label.String(), "sweep": r.SweepTitle, "seed": r.Seed, "attempt": r.Attempt,
		"status": r.Status, "reason": r.Reason, "error": r.Error, "epochs": r.Epochs, "metric": r.Metric, "value": value, "kept_epoch": kept, "started": r.StartedAt, "ended": ended,
		"steps": r.Cost.Steps, "gradient_evaluations": r.Cost.GradientEvals,
		// The plugin's time and that on the way to it are parts of the wall time; the rest is the task with its metrics.
		"seconds":  map[string]number{"wall": number(wall), "plugin": number(plugin), "transport": number(transport), "task": number(max(0, wall-plugin-transport))},
		"settings": settingRows(settings), "coefficients": parts, "events": rows, "environment": env, "plugins": plugged, "metrics": measured, "curves": curves,
		"output": text, "output_of": of, "commands": q.runCommands(r.ID), "command": q.runCommands(r.ID)["show"]})
}

// output is the end of what the program of a run printed, without characters that control a terminal. of is how many bytes it
// printed.
func (q *request) output(run int64) (text string, of int, err error) {
	output, err := q.db.OutputOf(q.Context(), run)
	if errors.Is(err, store.ErrNotFound) {
		return "", 0, nil
	}
	if err != nil {
		return "", 0, err
	}
	content := output.Content
	if len(content) > mostOutput {
		content = content[len(content)-mostOutput:]
	}
	return process.Plain(string(content)), len(output.Content), nil
}

// getDiff is what differs between two runs.
func (s *Server) getDiff(q *request) error {
	var runs [2]store.Run
	for i, name := range []string{"a", "b"} {
		if q.text(name) == "" {
			return advice.Usage(errors.New("a difference is between two runs, a and b"), "for instance a=3&b=17")
		}
		var err error
		if runs[i], err = q.db.FindRun(q.Context(), q.text(name)); err != nil {
			return err
		}
	}
	a, b := runs[0], runs[1]
	differences, err := question.Difference(q.Context(), q.db.Store, a, b)
	if err != nil {
		return err
	}
	bits, err := question.FirstDifference(q.Context(), q.db.Store, q.db.Store, a, b, [2]string{fmt.Sprintf("in run %d", a.ID), fmt.Sprintf("in run %d", b.ID)})
	if err != nil {
		return err
	}
	return q.json(map[string]any{"xrun_ui": format, "a": a.ID, "b": b.ID, "same_trial": a.Trial == b.Trial, "differences": differences, "first_difference": bits,
		"conclusion": question.Conclusion(a, b, differences, bits), "command": advice.Command(append([]string{"diff", itoa(a.ID), itoa(b.ID)}, s.o.Arguments...)...)})
}
