package slurm_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/cmd/xrun/e2e/slurm/slurmtest"
)

// digits is the example of this name with fewer points and seeds.
func digits(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(e2e.Path("sweeps", "examples", "digits.toml"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("seeds  = 5", "seeds  = 2", "n = 7", "n = 3", "[0.0, 0.1, 1.0, 10.0, 100.0]", "[0.0, 10.0]", "epochs      = 50", "epochs      = 12").Replace(string(text))
}

// pruned is a sweep with rungs.
const pruned = `name = "pruned"
seeds = 2
[task]
dataset = "digits"
model   = "softmax"
epochs  = 8
[grid]
lr = { log = [1e-4, 1.0], n = 4 }
optimizer = ["sgd", "adam"]
` + halving

// whole are sweeps of all kinds.
var whole = map[string]string{
	"pruned": pruned,
	"seeds until": `name = "until"
[seeds]
until = "decided"
max = 8
[task]
dataset = "iris"
model = "softmax"
epochs = 5
[grid]
lr = [0.003, 0.1, 0.2]
optimizer = ["sgd", "adam"]
[compare]
test = "paired-t"
`,
	"programs":        programs,
	"pruned programs": strings.Replace(programs, `"programs"`, `"pruned programs"`, 1) + halving,
	"a plugin": `name = "plugin"
seeds = 2
[task]
dataset = "iris"
model = "softmax"
epochs = 6
[grid]
lr = [0.01, 0.1]
[optimizers.ngd]
plugin = "./xrun-plugin-ngd"
[optimizers.sgd]
`,
	"a table": `name = "table"
seeds = 2
[task]
dataset = "points.csv"
target = "y"
model = "linear"
epochs = 6
[grid]
lr = [0.001, 0.1, 1e30]
[early_stop]
divergence = { factor = 1e3 }
`,
}

// However a sweep is trained, it comes to the same bits. Nothing of a sweep that has ended is asked of Slurm.
func TestASweepOnSlurmHasTheBitsOfOneOnThisMachine(t *testing.T) {
	c, _ := start(t, slurmtest.Options{})
	whole := whole
	whole["digits"] = digits(t)
	for name, sweep := range whole {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := in(t, c, sweep)
			switch name {
			case "a plugin":
				e2e.Example(t, l.dir, "ngd")
			case "a table":
				text, err := os.ReadFile(e2e.Path("sweeps", "examples", "command", "points.csv"))
				if err != nil {
					t.Fatal(err)
				}
				e2e.Write(t, l.path("points.csv"), string(text))
			}
			want := l.alone()
			stderr := l.run(0, l.onSlurm())
			l.same(want)
			if !strings.Contains(stderr, ", as array ") {
				t.Errorf("no job was submitted:\n%s", stderr)
			}
			submissions := l.submissions()
			// All that the database had is in the journals.
			for _, file := range []string{"xrun.db", "xrun.db-wal", "xrun.db-shm"} {
				os.Remove(l.path(file))
			}
			again := l.onSlurm()
			again.Env = append(again.Env, "SLURM_CONF="+filepath.Join(l.dir, "none"))
			l.run(0, again)
			l.same(want)
			if n := l.submissions(); n != submissions {
				t.Errorf("%d arrays were submitted for a new database", n-submissions)
			}
		})
	}
}
