//go:build unix

package cluster

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps"
)

// A job divides what Slurm has given it, and says so in its journal.
func TestAJobDividesWhatItWasGiven(t *testing.T) {
	t.Setenv("SLURM_ARRAY_TASK_ID", "0")
	t.Setenv("SLURM_JOB_ID", "17")
	t.Setenv("SLURM_CPUS_ON_NODE", "3")
	for name, c := range map[string]struct {
		division sweeps.Division
		visible  string
		want     []string // what programs have
		said     string
		wrong    string
	}{
		"two GPUs": {division: sweeps.Division{GPUs: sweeps.GPUs{All: true}, PerGPU: 1, CPUs: 2}, visible: "2,3", want: []string{"2 2", "3 2"}, said: "(of 2, 3), 2 threads"},
		"cores":    {division: sweeps.Division{CPUs: 2}, visible: "2,3", want: []string{"2,3 2"}, said: "2 threads"},
		"no GPU":   {division: sweeps.Division{GPUs: sweeps.GPUs{All: true}, PerGPU: 1}, wrong: "Slurm has given the job no GPU"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("CUDA_VISIBLE_DEVICES", c.visible)
			if c.visible == "" {
				os.Unsetenv("CUDA_VISIBLE_DEVICES")
			}
			folder := t.TempDir()
			d := Dir(filepath.Join(folder, "sweep"))
			if err := d.Make(); err != nil {
				t.Fatal(err)
			}
			script := `echo "$CUDA_VISIBLE_DEVICES $OMP_NUM_THREADS" >>had; sleep 0.2; echo '{"epoch": 1, "val_loss": 1}'`
			if err := os.WriteFile(filepath.Join(folder, "train.sh"), []byte(script), 0o666); err != nil {
				t.Fatal(err)
			}
			var trials []runner.Trial
			for n := range int64(6) {
				command := &runner.Command{Name: "train", Args: []string{"sh", "train.sh"}, Dir: folder, Grace: time.Second}
				trials = append(trials, runner.Trial{Task: runner.Task{Command: command, Metrics: []string{"val_loss"}}, Optimizer: runner.Choice{Label: "train"},
					Keep: runner.Keep{Metric: "val_loss", Goal: stop.Min, At: runner.AtBest}, Axes: []runner.Setting{{Path: "n", Value: plugins.Integer(n)}}})
			}
			if err := d.PutTask(taskName(1, 0), Task{Trials: trials, Work: Work{Division: c.division, Version: "test"}}); err != nil {
				t.Fatal(err)
			}
			interrupt := training.WatchSignals(t.Context(), io.Discard)
			defer interrupt.Stop()
			s := &training.Session{Host: host.New(host.Options{}), Data: &training.Datasets{}, Version: "test", Interrupt: interrupt, Stderr: io.Discard}
			err := RunTask(t.Context(), s, string(d), 1, 0)
			if c.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), c.wrong) {
					t.Fatalf("the error is %v, want %q", err, c.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			text, err := os.ReadFile(filepath.Join(folder, "had"))
			if err != nil {
				t.Fatal(err)
			}
			had := strings.Split(strings.TrimSpace(string(text)), "\n")
			if len(had) != len(trials) {
				t.Errorf("%d programs ran, want %d", len(had), len(trials))
			}
			slices.Sort(had)
			if had = slices.Compact(had); !slices.Equal(had, c.want) {
				t.Errorf("programs had %q, want %q", had, c.want)
			}
			files, err := filepath.Glob(filepath.Join(d.journals(), "*", "*"+journalEnding))
			if err != nil || len(files) != 1 {
				t.Fatalf("the journals are %v, %v", files, err)
			}
			if text, err = os.ReadFile(files[0]); err != nil {
				t.Fatal(err)
			}
			if n := strings.Count(string(text), c.said); n != len(trials) {
				t.Errorf("the journal says %q for %d of %d programs", c.said, n, len(trials))
			}
		})
	}
}

// The number of programs that a job is likely to run at once, for the size of a first task.
func TestRoundsOfPrograms(t *testing.T) {
	for _, c := range []struct {
		work  Work
		cores int
		want  int
	}{
		{Work{}, 0, 1}, {Work{Workers: 3}, 8, 8}, {Work{Division: sweeps.Division{CPUs: 2}}, 8, 4}, {Work{Division: sweeps.Division{CPUs: 2}, Workers: 3}, 8, 3},
		{Work{Division: sweeps.Division{GPUs: sweeps.GPUs{All: true}, PerGPU: 4}}, 8, 4}, {Work{Division: sweeps.Division{GPUs: sweeps.GPUs{Indices: []int{0, 1}}, PerGPU: 4}}, 0, 8},
		{Work{Division: sweeps.Division{CPUs: 16}}, 8, 1},
	} {
		if got := c.work.atOnce(c.cores); got != c.want {
			t.Errorf("%+v on %d cores: %d at once, want %d", c.work, c.cores, got, c.want)
		}
	}
}
