package store

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/tests"
	"github.com/xrun-dev/xrun/sweeps/where"
)

// motley fills a store with runs that differ in all that a condition can ask for, and says what
// each run has, by name.
func motley(t testing.TB) (s *Store, values map[int64]map[string]plugins.Value) {
	t.Helper()
	s = fresh(t)
	anything := []plugins.Value{plugins.Real(0.5), plugins.Integer(3), plugins.Text("3"), plugins.Flag(true), plugins.Flag(false), {},
		plugins.Real(3), plugins.Integer(1), plugins.Text("abc"), plugins.Real(1 << 53), plugins.Integer(1<<53 + 1), plugins.Text("")}
	seeds := []int64{0, 1, 3, 1<<53 + 1, math.MaxInt64, math.MinInt64, 1 << 53, -1}
	trials := grid(48)
	for i := range trials {
		trials[i].Seed, trials[i].LR = seeds[i%len(seeds)], []float64{1e-3, 0.1, 1, 3, 1e-300, 0.03162277660168379, 0.1 + 1e-12}[i%7]
		trials[i].Lambda = float64(i % 3)
		trials[i].Optimizer.Label = []string{"mine", "Mine", "sgd"}[i%3]
		trials[i].Optimizer.Settings = plugins.Settings{"beta1": plugins.Real(float64(i) / 48), "a-b": plugins.Real(float64(i%3) / 3)}
		if v := anything[i%len(anything)]; !v.IsZero() {
			trials[i].Optimizer.Settings["any"] = v
		}
		if v := anything[(i/4)%len(anything)]; !v.IsZero() {
			trials[i].Optimizer.Settings["other"] = v
		}
		if i%2 == 0 {
			trials[i].Optimizer.Settings["steps"] = plugins.Integer(seeds[(i/2)%len(seeds)])
			trials[i].Optimizer.Settings["nesterov"] = plugins.Flag(i%4 == 0)
			trials[i].Optimizer.Settings["mode"] = plugins.Choice([]string{"torch", "keras", "a(b"}[i%3])
		}
		if i%7 == 0 {
			trials[i].Regularizer, trials[i].Lambda = nil, 0
		}
	}
	id := put(t, s, trials)
	r := s.Recorder(id, Environment{}, nil)
	runs := begin(t, r, trials)
	odd := []float64{0.5, math.NaN(), math.Inf(1), 3, math.Copysign(0, -1), 0.25, math.Inf(-1), 0}
	statuses := []runner.Status{runner.StatusFinished, runner.StatusStopped, runner.StatusDiverged, runner.StatusFailed}
	for i, run := range runs {
		var u runner.Update
		for e := range i % 4 {
			u.Points = append(u.Points, runner.Points{Run: run, Epoch: e, Metrics: []string{"val_loss", "val_accuracy", "top-5 (%)"},
				Values: []float64{odd[(i+3*e)%len(odd)], odd[(i+e)%len(odd)], float64(e)}})
		}
		status := statuses[i%len(statuses)]
		end := runner.End{Run: run, Status: status, Epochs: i % 4}
		if i%2 == 1 && status != runner.StatusDiverged {
			end.Kept = &runner.Kept{Epoch: i % 3, Value: math.NaN()}
			if epoch := i % 3; epoch < i%4 {
				end.Kept.Value = odd[(i+3*epoch)%len(odd)]
			}
		}
		if status == runner.StatusFailed {
			end.Error = "out of memory"
		}
		u.Ends = append(u.Ends, end)
		record(t, r, u)
	}
	flush(t, r)
	return s, known(t, s, id)
}

// known reads what each run has with other methods than those that are tested.
func known(t testing.TB, s *Store, sweep int64) map[int64]map[string]plugins.Value {
	t.Helper()
	all, err := s.Runs(t.Context(), RunQuery{})
	if err != nil {
		t.Fatal(err)
	}
	summaries, err := s.Summaries(t.Context(), sweep, nil)
	if err != nil {
		t.Fatal(err)
	}
	values := map[int64]map[string]plugins.Value{}
	for _, r := range all {
		v := map[string]plugins.Value{
			"run": plugins.Integer(r.ID), "trial": plugins.Text(string(r.Trial)), "sweep": plugins.Text(r.Sweep), "optimizer": plugins.Text(r.Optimizer),
			"lr": plugins.Real(r.LR), "lambda": plugins.Real(r.Lambda), "seed": plugins.Integer(r.Seed), "attempt": plugins.Integer(int64(r.Attempt)),
			"status": plugins.Text(string(r.Status)), "epochs": plugins.Integer(int64(r.Epochs)),
			"steps": plugins.Integer(r.Cost.Steps), "wall_seconds": plugins.Real(r.Cost.Wall.Seconds()),
			"started_at": plugins.Text(r.StartedAt.Format("2006-01-02T15:04:05Z")), "ended_at": plugins.Text(r.EndedAt.Format("2006-01-02T15:04:05Z")),
		}
		if r.Keeps {
			v["kept_epoch"], v["best_epoch"] = plugins.Integer(int64(r.Kept.Epoch)), plugins.Integer(int64(r.Kept.Epoch))
		}
		for name, text := range map[string]string{"regularizer": r.Regularizer, "reason": r.Reason, "error": r.Error} {
			if text != "" {
				v[name] = plugins.Text(text)
			}
		}
		settings, err := s.TrialSettings(t.Context(), r.Trial)
		if err != nil {
			t.Fatal(err)
		}
		for _, setting := range settings {
			if _, column := v[setting.Path]; !column {
				v[setting.Path] = setting.Value
			}
		}
		for metric, u := range summaries[r.ID] {
			kept := math.NaN()
			if r.Keeps {
				curve, err := s.Curve(t.Context(), r.ID, metric)
				if err != nil {
					t.Fatal(err)
				}
				kept, _ = runner.ValueAt(curve, r.Kept.Epoch)
			}
			for name, x := range map[string]float64{"min": u.Min, "max": u.Max, "first": u.First, "last": u.Last, "mean": u.Mean, "": kept} {
				if name == "" {
					v[metric] = plugins.Real(x)
				} else {
					v[where.Call{Func: name, Metric: metric}.String()] = plugins.Real(x)
				}
			}
			v[where.Call{Func: "count", Metric: metric}.String()] = plugins.Integer(int64(u.Count))
			if !math.IsNaN(u.Min) {
				v[where.Call{Func: "min", Step: true, Metric: metric}.String()] = plugins.Integer(int64(u.MinStep))
				v[where.Call{Func: "max", Step: true, Metric: metric}.String()] = plugins.Integer(int64(u.MaxStep))
			}
		}
		values[r.ID] = v
	}
	return values
}

// schemaOf has the names of all runs, with the types that they have.
func schemaOf(values map[int64]map[string]plugins.Value) where.Schema {
	names := map[string]where.Type{}
	for _, of := range values {
		for name, v := range of {
			is := where.TypeOf(v)
			if before, ok := names[name]; ok && before != is {
				is = where.Varied
			}
			names[name] = is
		}
	}
	for _, name := range Times {
		names[name] = where.Time
	}
	return where.Schema{Names: names}
}

// spelled is a name as an expression has it.
func spelled(name string) string {
	if c, ok := where.CallOf(name); ok && c.String() == name {
		return name
	}
	return where.Quote(name)
}

// A writer of expressions: any that compile.
type author struct {
	*rand.Rand
	names map[where.Type][]string
}

func (a author) pick(of ...string) string { return of[a.IntN(len(of))] }

func (a author) number(depth int) string {
	if depth > 0 && a.IntN(3) == 0 {
		return a.pick("(%s + %s)", "%s * %s", "(%s - %s)", "%s / (%s)", "-%s + %s")
	}
	switch a.IntN(6) {
	case 0, 1:
		return a.pick("0", "1", "3", "0.5", "-1", "1e-3", "9007199254740993", "9007199254740992", "9223372036854775807", "9.3e18", "1e308", "2.5", "3.162e-2", "0.1", "0.3333", "-1e-300", "1e-300")
	case 2:
		return a.pick(a.names[where.Varied]...)
	}
	return a.pick(a.names[where.Number]...)
}

func (a author) text() string {
	if a.IntN(4) == 0 {
		return a.pick(a.names[where.Varied]...)
	}
	if a.IntN(3) == 0 {
		return a.pick("'mine'", "'3'", "'abc'", "''", "'finished'", "'torch'")
	}
	return a.pick(a.names[where.Text]...)
}

func (a author) time() string {
	return a.pick(a.pick(a.names[where.Time]...), "'2001'", "'2100-01-01'", "'2026-11-28 15:00'")
}

func (a author) arithmetic(depth int) string {
	form := a.number(depth)
	for strings.Contains(form, "%s") {
		form = strings.Replace(form, "%s", a.arithmetic(depth-1), 1)
	}
	return form
}

func (a author) flag(depth int) string {
	switch a.IntN(6) {
	case 0:
		return a.pick("true", "false")
	case 1:
		return a.pick(a.names[where.Varied]...)
	case 2:
		if depth > 0 {
			return "(" + a.condition(depth-1) + ")"
		}
	}
	return a.pick(a.names[where.Flag]...)
}

func (a author) condition(depth int) string {
	if depth > 0 && a.IntN(2) == 0 {
		return a.pick("not (", "(") + a.condition(depth-1) + a.pick(") and ", ") or ") + a.condition(depth-1)
	}
	not := a.pick("", "not ")
	switch a.IntN(11) {
	case 10:
		return a.pick(a.names[where.Time]...) + a.pick(" < ", " <= ", " > ", " >= ", " == ", " != ") + a.time()
	case 0, 1, 2:
		return a.arithmetic(depth) + a.pick(" < ", " <= ", " > ", " >= ", " == ", " != ") + a.arithmetic(depth)
	case 3:
		return a.text() + a.pick(" == ", " != ") + a.text()
	case 4:
		return a.flag(depth) + a.pick(" == ", " != ") + a.flag(depth)
	case 5:
		return not + a.flag(depth)
	case 6:
		return a.text() + " " + not + "~ " + a.pick("'n'", "'^m'", "'(?i)MINE'", "'[0-9]'", "''", `'a\(b'`)
	case 7:
		return a.pick(a.arithmetic(depth), a.text(), a.flag(depth)) + " is " + not + "null"
	case 8:
		return a.arithmetic(depth) + " " + not + "in [" + a.pick("1, 0.5, 3", "9007199254740993", "3.162e-2, 0.6667", "0.1, 7", "3.5, 9007199254740993, 9.3e18", "0") + "]"
	}
	return a.pick(a.names[where.Varied]...) + " " + not + "in [" + a.pick("3, '3', true", "'abc', 0.5", "true, false", "1, 9007199254740993") + "]"
}

// matching are the runs for which a condition holds, by the database.
func matching(t testing.TB, s *Store, f *finder, x *where.Expression) []int64 {
	t.Helper()
	f.joins, f.joined = nil, map[string]bool{}
	text, args, err := x.SQL(f.column)
	if err != nil {
		t.Fatalf("%s: %v", x, err)
	}
	var ids []int64
	const from = `SELECT r.id FROM present_run r JOIN trial t ON t.id = r.trial_id LEFT JOIN member m ON m.sweep_id = r.sweep_id AND m.trial_id = r.trial_id`
	err = s.each(t.Context(), "test", from+strings.Join(f.joins, "")+" WHERE "+text+" ORDER BY r.id", args, func(scan scanner) error {
		var id int64
		err := scan(&id)
		ids = append(ids, id)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v\n%s", x, err, text)
	}
	return ids
}

func TestConditionsHoldInTheDatabaseForWhatTheyHoldForInGo(t *testing.T) {
	s, values := motley(t)
	schema := schemaOf(values)
	a := author{rand.New(rand.NewPCG(1, 2)), map[where.Type][]string{}}
	for _, name := range slices.Sorted(maps.Keys(schema.Names)) {
		a.names[schema.Names[name]] = append(a.names[schema.Names[name]], spelled(name))
	}
	for _, is := range []where.Type{where.Number, where.Text, where.Flag, where.Varied, where.Time} {
		if len(a.names[is]) < 2 {
			t.Fatalf("names of type %s: %q", is, a.names[is])
		}
	}
	f, err := s.finder(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	n, some := tests.Either(500, 4000), 0
	ids := slices.Sorted(maps.Keys(values))
	for range n {
		text := a.condition(3)
		x, err := where.Compile(text, schema)
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		got := matching(t, s, f, x)
		var want []int64
		for _, id := range ids {
			if x.Evaluate(func(name string) (plugins.Value, bool) { v, ok := values[id][name]; return v, ok }) {
				want = append(want, id)
			}
		}
		if len(want) > 0 && len(want) < len(ids) {
			some++
		}
		if !slices.Equal(got, want) {
			sql, args, _ := x.SQL(f.column)
			t.Fatalf("%s\nholds for %v, want %v\n%s\n%v", x, got, want, sql, args)
		}
	}
	if some < n/4 {
		t.Errorf("of %d expressions only %d tell runs apart", n, some)
	}
}

func TestTheLargestExpressionsCanBeLookedUp(t *testing.T) {
	s, values := motley(t)
	schema := schemaOf(values)
	f, err := s.finder(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(schema.Names))
	for i, name := range names {
		names[i] = spelled(name)
	}
	for _, text := range []string{
		strings.Repeat("true or ", 500) + "false",
		strings.Repeat("not (true and ", 31) + "true" + strings.Repeat(")", 31),
		strings.Repeat("(lr<1 and ", 60) + "lr<2" + strings.Repeat(")", 60),
		strings.Repeat("(lr==1)==(", 60) + "true" + strings.Repeat(")", 60),
		strings.Repeat("-", 60) + "lr" + strings.Repeat("+lr", 190) + " < 1",
		"lr in [" + strings.Repeat("1,", 2000) + "]",
		"optimizer.any not in [" + strings.Repeat("1.5,", 900) + "]",
		strings.Join(names, " is null or ") + " is null",
	} {
		x, err := where.Compile(text, schema)
		if err != nil {
			t.Fatalf("%.40s…: %v", text, err)
		}
		matching(t, s, f, x)
	}
}

func TestRunsAreChosenByAConditionWithAllElse(t *testing.T) {
	s, values := motley(t)
	schema := schemaOf(values)
	ids := func(text string, q RunQuery) (ids []int64) {
		t.Helper()
		x, err := where.Compile(text, schema)
		if err != nil {
			t.Fatal(err)
		}
		q.Where = x
		runs, err := s.Runs(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range runs {
			ids = append(ids, r.ID)
		}
		return ids
	}
	for _, c := range []struct {
		where string
		query RunQuery
		want  []int64
	}{
		{"run < 4", RunQuery{}, []int64{1, 2, 3}},
		{"run < 4 or run == 40", RunQuery{Newest: true, Limit: 2}, []int64{40, 3}},
		{"run < 9", RunQuery{Status: []runner.Status{runner.StatusDiverged}}, []int64{3, 7}},
		{"status == 'failed' and error ~ 'memory' and run < 9", RunQuery{Sweep: 1}, []int64{4, 8}},
		{"run < 9", RunQuery{Sweep: 2}, nil},
		{"max('top-5 (%)') == 2 and run < 9", RunQuery{}, []int64{4, 8}},
		{"val_loss is null and run <= 5", RunQuery{}, []int64{1, 2, 3, 5}},
		{"min(val_loss) is null and run <= 5", RunQuery{}, []int64{1, 2, 5}},
	} {
		if got := ids(c.where, c.query); !slices.Equal(got, c.want) {
			t.Errorf("%s %+v: %v, want %v", c.where, c.query, got, c.want)
		}
	}
	x, err := where.Compile("lr < 1 and nothing > 2", where.Schema{Names: map[string]where.Type{"lr": where.Number, "nothing": where.Number}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Runs(t.Context(), RunQuery{Where: x}); err == nil || err.Error() != "`nothing` cannot be looked up here" {
		t.Errorf("a name that is not there: %v", err)
	}
}

// A metric alone is its value after the epoch that counts: of the sweep's metric, and of others at the same epoch.
func TestAMetricAloneIsThatOfTheEpochThatCounts(t *testing.T) {
	s := fresh(t)
	trials := grid(2)
	var runs []runner.RunID
	for i, goal := range []string{"max", "min"} {
		id, err := s.PutSweep(t.Context(), Sweep{Name: goal, Digest: goal, Metric: "reward", Goal: goal, At: "best"}, trials[i:i+1])
		if err != nil {
			t.Fatal(err)
		}
		r := s.Recorder(id, Environment{}, nil)
		runs = append(runs, begin(t, r, trials[i:i+1])...)
		for e, v := range []float64{1, 2, 3} {
			record(t, r, runner.Update{Points: []runner.Points{{Run: runs[i], Epoch: e + 1, Metrics: []string{"reward", "acc_r2"}, Values: []float64{v, -v}}}})
		}
		kept := []runner.Kept{{Epoch: 3, Value: 3}, {Epoch: 1, Value: 1}}[i]
		record(t, r, runner.Update{Ends: []runner.End{{Run: runs[i], Status: runner.StatusFinished, Epochs: 3, Kept: &kept}}})
		flush(t, r)
	}
	f, err := s.finder(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	names := where.Schema{Names: map[string]where.Type{"reward": where.Number, "acc_r2": where.Number}}
	for text, want := range map[string][]int64{"reward == 3": {1}, "reward == 1": {2}, "acc_r2 == -3": {1}, "acc_r2 == -1": {2}} {
		x, err := where.Compile(text, names)
		if err != nil {
			t.Fatal(err)
		}
		if got := matching(t, s, f, x); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

func TestNames(t *testing.T) {
	s, values := motley(t)
	for _, sweep := range []int64{0, 1} {
		n, err := s.Names(t.Context(), sweep)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for name, is := range n.Run {
			got[name] = true
			for _, of := range values {
				if v, ok := of[name]; ok && v.Type != is {
					t.Errorf("%s is a %s, want %s", name, v.Type, is)
				}
			}
		}
		for path, types := range n.Settings {
			got[path] = true
			for _, of := range values {
				if v, ok := of[path]; ok && n.Run[path] == "" && !slices.Contains(types, v.Type) {
					t.Errorf("%s has types %v, and a run has a %s", path, types, v.Type)
				}
			}
		}
		for _, of := range values {
			for name := range of {
				if _, isCall := where.CallOf(name); !isCall && !got[name] && !slices.Contains(n.Metrics, name) {
					t.Errorf("%s is not among the names", name)
				}
			}
		}
		if want := []string{"top-5 (%)", "val_accuracy", "val_loss"}; !slices.Equal(n.Metrics, want) {
			t.Errorf("metrics %q", n.Metrics)
		}
		if got := fmt.Sprint(n.Settings["optimizer.any"]); got != "[real integer flag text]" {
			t.Errorf("optimizer.any has types %s", got)
		}
	}
	if n, err := s.Names(t.Context(), 7); err != nil || len(n.Settings)+len(n.Metrics) > 0 {
		t.Errorf("a sweep that is not there has %v, %v", n, err)
	}
}

func TestSomeSettingsAndSummaries(t *testing.T) {
	s, values := motley(t)
	settings, err := s.Settings(t.Context(), 1, []string{"optimizer.any", "task.batch", "nothing"})
	if err != nil {
		t.Fatal(err)
	}
	for id, of := range values {
		var want []runner.Setting
		for _, path := range []string{"optimizer.any", "task.batch"} {
			if v, ok := of[path]; ok {
				want = append(want, runner.Setting{Path: path, Value: v})
			}
		}
		if got := settings[runner.Key(of["trial"].Text)]; !slices.Equal(got, want) {
			t.Errorf("run %d: settings %v, want %v", id, got, want)
		}
	}
	some, err := s.Summaries(t.Context(), 1, []string{"val_loss", "nothing"})
	if err != nil {
		t.Fatal(err)
	}
	for id, of := range values {
		_, has := of["count(val_loss)"]
		if len(some[id]) != map[bool]int{true: 1}[has] || has && some[id]["val_loss"].Count != int(of["count(val_loss)"].Integer) {
			t.Errorf("run %d: summaries %v", id, some[id])
		}
	}
}

func BenchmarkConditions(b *testing.B) {
	s := open(b, filepath.Join(b.TempDir(), "xrun.db"))
	trials := grid(10000)
	id := put(b, s, trials)
	fill(b, s.Recorder(id, Environment{}, nil), trials, 10, fourMetrics)
	names := where.Schema{Names: map[string]where.Type{"lr": where.Number, "val_loss": where.Number, "optimizer": where.Text,
		"optimizer.mode": where.Text, "optimizer.beta1": where.Number}}
	for _, text := range []string{"lr < 1e-3 and val_loss < 0.001", "val_loss < 0.1 and lr < 1", "optimizer ~ '^m' and optimizer.mode ~ 'torch' and optimizer.beta1 > 1"} {
		x, err := where.Compile(text, names)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(text, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Runs(b.Context(), RunQuery{Where: x}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("names", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Names(b.Context(), id); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("all names", func(b *testing.B) {
		for b.Loop() {
			if _, err := s.Names(b.Context(), 0); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("settings", func(b *testing.B) {
		for b.Loop() {
			if all, err := s.Settings(b.Context(), id, []string{"optimizer.beta1", "task.batch"}); err != nil || len(all) != 10000 {
				b.Fatal(len(all), err)
			}
		}
	})
	b.Run("summaries", func(b *testing.B) {
		for b.Loop() {
			if all, err := s.Summaries(b.Context(), id, fourMetrics); err != nil || len(all) != 10000 {
				b.Fatal(len(all), err)
			}
		}
	})
}
