// Package k8s tests the jobs that xrun writes for Kubernetes: what their pods run, run here, and what Kubernetes publishes of their form.
package k8s

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/runner/tests"
)

func TestMain(m *testing.M) { e2e.Main(m, nil) }

const sweep = `name  = "pods"
seeds = 3
[task]
model     = "quadratic"
dimension = 8
epochs    = 6
[grid]
lr = { log = [1e-4, 3.0], n = 64 }
[cluster.k8s]
image  = "alpine"
volume = "shared"
cpus   = 2
mem    = "1Gi"
gpus   = 1
at_once = 2
`

// printed is the manifest for a sweep, in a directory of its own.
func printed(t *testing.T) (dir, manifest string) {
	t.Helper()
	dir = t.TempDir()
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), sweep)
	manifest, _ = e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--on", "k8s", "--print", "--progress", "none"))
	return dir, manifest
}

var commandLine = regexp.MustCompile(`(?m)^ *command: (\[.*\])$`)

// The command of the pods, with the three indices of the job, and then the collecting, is the local sweep.
func TestPodsTrainTheSweep(t *testing.T) {
	t.Parallel()
	dir, manifest := printed(t)
	found := commandLine.FindStringSubmatch(manifest)
	if found == nil || !strings.Contains(manifest, "completions: 3\n") {
		t.Fatalf("no job of three pods:\n%s", manifest)
	}
	var command []string
	if err := json.Unmarshal([]byte(found[1]), &command); err != nil {
		t.Fatal(err)
	}
	for index := range 3 {
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Env = append(os.Environ(), "JOB_COMPLETION_INDEX="+strconv.Itoa(index))
		cmd.Dir = "/"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("pod %d: %v\n%s", index, err, out)
		}
	}
	_, said := e2e.Run(t, 0, e2e.Xrun(t, dir, "collect"))
	if strings.Contains(said, "submitted") {
		t.Errorf("something was submitted:\n%s", said)
	}
	local := t.TempDir()
	e2e.Write(t, filepath.Join(local, "sweep.toml"), sweep)
	e2e.Run(t, 0, e2e.Xrun(t, local, "sweep", "sweep.toml", "--progress", "none"))
	got := e2e.Recorded(t, filepath.Join(dir, "xrun.db"))
	if len(got) != 192 {
		t.Errorf("%d trials, want 192", len(got))
	}
	e2e.Same(t, got, e2e.Recorded(t, filepath.Join(local, "xrun.db")))
	e2e.Once(t, e2e.Runs(t, filepath.Join(dir, "xrun.db")))
}

// What is missing when the pods have ended is printed again.
func TestWhatIsMissingIsPrintedAgain(t *testing.T) {
	t.Parallel()
	dir, first := printed(t)
	var command []string
	if err := json.Unmarshal([]byte(commandLine.FindStringSubmatch(first)[1]), &command); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Env = append(os.Environ(), "JOB_COMPLETION_INDEX=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	second, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--on", "k8s", "--print", "--progress", "none"))
	if !strings.Contains(second, "completions: 2\n") {
		t.Errorf("of three pods one has run, and this is printed:\n%s", second)
	}
}

func TestAJobIsWhatKubernetesPublishes(t *testing.T) {
	tests.NeedExamples(t, "the types of Kubernetes are downloaded and built")
	t.Parallel()
	_, manifest := printed(t)
	cmd := exec.Command("go", "run", ".")
	cmd.Dir, cmd.Stdin = "schema", strings.NewReader(manifest)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		if text := said.String(); strings.Contains(text, "dial tcp") || strings.Contains(text, "no such host") {
			t.Skipf("the types of Kubernetes cannot be had: %s", text)
		}
		t.Fatalf("%v\n%s\n%s", err, said.String(), manifest)
	}
	var is struct {
		Completions, Parallelism int
		CPU, Memory, GPUs, Image string
		Claim                    string
	}
	if err := json.Unmarshal(out.Bytes(), &is); err != nil {
		t.Fatal(err)
	}
	if is.Completions != 3 || is.Parallelism != 2 || is.CPU != "2" || is.Memory != "1Gi" || is.GPUs != "1" || is.Image != "alpine" || is.Claim != "shared" {
		t.Errorf("the job is %+v", is)
	}
}

func TestAJobNeedsAnImageAndAVolume(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), strings.Split(sweep, "[cluster")[0])
	_, said := e2e.Run(t, 2, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--on", "k8s", "--print", "--progress", "none"))
	if !strings.Contains(said, "needs an image and a volume") || !strings.Contains(said, "--cluster image=NAME") {
		t.Errorf("it says\n%s", said)
	}
	_, said = e2e.Run(t, 1, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--on", "k8s", "--progress", "none"))
	if !strings.Contains(said, "--print") {
		t.Errorf("it says\n%s", said)
	}
}

// pods runs what the pods of a manifest run.
func pods(t *testing.T, manifest string) {
	t.Helper()
	var command []string
	if err := json.Unmarshal([]byte(commandLine.FindStringSubmatch(manifest)[1]), &command); err != nil {
		t.Fatal(err)
	}
	completions := regexp.MustCompile(`completions: (\d+)`).FindStringSubmatch(manifest)
	n, err := strconv.Atoi(completions[1])
	if err != nil {
		t.Fatal(err)
	}
	for index := range n {
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Env = append(os.Environ(), "JOB_COMPLETION_INDEX="+strconv.Itoa(index))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("pod %d: %v\n%s", index, err, out)
		}
	}
}

const small = `name  = "small"
seeds = 2
[task]
model     = "quadratic"
dimension = 8
epochs    = 8
[grid]
lr = { log = [1e-4, 1.0], n = 4 }
[cluster.k8s]
image  = "alpine"
volume = "shared"
`

var onK8s = []string{"sweep", "sweep.toml", "--on", "k8s", "--print", "--progress", "none"}

// A sweep that prunes is printed rung by rung; that the pods of a rung have ended before anybody collects is no reason to wait for them.
func TestRungsArePrintedOneByOne(t *testing.T) {
	t.Parallel()
	dir, local := t.TempDir(), t.TempDir()
	for _, dir := range []string{dir, local} {
		e2e.Write(t, filepath.Join(dir, "sweep.toml"), small+"[prune]\nrule = \"halving\"\nfirst = 2\n")
	}
	e2e.Run(t, 0, e2e.Xrun(t, local, "sweep", "sweep.toml", "--progress", "none"))
	manifest, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, onK8s...))
	pods(t, manifest)
	_, said := e2e.Run(t, 1, e2e.Xrun(t, dir, "collect"))
	if !strings.Contains(said, "with --print") {
		t.Errorf("after the first rung it says\n%s", said)
	}
	for range 4 {
		if manifest, _ = e2e.Run(t, 0, e2e.Xrun(t, dir, onK8s...)); manifest == "" {
			break // nothing is left, and kubectl gets nothing else
		}
		pods(t, manifest)
	}
	if manifest != "" {
		t.Errorf("all rungs are over, and this is printed:\n%s", manifest)
	}
	e2e.Run(t, 0, e2e.Xrun(t, dir, "collect"))
	e2e.Same(t, e2e.Recorded(t, filepath.Join(dir, "xrun.db")), e2e.Recorded(t, filepath.Join(local, "xrun.db")))
}

// What is collected is what was submitted: in the same database, once, and nothing of a file that has changed.
func TestWhatIsCollectedIsWhatWasSubmitted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "sweep.toml")
	e2e.Write(t, file, small)
	manifest, _ := e2e.Run(t, 0, e2e.WithEnv(e2e.Xrun(t, dir, append(onK8s, "--detach=true")...), "XRUN_STORE=mine.db"))
	pods(t, manifest)
	jobs, err := filepath.Glob(filepath.Join(dir, "mine.db.cluster", "small-*"))
	if err != nil || len(jobs) != 1 {
		t.Fatalf("directories of jobs: %q, %v", jobs, err)
	}
	e2e.Write(t, file, strings.Replace(small, "n = 4", "n = 5", 1))
	_, said := e2e.Run(t, 2, e2e.Xrun(t, dir, "collect", jobs[0]))
	if !strings.Contains(said, "has changed since") {
		t.Errorf("of a changed file it says\n%s", said)
	}
	e2e.Write(t, file, small)
	e2e.Write(t, filepath.Join(jobs[0], "journals", "README"), "nothing of xrun's")
	for range 2 {
		e2e.Run(t, 0, e2e.WithEnv(e2e.Xrun(t, dir, "collect", jobs[0]), "XRUN_STORE=other.db"))
	}
	if n := len(e2e.Runs(t, filepath.Join(dir, "mine.db"))); n != 8 {
		t.Errorf("%d runs are recorded, want 8", n)
	}
	if _, err := os.Stat(filepath.Join(dir, "other.db")); err == nil {
		t.Error("another database was written")
	}
	again := append(onK8s, "--rerun", "all", "--store", "mine.db")
	manifest, _ = e2e.Run(t, 0, e2e.Xrun(t, dir, again...))
	pods(t, manifest)
	for range 2 { // what was run again is not run again for being collected again
		e2e.Run(t, 0, e2e.Xrun(t, dir, "collect", jobs[0]))
	}
	e2e.Once(t, e2e.Runs(t, filepath.Join(dir, "mine.db")))
	if n := len(e2e.Recorded(t, filepath.Join(dir, "mine.db"))); n != 8 {
		t.Errorf("%d trials, want 8", n)
	}
}
