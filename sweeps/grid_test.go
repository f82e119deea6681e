package sweeps

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/runner"
)

func TestGeneratedAxes(t *testing.T) {
	for _, c := range []struct {
		axis string
		want []float64
	}{
		{"0.1", []float64{0.1}},
		{"[1, 0.5]", []float64{1, 0.5}},
		{"{ log = [1e-3, 1.0], n = 7 }", []float64{1e-3, 3.16227766017e-3, 1e-2, 3.16227766017e-2, 1e-1, 0.316227766017, 1}},
		{"{ log = [1e-6, 1], n = 7 }", []float64{1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1}},
		{"{ log = [1e-4, 1e-1], n = 4 }", []float64{1e-4, 1e-3, 1e-2, 1e-1}},
		{"{ linear = [0.1, 0.5], n = 5 }", []float64{0.1, 0.2, 0.3, 0.4, 0.5}},
		{"{ linear = [1, 2], n = 2 }", []float64{1, 2}},
		{"{ range = [0.1, 0.7], step = 0.2 }", []float64{0.1, 0.3, 0.5, 0.7}},
		{"{ range = [1, 2], step = 0.3 }", []float64{1, 1.3, 1.6, 1.9}},
		{"{ range = [1, 2], step = 5 }", []float64{1}},
		{"{ pow2 = [0.25, 4] }", []float64{0.25, 0.5, 1, 2, 4}},
		{"{ log = [0.12345678901234567, 1], n = 2 }", []float64{0.12345678901234567, 1}},
	} {
		s := load(t, "[task]\nmodel = 'quadratic'\n[grid]\nlr = "+c.axis)
		if !slices.Equal(s.LR, c.want) {
			t.Errorf("%s gives %v, want %v", c.axis, s.LR, c.want)
		}
	}
}

const twoPenalties = `
seeds = [7, 3]
[task]
dataset = "digits"
model = "softmax"
[grid]
lr = [0.1, 0.2]
lambda = [0.0, 1.0]
optimizer = ["b", "a"]
[optimizers.a]
plugin = "sgd"
[optimizers.b]
plugin = "adam"
[regularizers.l1]
[regularizers.l2]
`

func TestAFinePresetHasWhatTheCoarseOneHas(t *testing.T) {
	const task = "[task]\ndataset = 'digits'\nmodel = 'softmax'\n[grid]\n"
	coarse, fine := load(t, task+"lr = 'coarse'\nlambda = 'coarse'"), load(t, task+"lr = 'fine'\nlambda = 'fine'")
	if want := []float64{1e-4, 1e-3, 1e-2, 1e-1, 1}; !slices.Equal(coarse.LR, want) {
		t.Errorf("coarse is %v, want %v", coarse.LR, want)
	}
	keys := map[runner.Key]bool{}
	for _, trial := range fine.Trials() {
		keys[trial.Key()] = true
	}
	shared := 0
	for _, trial := range coarse.Trials() {
		if keys[trial.Key()] {
			shared++
		}
	}
	if len(keys) != 13*14 || shared != 5*6 {
		t.Errorf("%d fine trials have %d of the %d coarse ones", len(keys), shared, 5*6)
	}
	_, err := Load(t.Context(), "f.toml", []byte(task+"lr = 'corse'"), shelf{})
	if err == nil || !strings.Contains(err.Error(), "did you mean `coarse`?") {
		t.Errorf("got %v", err)
	}
}

func describe(t runner.Trial) string {
	penalty := "none"
	if t.Regularizer != nil {
		penalty = t.Regularizer.Label
	}
	return fmt.Sprintf("%d %s %s %g %g", t.Seed, t.Optimizer.Label, penalty, t.LR, t.Lambda)
}

func TestTrialsAreOrderedAndFolded(t *testing.T) {
	s := load(t, twoPenalties)
	var want []string
	for _, seed := range []int{7, 3} {
		for _, o := range []string{"b", "a"} {
			for _, point := range []string{"none 0.1 0", "l1 0.1 1", "none 0.2 0", "l1 0.2 1", "l2 0.1 1", "l2 0.2 1"} {
				want = append(want, fmt.Sprintf("%d %s %s", seed, o, point))
			}
		}
	}
	var got []string
	keys := map[runner.Key]bool{}
	for _, trial := range s.Trials() {
		got = append(got, describe(trial))
		keys[trial.Key()] = true
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if len(keys) != len(got) {
		t.Errorf("%d trials have %d keys", len(got), len(keys))
	}
	g := s.Grid()
	if g.Trials != 24 || g.Points != 12 || g.Folded != 8 {
		t.Errorf("got %+v", g)
	}
	if want := "2 lr × 2 lambda × 2 optimizers × 2 regularizers × 2 seeds = 32 trials, 8 of them equal to others: 24 trials"; g.String() != want {
		t.Errorf("got %q", g)
	}
}

func TestTheWholeGridLanguageIsCounted(t *testing.T) {
	s, err := Load(t.Context(), "testdata/valid/grid_language.toml", read(t, "testdata/valid/grid_language.toml"), shelf{})
	if err != nil {
		t.Fatal(err)
	}
	trials := s.Trials()
	keys, points := map[runner.Key]bool{}, map[runner.Key]bool{}
	for _, trial := range trials {
		keys[trial.Key()], points[trial.Point()] = true, true
		if (trial.LR == 0.1) != (trial.Task.Batch == 32) && trial.LR < 0.15 {
			t.Errorf("lr %g and batch %d do not move together", trial.LR, trial.Task.Batch)
		}
	}
	g := s.Grid()
	if g.Trials != len(trials) || len(keys) != len(trials) || len(points) != g.Points || g.Skipped == 0 || g.Folded == 0 {
		t.Errorf("%d trials with %d keys and %d points, counted as %+v", len(trials), len(keys), len(points), g)
	}
	if want := []string{"batch", "hidden", "epochs", "momentum", "nesterov", "beta1", "mode"}; !slices.Equal(s.AxisNames(), want) {
		t.Errorf("the axes are %q", s.AxisNames())
	}
	last := trials[len(trials)-1]
	if describe(last) != "1 sgd l2 0.3 0.001" || last.Task.Batch != 0 || last.Optimizer.Settings["momentum"].Real != 0.9 {
		t.Errorf("the last extra point is %s, batch %d", describe(last), last.Task.Batch)
	}
}

// An extra point that the grid has anyway is no trial of its own, unless the grid skips it.
func TestExtraPointsAreFolded(t *testing.T) {
	const text = "seeds = 2\n[task]\nmodel = 'quadratic'\n[grid]\nlr = [0.1, 0.2]\n[[extra]]\nlr = 0.1\n[[extra]]\nlr = 0.3\n[[extra]]\nlr = 0.3\n"
	for skip, want := range map[string]string{
		"": "(2 lr × 1 lambda × 1 optimizer × 1 regularizer + 3 extra) × 2 seeds = 10 trials, 4 of them equal to others: 6 trials",
		"[[skip]]\nwhere = 'lr < 0.15 and seed == 1'": "(2 lr × 1 lambda × 1 optimizer × 1 regularizer + 3 extra) × 2 seeds = 10 trials, 4 of them equal to others: 6 trials",
		"[[skip]]\nwhere = 'lr == 0.2'":               "(2 lr × 1 lambda × 1 optimizer × 1 regularizer + 3 extra) × 2 seeds = 10 trials, 4 of them equal to others, 2 skipped: 4 trials",
	} {
		s := load(t, text+skip)
		if g := s.Grid(); g.String() != want || g.Trials != len(s.Trials()) {
			t.Errorf("%q: %s, and there are %d", skip, g, len(s.Trials()))
		}
	}
}

// An extra point of a program may have values that the grid has not.
func TestExtraPointsOfPrograms(t *testing.T) {
	s := load(t, "seeds = 1\n[task]\ncommand = ['p', '{lr}', '{width}', '{way}']\nmetrics = ['loss']\n[grid]\nlr = [0.1, 0.2]\nwidth = [8, 16]\nway = ['a']\n[[extra]]\nlr = 0.3\nwidth = 64\n[[extra]]\nlr = 0.2\nwidth = 32\nway = 'b'\n")
	var got []string
	for _, trial := range s.Trials() {
		got = append(got, fmt.Sprint(trial.LR, trial.Axes[0].Value, trial.Axes[1].Value))
	}
	if want := []string{"0.1 8 a", "0.1 16 a", "0.2 8 a", "0.2 16 a", "0.3 64 a", "0.2 32 b"}; !slices.Equal(got, want) {
		t.Errorf("the trials are %q, want %q", got, want)
	}
}

func TestTablesThatSayTheSameAreFolded(t *testing.T) {
	s := load(t, "[task]\nmodel = 'quadratic'\n[grid]\nlr = 0.1\n[optimizers.sgd]\n[optimizers.plain]\nplugin = 'sgd'\nmomentum = 0\n[optimizers.heavy]\nplugin = 'sgd'\nmomentum = 0.9")
	if g := s.Grid(); len(s.Trials()) != 2 || g.Trials != 2 || g.Folded != 1 {
		t.Errorf("got %d trials, %+v", len(s.Trials()), g)
	}
}

func TestEveryTrialHasAKeyOfItsOwn(t *testing.T) {
	s, err := Load(t.Context(), "examples/digits.toml", read(t, "examples/digits.toml"), shelf{})
	if err != nil {
		t.Fatal(err)
	}
	keys, points := map[runner.Key]bool{}, map[runner.Key]bool{}
	for _, trial := range s.Trials() {
		keys[trial.Key()] = true
		points[trial.Point()] = true
	}
	if len(keys) != 525 || len(points) != 105 {
		t.Errorf("%d keys and %d points, want 525 and 105", len(keys), len(points))
	}
}

// A key that changes makes everyone's results look as if they had never been computed.
func TestKeysAreStable(t *testing.T) {
	for _, c := range []struct {
		text string
		want runner.Key
		// was is the key of results from before the arithmetic was xrun's own.
		was runner.Key
	}{
		{"[task]\nmodel = 'quadratic'\n[grid]\nlr = 0.1", "3e05e1546a95ea294874f49a64a4ffc5", "b61ea2c086f78e3ecea045e9650ab8b3"},
		{"divergence = false\n" + twoPenalties, "ac32ca2e6f0ed28d36f508efa5f370fe", "7944a7e2784ac1cc9c3eb0ce1a52eac3"}, // of results from before there was a limit by default
		{twoPenalties, "920e0785e51c9a4364001c58e2855cd8", "0dd1e3bb0af30af20438f2acdff4376c"},
		{twoPenalties + "[early_stop]\npatience = 3\nmin_delta = 1e-3\ntarget = 0.1\ndivergence = { factor = 10 }", "06044179aa8fe451e077e4e291dcd9f5", "cdffe3e073200477bc5fa8c38a3db2e0"},
	} {
		trial := load(t, c.text).Trials()[0]
		if got := trial.Key(); got != c.want {
			t.Errorf("got the key %s, want %s, of\n%s", got, c.want, c.text)
		}
		point := trial.Point()
		if trial.Arithmetic = 0; trial.Key() != c.was || trial.Point() != point {
			t.Errorf("earlier results had the key %s, want %s, of\n%s", trial.Key(), c.was, c.text)
		}
	}
}

func TestSchedulesTellTablesApart(t *testing.T) {
	s := load(t, "[task]\nmodel = 'quadratic'\n[grid]\nlr = 0.1\n[optimizers.sgd]\n[optimizers.constant]\nplugin = 'sgd'\nschedule = { kind = 'constant' }\n"+
		"[optimizers.step]\nplugin = 'sgd'\nschedule = { kind = 'step', step_size = 2 }\n[optimizers.again]\nplugin = 'sgd'\nschedule = { kind = 'step', step_size = 2, gamma = 0.1 }")
	keys := map[runner.Key]bool{}
	for _, trial := range s.Trials() {
		keys[trial.Key()] = true
	}
	if g := s.Grid(); len(keys) != 2 || g.Trials != 2 || g.Folded != 2 {
		t.Errorf("got %d keys, %+v", len(keys), g)
	}
}

func TestDigestIsOfWhatIsTrained(t *testing.T) {
	base := load(t, twoPenalties).Digest()
	for text, same := range map[string]bool{
		"name = 'other'\nnotes = 'n'\ntags = ['a']\n" + twoPenalties + "[run]\nworkers = 3":            true,
		strings.Replace(twoPenalties, "[task]", "# says the default\n[task]\nepochs = 50", 1):          true,
		strings.Replace(twoPenalties, "lambda = [0.0, 1.0]", "lambda = { linear = [0, 1], n = 2 }", 1): true,
		strings.Replace(twoPenalties, "[task]", "[task]\nepochs = 51", 1):                              false,
		strings.Replace(twoPenalties, "plugin = \"sgd\"", "plugin = \"sgd\"\nmomentum = 0.5", 1):       false,
		twoPenalties + "[early_stop]": false,
		strings.Replace(twoPenalties, "plugin = \"sgd\"", "plugin = \"sgd\"\nschedule = { kind = 'wsd' }", 1): false,
		twoPenalties + "[metric]\nat = 'last'":           false,
		strings.Replace(twoPenalties, "7, 3", "3, 7", 1): false,
	} {
		if got := load(t, text).Digest() == base; got != same {
			t.Errorf("same digest: %v, want %v, for\n%s", got, same, text)
		}
	}
}

func BenchmarkTrials(b *testing.B) {
	s := load(b, `seeds = 20
[task]
dataset = "digits"
model = "softmax"
[grid]
lr = { log = [1e-5, 1], n = 25 }
lambda = { log = [1e-5, 1], n = 10 }
optimizer = ["sgd", "adam"]
[early_stop]
`)
	for b.Loop() {
		trials := s.Trials()
		for _, t := range trials {
			t.Key()
		}
		if len(trials) != 10_000 {
			b.Fatalf("%d trials", len(trials))
		}
	}
	b.ReportMetric(10_000*float64(b.N)/b.Elapsed().Seconds(), "trials/s")
}

// The bytes that a million planned trials take, each of which is a struct by itself.
func BenchmarkMillionTrials(b *testing.B) {
	s := load(b, `seeds = 10
[task]
dataset = "digits"
model = "softmax"
[grid]
lr = { log = [1e-5, 1], n = 500 }
lambda = { log = [1e-5, 1], n = 50 }
batch = [16, 32, 64, 128]
[run]
max_trials = 1_000_000
`)
	if n := s.Grid().Trials; n != 1_000_000 {
		b.Fatalf("%d trials", n)
	}
	b.Run("one by one", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			n := 0
			for range s.all() {
				n++
			}
			if n != 1_000_000 {
				b.Fatalf("%d trials", n)
			}
		}
		b.ReportMetric(1e6*float64(b.N)/b.Elapsed().Seconds(), "trials/s")
	})
	b.Run("listed", func(b *testing.B) {
		var before, after runtime.MemStats
		for b.Loop() {
			runtime.GC()
			runtime.ReadMemStats(&before)
			trials := s.Trials()
			runtime.GC()
			runtime.ReadMemStats(&after)
			b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(len(trials)), "bytes/trial")
			runtime.KeepAlive(trials)
		}
		b.ReportMetric(1e6*float64(b.N)/b.Elapsed().Seconds(), "trials/s")
	})
}
