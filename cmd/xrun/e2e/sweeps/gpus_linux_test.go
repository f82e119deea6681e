package sweeps

import (
	"bufio"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/cmd/xrun/e2e/slurm/slurmtest"
	"github.com/xrun-dev/xrun/runner/tests"
)

// A job of Slurm divides the GPUs that it was given: on no node do more run at once on a GPU than may.
func TestJobsHaveGPUs(t *testing.T) {
	tests.NeedExamples(t, "it starts a Slurm cluster")
	t.Parallel()
	dir := t.TempDir() // before the cluster, so that it is removed after the last job has ended
	c := slurmtest.Start(t, slurmtest.Options{Nodes: 2, GPUs: 2})
	e2e.Write(t, filepath.Join(dir, "train.sh"), `where=$SLURMD_NODENAME:$CUDA_VISIBLE_DEVICES
echo "begin $where $OMP_NUM_THREADS" >>log
sleep 0.3
echo '{"epoch": 1, "val_loss": 1}'
echo "end $where" >>log
`)
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), `[task]
command = ["sh", "train.sh", "{n}"]
metrics = ["val_loss"]
[grid]
n = { range = [1, 24], step = 1 }
[run]
gpus           = "all"
per_gpu        = 2
cpus_per_trial = 1
[cluster.slurm]
gres = "gpu:2"
poll = "1s"
`)
	cmd := e2e.Xrun(t, dir, "sweep", "sweep.toml", "--on", "slurm", "--progress", "plain")
	cmd.Env = append(cmd.Env, c.Env()...)
	e2e.Run(t, 0, cmd)
	f, err := os.Open(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	running, begun := map[string]int{}, map[string]int{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if words[0] == "end" {
			running[words[1]]--
			continue
		}
		running[words[1]]++
		begun[words[1]]++
		if running[words[1]] > 2 {
			t.Errorf("%d programs ran at once on %s", running[words[1]], words[1])
		}
		if len(words) != 3 || words[2] != "1" {
			t.Errorf("a program had the environment %q", words)
		}
	}
	if len(begun) != 4 {
		t.Errorf("programs ran on %v, want the devices 0 and 1 of two nodes", begun)
	}
	db := e2e.OpenStore(t, filepath.Join(dir, "xrun.db"))
	runs := e2e.Runs(t, filepath.Join(dir, "xrun.db"))
	if e2e.Done(runs) != 24 {
		t.Errorf("%d results, want 24", e2e.Done(runs))
	}
	for _, r := range runs {
		events, err := db.Events(t.Context(), r.ID)
		if err != nil || len(events) == 0 || !strings.HasSuffix(events[0].Message, "(of 0, 1), shared by 2, 1 thread") {
			t.Errorf("recorded with run %d is %+v, %v", r.ID, events, err)
		}
	}
}
