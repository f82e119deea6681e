//go:build unix

package sweeps

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/runner"
)

// twoGPUs is an nvidia-smi that lists two.
const twoGPUs = "#!/bin/sh\necho '0, GPU-aaaa'\necho '1, GPU-bbbb'\n"

// withGPUs gives a command an nvidia-smi that lists two GPUs, and none of the environment's.
func withGPUs(t *testing.T, cmd *exec.Cmd) *exec.Cmd {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "nvidia-smi"), []byte(twoGPUs), 0o755); err != nil {
		t.Fatal(err)
	}
	cmd.Env = slices.DeleteFunc(cmd.Env, func(v string) bool {
		return strings.HasPrefix(v, "CUDA_") || strings.HasPrefix(v, "OMP_NUM_THREADS=")
	})
	return e2e.WithEnv(cmd, "PATH="+dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
}

// A program writes a line when it begins and one when it ends. The first ones wait for each other, so that it shows how many run at once; if
// fewer do, they go on after some seconds.
const countedScript = `echo "begin $1 $CUDA_VISIBLE_DEVICES $CUDA_DEVICE_ORDER $OMP_NUM_THREADS $MKL_NUM_THREADS $OPENBLAS_NUM_THREADS $NUMEXPR_NUM_THREADS" >>log
tries=0
until [ $1 -gt $2 ] || [ $(grep -c begin log) -ge $2 ] || [ $tries -ge 200 ]; do tries=$((tries + 1)); sleep 0.05; done
for epoch in 1 2 3; do
	sleep 0.0$(($1 % 5))
	echo "{\"epoch\": $epoch, \"val_loss\": $1}"
done
echo "end $1 $CUDA_VISIBLE_DEVICES" >>log
`

// atOnceOf reads the log of the programs: the most that ran at once, by device, and what stood in the environment of each.
func atOnceOf(t *testing.T, log string) (most map[string]int, env map[string]string) {
	t.Helper()
	f, err := os.Open(log)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	running := map[string]int{}
	most, env = map[string]int{}, map[string]string{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		words := strings.SplitN(lines.Text(), " ", 4)
		device := words[2]
		if words[0] == "end" {
			running[device]--
			continue
		}
		running[device]++
		most[device] = max(most[device], running[device])
		env[words[1]] = words[2] + " " + words[3]
	}
	return most, env
}

func TestProgramsHaveGPUs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e2e.Write(t, filepath.Join(dir, "train.sh"), countedScript)
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), `[task]
command = ["sh", "train.sh", "{n}", "4"]
metrics = ["val_loss"]
env     = { MKL_NUM_THREADS = "7" }
[grid]
n = { range = [1, 14], step = 1 }
[run]
gpus           = "all"
per_gpu        = 2
cpus_per_trial = 3
workers        = 16
`)
	out, _ := e2e.Run(t, 0, withGPUs(t, e2e.Xrun(t, dir, "plan", "sweep.toml")))
	if want := "2 GPUs × 2 = 4 trials at once, 3 threads each; there are not as many as workers = 16\n"; !strings.Contains(out, want) {
		t.Errorf("the plan says\n%s\nwant %q", out, want)
	}
	e2e.Run(t, 0, withGPUs(t, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "plain")))
	most, env := atOnceOf(t, filepath.Join(dir, "log"))
	if len(most) != 2 || most["0"] != 2 || most["1"] != 2 {
		t.Errorf("at once ran %v, want 2 on each of the devices 0 and 1", most)
	}
	runs := e2e.Runs(t, filepath.Join(dir, "xrun.db"))
	if len(runs) != 14 || len(env) != 14 {
		t.Fatalf("%d runs, %d programs, want 14", len(runs), len(env))
	}
	db := e2e.OpenStore(t, filepath.Join(dir, "xrun.db"))
	for _, r := range runs {
		settings, err := db.TrialSettings(t.Context(), r.Trial)
		if err != nil {
			t.Fatal(err)
		}
		n := ""
		for _, s := range settings {
			if s.Path == "n" {
				n = s.Value.String()
			}
		}
		device, _, _ := strings.Cut(env[n], " ")
		if want := device + " PCI_BUS_ID 3 7 3 3"; env[n] != want {
			t.Errorf("n %s had the environment %q, want %q", n, env[n], want)
		}
		events, err := db.Events(t.Context(), r.ID)
		if err != nil || len(events) != 1 || events[0].Kind != runner.EventShare || events[0].Message != "GPU "+device+" (of 0, 1), shared by 2, 3 threads" {
			t.Errorf("recorded with n %s, which had device %s: %+v, %v", n, device, events, err)
		}
	}
	out, _ = e2e.Run(t, 0, e2e.Xrun(t, dir, "show", "1"))
	if !strings.Contains(out, " share, epoch 0: GPU ") || !strings.Contains(out, "GPU-aaaa\n") && !strings.Contains(out, "GPU-bbbb\n") {
		t.Errorf("show does not say which GPU it was:\n%s", out)
	}

	// Nothing of it belongs to the trials, and what has its results asks for no GPU.
	none := e2e.WithEnv(e2e.Xrun(t, dir, "sweep", "sweep.toml", "--set", "run.gpus=[1]"), "CUDA_VISIBLE_DEVICES=")
	if _, stderr := e2e.Run(t, 0, none); !strings.Contains(stderr, "nothing to train") {
		t.Errorf("with other GPUs it says\n%s", stderr)
	}
	none = e2e.WithEnv(e2e.Xrun(t, dir, "sweep", "sweep.toml", "--set", "seeds=2"), "CUDA_VISIBLE_DEVICES=")
	if _, stderr := e2e.Run(t, 2, none); !strings.Contains(stderr, "no GPU is visible: CUDA_VISIBLE_DEVICES= has none") {
		t.Errorf("without a GPU it says\n%s", stderr)
	}
}

// Without GPUs the cores are divided: as many programs run at once as there are cores for.
func TestProgramsHaveCores(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e2e.Write(t, filepath.Join(dir, "train.sh"), countedScript)
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), `[task]
command = ["sh", "train.sh", "{n}", "1"]
metrics = ["val_loss"]
[grid]
n = [1, 2, 3, 4, 5]
[run]
cpus_per_trial = 4096
`)
	cmd := e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "plain")
	cmd.Env = slices.DeleteFunc(cmd.Env, func(v string) bool { return strings.HasPrefix(v, "CUDA_") })
	e2e.Run(t, 0, cmd)
	most, env := atOnceOf(t, filepath.Join(dir, "log"))
	if len(most) != 1 || most[""] != 1 {
		t.Errorf("at once ran %v, want 1", most)
	}
	for n := range 5 {
		if got, want := env[fmt.Sprint(n+1)], "  4096 4096 4096 4096"; got != want {
			t.Errorf("n %d had the environment %q, want %q", n+1, got, want)
		}
	}
}

// Programs that were suspended at a rung go on with the GPU that holds their memory.
func TestPrunedProgramsKeepTheirGPUs(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	e2e.Write(t, filepath.Join(dir, "train.sh"), countedScript)
	sweep := `[task]
command = ["sh", "train.sh", "{n}", "1"]
metrics = ["val_loss"]
epochs  = 3
[grid]
n = { range = [1, 9], step = 1 }
[prune]
first = 1
eta   = 3
`
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), sweep+"[run]\ngpus = 2\n")
	e2e.Run(t, 0, withGPUs(t, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "plain")))
	e2e.Write(t, filepath.Join(dir, "alone", "train.sh"), countedScript)
	e2e.Write(t, filepath.Join(dir, "alone", "sweep.toml"), sweep)
	e2e.Run(t, 0, e2e.Xrun(t, filepath.Join(dir, "alone"), "sweep", "sweep.toml", "--progress", "plain"))
	statuses := map[string]int{}
	for _, r := range e2e.Runs(t, filepath.Join(dir, "xrun.db")) {
		statuses[string(r.Status)]++
	}
	if statuses["finished"] != 3 || statuses["pruned"] != 6 {
		t.Errorf("the trials ended as %v, want 3 finished and 6 pruned", statuses)
	}
	got, want := e2e.Recorded(t, filepath.Join(dir, "xrun.db")), e2e.Recorded(t, filepath.Join(dir, "alone", "xrun.db"))
	e2e.Same(t, got, want)
}

// The plugins of a worker have a GPU for its life. No bit depends on it.
func TestObjectivesHaveGPUs(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("there is no sh")
	}
	dir := t.TempDir()
	poisson := e2e.Example(t, t.TempDir(), "poisson")
	e2e.Write(t, filepath.Join(dir, "objective"), fmt.Sprintf("#!/bin/sh\necho \"$CUDA_VISIBLE_DEVICES $OMP_NUM_THREADS\" >>'%s'\nexec '%s'\n", filepath.Join(dir, "log"), poisson))
	if err := os.Chmod(filepath.Join(dir, "objective"), 0o755); err != nil {
		t.Fatal(err)
	}
	const sweep = "seeds = 6\n[task]\nplugin = \"./objective\"\nepochs = 3\n[grid]\nlr = [0.01, 0.1]\n[run]\n"
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), sweep+"gpus = \"all\"\ncpus_per_trial = 1\n")
	e2e.Write(t, filepath.Join(dir, "plain.toml"), "name = \"sweep\"\n"+sweep+"workers = 1\n")
	_, said := e2e.Run(t, 0, withGPUs(t, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "plain")))
	if want := "2 GPUs, 2 cohorts at once, 1 thread each\n"; !strings.Contains(said, want) {
		t.Errorf("the sweep says\n%s\nwant %q", said, want)
	}
	text, err := os.ReadFile(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	var shared []string // of the processes that trained; others only look at settings
	for _, line := range strings.Split(string(text), "\n") {
		if strings.TrimSpace(line) != "" {
			shared = append(shared, line)
		}
	}
	slices.Sort(shared)
	if want := []string{"0 1", "1 1"}; !slices.Equal(shared, want) {
		t.Errorf("processes of the plugin had %q, want %q", shared, want)
	}
	db := e2e.OpenStore(t, filepath.Join(dir, "xrun.db"))
	for _, r := range e2e.Runs(t, filepath.Join(dir, "xrun.db")) {
		events, err := db.Events(t.Context(), r.ID)
		if err != nil || len(events) == 0 || events[0].Kind != runner.EventShare || !strings.HasSuffix(events[0].Message, "(of 0, 1), 1 thread") {
			t.Errorf("recorded with run %d is %+v, %v", r.ID, events, err)
		}
	}
	e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "plain.toml", "--store", "plain.db", "--progress", "plain"))
	e2e.Same(t, e2e.Recorded(t, filepath.Join(dir, "xrun.db")), e2e.Recorded(t, filepath.Join(dir, "plain.db")))
}

// What CUDA itself sees, where there is a GPU.
func TestRealGPUs(t *testing.T) {
	t.Parallel()
	smi, err := exec.LookPath("nvidia-smi")
	if err != nil {
		t.Skip("nvidia-smi is not on PATH: there is no GPU to see")
	}
	out, err := exec.CommandContext(t.Context(), smi, "--query-gpu=uuid", "--format=csv,noheader").Output()
	if err != nil {
		t.Skipf("nvidia-smi lists no GPU: %v", err)
	}
	uuids := strings.Fields(string(out))
	e2e.Python(t, "ctypes; ctypes.CDLL('libcuda.so.1')")
	dir := t.TempDir()
	e2e.Write(t, filepath.Join(dir, "see.py"), `import ctypes, sys
cuda = ctypes.CDLL("libcuda.so.1")
count, device, uuid = ctypes.c_int(), ctypes.c_int(), (ctypes.c_ubyte * 16)()
for error in cuda.cuInit(0), cuda.cuDeviceGetCount(ctypes.byref(count)), cuda.cuDeviceGet(ctypes.byref(device), 0), cuda.cuDeviceGetUuid(uuid, device):
    if error:
        sys.exit("error %d of CUDA" % error)
h = bytes(uuid).hex()
with open("seen", "a") as f:
    f.write("%d GPU-%s-%s-%s-%s-%s\n" % (count.value, h[:8], h[8:12], h[12:16], h[16:20], h[20:]))
print('{"epoch": 1, "val_loss": 1}')
`)
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), fmt.Sprintf("[task]\ncommand = [\"python3\", \"see.py\", \"{n}\"]\nmetrics = [\"val_loss\"]\n[grid]\nn = { range = [1, %d], step = 1 }\n[run]\ngpus = \"all\"\nper_gpu = 2\n", 4*len(uuids)))
	cmd := e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "plain")
	cmd.Env = slices.DeleteFunc(cmd.Env, func(v string) bool { return strings.HasPrefix(v, "CUDA_") })
	e2e.Run(t, 0, cmd)
	text, err := os.ReadFile(filepath.Join(dir, "seen"))
	if err != nil {
		t.Fatal(err)
	}
	seen := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(seen) != 4*len(uuids) {
		t.Errorf("%d programs saw GPUs, want %d", len(seen), 4*len(uuids))
	}
	used := map[string]bool{}
	for _, line := range seen {
		used[strings.TrimPrefix(line, "1 ")] = true
	}
	for _, uuid := range uuids {
		if !used[uuid] {
			t.Errorf("no program saw %s", uuid)
		}
	}
	if len(used) != len(uuids) {
		t.Errorf("programs saw\n%s\nwant one of %v each", text, uuids)
	}
}
