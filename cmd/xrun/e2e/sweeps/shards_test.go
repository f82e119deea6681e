//go:build linux

package sweeps

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/tests"
)

// Sweeps that are trained in shards. Together they have xrun's own plugins and a stranger's, networks, runs that stop early
// and that diverge, several numbers of epochs, and programs.
var shared = map[string]string{
	"grid": `name  = "grid"
seeds = 2
[task]
dataset    = "digits"
model      = "softmax"
epochs     = 6
batch      = 32
validation = 0.2
[grid]
lr        = [0.003, 0.3, 1e30]
lambda    = [0.0, 0.1, 1.0, 3.0, 10.0, 30.0]
optimizer = ["sgd", "adam"]
[early_stop]
patience   = 1
min_delta  = 1e-2
divergence = { factor = 1e3 }
`,
	"networks": `name  = "networks"
seeds = 2
[task]
dataset    = "iris"
model      = "mlp"
hidden     = [6]
batch      = 16
validation = 0.3
[grid]
epochs    = [3, 9]
lr        = { log = [1e-3, 1.0], n = 5 }
optimizer = ["sgd", "ngd"]
[optimizers.sgd]
[optimizers.ngd]
plugin = "./xrun-plugin-ngd"
`,
	"programs": `name  = "programs"
seeds = 2
[task]
command = ["sh", "train.sh", "{x}", "{seed}"]
metrics = ["val_loss"]
[grid]
x = [1, 2, 3, 4]
`,
}

const sharedProgram = `echo "{\"epoch\": 1, \"val_loss\": $(($1 * 7 + $2))}"
echo "{\"epoch\": 2, \"val_loss\": $1.0625}"
`

// machine is a folder with a sweep file of shared and all that it needs, as a machine of its own would have it.
func machine(t *testing.T, name string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), shared[name])
	e2e.Write(t, filepath.Join(dir, "train.sh"), sharedProgram)
	if name == "networks" {
		e2e.Example(t, dir, "ngd")
	}
	return dir
}

// merged is a folder with the sweep file and, as xrun.db, the databases of other folders in one.
func merged(t *testing.T, name string, databases ...string) (dir string) {
	t.Helper()
	dir = machine(t, name)
	e2e.Run(t, 0, e2e.Xrun(t, dir, append([]string{"db", "merge"}, databases...)...))
	return dir
}

// likeWhole fails the test unless the sweep in a folder is one, complete, and equal to one that was trained as a whole in
// everything that is shown of it.
func likeWhole(t *testing.T, dir, whole string) {
	t.Helper()
	e2e.Same(t, e2e.Recorded(t, filepath.Join(dir, "xrun.db")), e2e.Recorded(t, filepath.Join(whole, "xrun.db")))
	e2e.Once(t, e2e.Runs(t, filepath.Join(dir, "xrun.db")))
	intact(t, filepath.Join(dir, "xrun.db"))
	e2e.Run(t, 0, e2e.Xrun(t, dir, "db", "check"))
	got, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "compare", "--all"))
	if want, _ := e2e.Run(t, 0, e2e.Xrun(t, whole, "compare", "--all")); got != want {
		t.Errorf("compare says\n%s\nwhere the whole sweep has\n%s", got, want)
	}
	var found [2][]string
	for i, path := range []string{dir, whole} {
		sweeps, err := e2e.OpenStore(t, filepath.Join(path, "xrun.db")).Sweeps(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range sweeps {
			found[i] = append(found[i], fmt.Sprint(s.Digest, s.Title, s.Notes, s.Tags, s.Metric, s.Goal, s.At, s.Trials, s.Counts))
		}
	}
	if len(found[0]) != 1 || found[0][0] != found[1][0] {
		t.Errorf("the sweeps are\n%q\nwant\n%q", found[0], found[1])
	}
	if _, stderr := e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "none")); !strings.Contains(stderr, "nothing to train: every trial has its result") {
		t.Errorf("the sweep goes on where it is complete:\n%s", stderr)
	}
}

// A sweep trained whole, and as shards on machines that do not know of each other, whatever their numbers of workers, is the
// same to the bit. So it is when one shard knows of another's results, and when a shard is run again.
func TestShardsAreTheWholeSweep(t *testing.T) {
	t.Parallel()
	for name := range shared {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			whole := machine(t, name)
			e2e.Run(t, 0, e2e.Xrun(t, whole, "sweep", "sweep.toml", "--progress", "none"))
			if name == "grid" {
				counts := attempts(t, whole)
				for _, status := range []string{"finished", "stopped", "diverged"} {
					if !slices.ContainsFunc(slices.Collect(maps.Keys(counts)), func(c string) bool { return strings.HasPrefix(c, status) }) {
						t.Errorf("no run has %s: %v", status, counts)
					}
				}
			}
			const n = 4
			var databases []string
			for i := 1; i <= n; i++ {
				dir := machine(t, name)
				shard := fmt.Sprintf("%d/%d", i, n)
				out, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--shard", shard, "--workers", fmt.Sprint(i), "--progress", "none"))
				if !strings.HasPrefix(out, "shard "+shard+": ") {
					t.Errorf("shard %s says\n%s", shard, out)
				}
				databases = append(databases, filepath.Join(dir, fmt.Sprintf("xrun-%dof%d.db", i, n)))
				runs := e2e.Runs(t, databases[i-1])
				_, stderr := e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--shard", shard, "--progress", "none"))
				if again := e2e.Runs(t, databases[i-1]); len(runs) == 0 || len(again) != len(runs) || !strings.Contains(stderr, "nothing to train") {
					t.Errorf("shard %s has %d runs, and %d when it is run again:\n%s", shard, len(runs), len(again), stderr)
				}
			}
			likeWhole(t, merged(t, name, databases...), whole)
			slices.Reverse(databases)
			likeWhole(t, merged(t, name, databases...), whole)

			// What some shards have is known: one machine trains the others.
			rest := machine(t, name)
			digests := []string{e2e.Digest(t, databases[0]), e2e.Digest(t, databases[2])}
			e2e.Run(t, 0, e2e.Xrun(t, rest, "sweep", "sweep.toml", "--progress", "none", "--known", databases[0], "--known", databases[2]))
			for i, digest := range digests {
				if e2e.Digest(t, databases[2*i]) != digest {
					t.Error("a known database was written")
				}
			}
			there := 0
			for _, path := range []string{databases[0], databases[2], filepath.Join(rest, "xrun.db")} {
				there += len(e2e.Runs(t, path))
			}
			if all := len(e2e.Runs(t, filepath.Join(whole, "xrun.db"))); there != all {
				t.Errorf("%d runs in known databases and beside them, want %d", there, all)
			}
			likeWhole(t, merged(t, name, filepath.Join(rest, "xrun.db"), databases[0], databases[2]), whole)
		})
	}
}

// planned are the keys of a shard, as xrun plan lists them in a folder.
func planned(t *testing.T, dir, shard string, args ...string) (keys []runner.Key) {
	t.Helper()
	out, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, append([]string{"plan", "sweep.toml", "--shard", shard, "--json"}, args...)...))
	var plan struct {
		Trials []struct{ Key runner.Key }
	}
	if err := json.Unmarshal([]byte(out), &plan); err != nil {
		t.Fatalf("%v:\n%s", err, out)
	}
	for _, trial := range plan.Trials {
		keys = append(keys, trial.Key)
	}
	return keys
}

// Every number of shards has each trial once. What a shard has depends on no database, be it empty, partly or wholly
// trained, and of this shard or another.
func TestAShardIsTheSameWhoeverAsks(t *testing.T) {
	t.Parallel()
	name := "grid"
	bare, trained := machine(t, name), machine(t, name)
	e2e.Run(t, 0, e2e.Xrun(t, trained, "sweep", "sweep.toml", "--progress", "none", "--shard", "2/3"))
	var trials []runner.Key
	for n := 1; n <= 13; n += tests.Either(4, 1) {
		var all []runner.Key
		for i := 1; i <= n; i++ {
			shard := fmt.Sprintf("%d/%d", i, n)
			keys := planned(t, bare, shard)
			for _, args := range [][]string{nil, {"--store", "xrun-2of3.db"}, {"--known", "xrun-2of3.db"}, {"--rerun", "all"}} {
				if got := planned(t, trained, shard, args...); !slices.Equal(got, keys) {
					t.Errorf("shard %s has %d trials, and others (%d) with %q beside a database", shard, len(keys), len(got), args)
				}
			}
			all = append(all, keys...)
		}
		slices.Sort(all)
		if n == 1 {
			trials = all
		}
		if !slices.Equal(all, trials) || len(slices.Compact(slices.Clone(all))) != len(all) || len(all) != 72 {
			t.Errorf("%d shards have %d trials, want each of 72 once", n, len(all))
		}
	}
}
