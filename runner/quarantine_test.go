//go:build unix

package runner_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
)

// What fails three trials in the same way is not tried a fourth time; the plugin's other settings
// are, and give the bits that they give without it.
func TestWhatFailsThreeTimesAlikeIsSetAside(t *testing.T) {
	task := taskOf(t, "iris", "softmax")
	bombs := func(at int64, n int) (trials []runner.Trial) {
		for i := range n {
			trials = append(trials, runner.Trial{Task: task, LR: 0.01 * float64(i+1), Seed: 1,
				Optimizer: component(t, plugins.KindOptimizer, "bomb", plugins.Settings{"at": plugins.Integer(at)})})
		}
		return trials
	}
	bad, healthy := bombs(2, 7), bombs(0, 5)
	want := execute(t, runner.Options{}, healthy)
	untried := 0
	got := execute(t, runner.Options{Plugins: outOfProcess(t, host.Options{}), Observe: func(p runner.Progress) {
		if p.Untried != nil {
			untried++ // one worker: one goroutine
		}
	}}, append(bad, healthy...))
	for _, trial := range healthy {
		if key := trial.Key(); got.text(key) != want.text(key) {
			t.Errorf("trial %s was changed by others that crash:\n%.200s\nwant\n%.200s", key.Short(), got.text(key), want.text(key))
		}
	}
	reasons := map[string]int{}
	for _, trial := range bad {
		end := got.ends[trial.Key()]
		if end.Status != runner.StatusFailed {
			t.Errorf("a trial that crashes ended as %s", end.Status)
		}
		reasons[end.Reason]++
	}
	crashed, set := "plugin builtin exited with status 3", "plugin builtin was set aside after it failed 3 times alike: exited with status 3; fix it and run the same command again"
	if len(reasons) != 2 || reasons[crashed] != 3 || reasons[set] != 4 || untried != 4 {
		t.Errorf("the trials ended for %v, %d of them untried; want 3 to crash and 4 not to be tried", reasons, untried)
	}
}

// A plugin that cannot be started is set aside whatever is asked of it, and no trial without it is.
func TestAPluginThatDoesNotStartIsSetAside(t *testing.T) {
	dir := t.TempDir()
	path, starts := filepath.Join(dir, "broken"), filepath.Join(dir, "starts")
	script := "#!/bin/sh\necho $$ >> " + starts + "\necho library $$ is missing >&2\nexit 4\n"
	if err := os.WriteFile(path, []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	task := taskOf(t, "iris", "softmax")
	var broken, healthy []runner.Trial
	for i := range 6 {
		one := runner.Trial{Task: task, LR: 0.01, Seed: int64(i), Optimizer: component(t, plugins.KindOptimizer, "sgd", nil)}
		healthy = append(healthy, one)
		one.Optimizer.Plugin, one.Optimizer.Identity = path, "digest"
		one.Optimizer.Settings = plugins.Settings{"number": plugins.Integer(int64(i))}
		broken = append(broken, one)
	}
	want := execute(t, runner.Options{}, healthy)
	got := execute(t, runner.Options{Plugins: outOfProcess(t, host.Options{})}, append(broken, healthy...))
	for _, trial := range healthy {
		if key := trial.Key(); got.text(key) != want.text(key) {
			t.Errorf("trial %s was changed by a plugin that it does not use", key.Short())
		}
	}
	aside := 0
	for _, trial := range broken {
		if strings.Contains(got.ends[trial.Key()].Error, "was set aside after it failed 3 times alike: exited with status 4 before it was ready") {
			aside++
		}
	}
	pids, err := os.ReadFile(starts)
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(pids), "\n"); n != 3 || aside != 3 {
		t.Errorf("the plugin was started %d times and %d trials were not tried, want 3 and 3", n, aside)
	}
}
