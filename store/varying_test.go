package store

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

// What varies, what is the same, and which settings are axes is found in SQL with few reads. Here it follows from all
// settings of all trials, for grids of several shapes: settings that some trials lack, replicates or none, one trial.
func TestVaryingIsWhatAllSettingsSay(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 24 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			var trials []runner.Trial
			seen := map[runner.Key]bool{}
			for range 1 + random.IntN(12) {
				base := grid(1)[0]
				base.LR = []float64{0.1, 0.2}[random.IntN(2)]
				base.Task.Hidden = [][]int{{8, 4}, {8}}[random.IntN(1+round%2)]
				base.Task.Schema.Rare = 5 * random.IntN(2)
				switch random.IntN(1 + round%3) {
				case 1:
					base.Optimizer = runner.Choice{Label: "other", Plugin: "sgd", Component: "sgd", Identity: "builtin:sgd@1",
						Settings: plugins.Settings{"momentum": plugins.Real(0.9 * float64(random.IntN(2)))}}
				case 2:
					base.Regularizer = nil
					base.Optimizer.Settings = maps.Clone(base.Optimizer.Settings)
					base.Optimizer.Settings["beta1"] = plugins.Real(0.5)
				}
				for seed := range 1 + round/4%2*2 {
					base.Seed = int64(seed)
					if !seen[base.Key()] {
						seen[base.Key()] = true
						trials = append(trials, base)
					}
				}
			}
			random.Shuffle(len(trials), func(i, j int) { trials[i], trials[j] = trials[j], trials[i] })
			s := open(t, filepath.Join(t.TempDir(), "xrun.db"))
			put(t, s, grid(3)) // of another sweep
			id, err := s.PutSweep(t.Context(), Sweep{Name: "second", Digest: "s2", Metric: "val_loss", Goal: "min", At: "best"}, trials)
			if err != nil {
				t.Fatal(err)
			}

			type valued struct{ path, label string }
			values, groups := map[string]map[plugins.Value]int{}, map[valued]map[plugins.Value]bool{}
			for _, trial := range trials {
				for _, setting := range trial.Settings() {
					label := ""
					switch component, _, _ := strings.Cut(setting.Path, "."); component {
					case "optimizer":
						label = trial.Optimizer.Label
					case "regularizer":
						label = trial.Regularizer.Label
					}
					of := valued{setting.Path, label}
					if values[setting.Path] == nil {
						values[setting.Path] = map[plugins.Value]int{}
					}
					if groups[of] == nil {
						groups[of] = map[plugins.Value]bool{}
					}
					values[setting.Path][setting.Value]++
					groups[of][setting.Value] = true
				}
			}
			var wantVarying, wantAxes []string
			var wantSame []runner.Setting
			for _, path := range slices.Sorted(maps.Keys(values)) {
				if len(values[path]) == 1 {
					for value, n := range values[path] {
						if n == len(trials) {
							wantSame = append(wantSame, runner.Setting{Path: path, Value: value})
							continue
						}
						wantVarying = append(wantVarying, path)
					}
					continue
				}
				wantVarying = append(wantVarying, path)
			}
			for of, set := range groups {
				if len(set) > 1 && !slices.Contains(implied, of.path) && !slices.Contains(wantAxes, of.path) {
					wantAxes = append(wantAxes, of.path)
				}
			}
			if n := len(values["task.rare"]); n == 1 && slices.Contains(wantVarying, "task.rare") { // 0 is omitted, and a value
				wantAxes = append(wantAxes, "task.rare")
			}
			slices.Sort(wantAxes)

			varying, same, err := s.Varying(t.Context(), id)
			if err != nil || !slices.Equal(varying, wantVarying) || !reflect.DeepEqual(same, wantSame) {
				t.Fatalf("varying %v, %v\nwant    %v\nsame %v\nwant %v", varying, err, wantVarying, same, wantSame)
			}
			paths, err := s.AxisPaths(t.Context(), varying, id)
			if err != nil || !slices.Equal(paths, wantAxes) {
				t.Fatalf("axes %v, %v, want %v", paths, err, wantAxes)
			}
			axes, err := s.Axes(t.Context(), varying, id)
			if err != nil {
				t.Fatal(err)
			}
			for _, trial := range trials {
				want := slices.DeleteFunc(trial.Settings(), func(s runner.Setting) bool { return !slices.Contains(wantAxes, s.Path) })
				if got := axes[trial.Point()]; len(got)+len(want) > 0 && !reflect.DeepEqual(got, want) {
					t.Fatalf("axes of a point %v, want %v", got, want)
				}
			}
			results, err := s.Results(t.Context(), id, "val_loss")
			if err != nil || len(results) != len(trials) {
				t.Fatalf("%d results, %v", len(results), err)
			}
			for i, r := range results {
				if r.Trial != trials[i].Key() {
					t.Fatalf("result %d is of another trial: the order is that of the sweep", i)
				}
			}
		})
	}
}
