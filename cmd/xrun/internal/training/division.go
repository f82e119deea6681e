package training

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// visibleDevices is the variable by which CUDA is told which GPUs a process sees: indices, or names that begin with GPU- or MIG-.
const visibleDevices = "CUDA_VISIBLE_DEVICES"

// threadVariables limit the threads of the libraries that compute with several: OpenMP, Intel's MKL, OpenBLAS and numexpr.
var threadVariables = []string{"OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS"}

// A gpu is one that is visible.
type gpu struct {
	name string // in CUDA_VISIBLE_DEVICES
	uuid string // empty if it is not known
}

func (g gpu) String() string {
	if _, err := strconv.Atoi(g.name); err == nil {
		return "GPU " + g.name
	}
	return g.name
}

// Shares divides this machine, of which cores may be used. The workers that begin first have different GPUs.
func Shares(ctx context.Context, d sweeps.Division, cores int) ([]runner.Share, error) {
	var threads []string
	said := ""
	if d.CPUs > 0 {
		for _, name := range threadVariables {
			threads = append(threads, fmt.Sprintf("%s=%d", name, d.CPUs))
		}
		said = stats.Count(d.CPUs, "thread", "threads")
	}
	var shares []runner.Share
	add := func(s runner.Share, said ...string) {
		s.Env = append(s.Env, threads...)
		s.Message = strings.Join(said, ", ")
		s.Detail = strings.TrimSpace(s.Detail + "\n" + strings.Join(s.Env, " "))
		shares = append(shares, s)
	}
	switch {
	case d.GPUs.IsZero() && d.CPUs == 0:
		return nil, nil
	case d.GPUs.IsZero():
		for range max(1, cores/d.CPUs) {
			add(runner.Share{}, said)
		}
		return shares, nil
	}
	all, err := chosen(ctx, d.GPUs)
	if err != nil {
		return nil, err
	}
	for range d.PerGPU {
		for _, g := range all {
			parts := []string{fmt.Sprintf("%s (of %s)", g, names(all))}
			if d.PerGPU > 1 {
				parts = append(parts, fmt.Sprintf("shared by %d", d.PerGPU))
			}
			if said != "" {
				parts = append(parts, said)
			}
			s := runner.Share{Device: g.name, Env: []string{visibleDevices + "=" + g.name}, Detail: g.uuid}
			if g.uuid != "" { // its index is nvidia-smi's, and CUDA counts the fastest first unless it is told otherwise
				s.Env = append(s.Env, "CUDA_DEVICE_ORDER=PCI_BUS_ID")
			}
			add(s, parts...)
		}
	}
	return shares, nil
}

// AtOnce is how many of the shares are used: all, or as many as there are to be workers at most, if that is above 0.
func AtOnce(shares []runner.Share, workers int) int {
	if workers > 0 {
		return min(workers, len(shares))
	}
	return len(shares)
}

// DescribeShares says how many trains at once on this machine, and why. what is "trial", or "cohort".
func DescribeShares(d sweeps.Division, shares []runner.Share, workers, cores int, what string) string {
	count := func(n int) string { return stats.Count(n, what, what+"s") + " at once" }
	var text string
	switch n := len(shares); {
	case d.GPUs.IsZero():
		text = fmt.Sprintf("%s / %d = %s", stats.Count(cores, "core", "cores"), d.CPUs, count(n))
	case d.PerGPU > 1:
		text = fmt.Sprintf("%s × %d = %s", stats.Count(n/d.PerGPU, "GPU", "GPUs"), d.PerGPU, count(n))
	default:
		text = fmt.Sprintf("%s, %s", stats.Count(n, "GPU", "GPUs"), count(n))
	}
	if d.CPUs > 0 {
		text += fmt.Sprintf(", %s each", stats.Count(d.CPUs, "thread", "threads"))
	}
	switch {
	case workers > len(shares):
		text += fmt.Sprintf("; there are not as many as workers = %d", workers)
	case workers > 0 && workers < len(shares):
		text += fmt.Sprintf("; with workers = %d only %s", workers, count(workers))
	}
	return text
}

// chosen are those of the visible GPUs that are asked for.
func chosen(ctx context.Context, want sweeps.GPUs) ([]gpu, error) {
	all, source, err := visible(ctx)
	if err != nil {
		return nil, advice.Usage(fmt.Errorf("[run] gpus = %s: %w", want, err),
			visibleDevices+"=0,1 in the environment says which GPUs there are, where nvidia-smi does not; without gpus in [run], programs and plugins see what xrun sees")
	}
	few := func(what string) error {
		return advice.Usage(fmt.Errorf("[run] gpus = %s: %s: %s has %s", want, what, source, stats.Count(len(all), "GPU", "GPUs")),
			`gpus = "all" takes those that there are; --set 'run.gpus="all"' does so once`)
	}
	switch {
	case len(all) == 0:
		return nil, advice.Usage(fmt.Errorf("[run] gpus = %s: no GPU is visible: %s has none", want, source), "without gpus in [run], programs and plugins see what xrun sees")
	case want.All:
		return all, nil
	case want.First > len(all):
		return nil, few("there are not as many")
	case want.First > 0:
		return all[:want.First], nil
	}
	var some []gpu
	for _, i := range want.Indices {
		if i >= len(all) {
			return nil, few(fmt.Sprintf("none of the visible GPUs, counted from 0, has the index %d", i))
		}
		some = append(some, all[i])
	}
	return some, nil
}

// visible lists the GPUs that this process may use, and says what lists them.
func visible(ctx context.Context) (all []gpu, source string, err error) {
	text, set := os.LookupEnv(visibleDevices)
	if !set {
		all, err = listed(ctx)
		return all, "nvidia-smi", err
	}
	source = fmt.Sprintf("%s=%s", visibleDevices, text)
	seen := map[string]bool{}
	for _, name := range strings.Split(text, ",") {
		name = strings.TrimSpace(name)
		if name == "" || name == "NoDevFiles" || strings.HasPrefix(name, "-") {
			break // as CUDA does: nothing from the first that there is not
		}
		if seen[name] {
			return nil, source, fmt.Errorf("%s has %s twice, and CUDA shows no GPU then", source, name)
		}
		seen[name] = true
		all = append(all, gpu{name: name})
	}
	return all, source, nil
}

// smiPatience is how long nvidia-smi may take. It loads the driver if nothing has, which takes seconds for each GPU.
const smiPatience = 30 * time.Second

// listed asks NVIDIA's driver.
func listed(ctx context.Context) ([]gpu, error) {
	limited, cancel := context.WithTimeout(ctx, smiPatience)
	defer cancel()
	cmd := exec.CommandContext(limited, "nvidia-smi", "--query-gpu=index,uuid", "--format=csv,noheader")
	cmd.WaitDelay = time.Second // for what it may have started
	out, err := cmd.Output()
	said, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, exec.ErrNotFound):
		return nil, fmt.Errorf("which GPUs there are is not known: %s is not set, and nvidia-smi, which comes with NVIDIA's driver, is not on PATH", visibleDevices)
	case limited.Err() != nil:
		return nil, fmt.Errorf("nvidia-smi has not answered for %v", smiPatience)
	case errors.As(err, &exit) && said == "":
		said, _, _ = strings.Cut(strings.TrimSpace(string(exit.Stderr)), "\n")
		fallthrough
	case errors.As(err, &exit):
		return nil, fmt.Errorf("nvidia-smi fails: %w: %s", err, advice.OneLine(said))
	case err != nil:
		return nil, fmt.Errorf("run nvidia-smi: %w", err)
	}
	var all []gpu
	for line := range strings.Lines(string(out)) {
		index, uuid, ok := strings.Cut(strings.TrimSpace(line), ",")
		if _, err := strconv.Atoi(index); !ok || err != nil {
			return nil, fmt.Errorf("nvidia-smi lists no GPUs: %s", advice.OneLine(strings.TrimSpace(line)))
		}
		all = append(all, gpu{name: index, uuid: strings.TrimSpace(uuid)})
	}
	return all, nil
}

func names(all []gpu) string {
	texts := make([]string, len(all))
	for i, g := range all {
		texts[i] = g.name
	}
	return strings.Join(texts, ", ")
}

// divide divides the machine for the sweep.
func (t *training) divide(ctx context.Context) error {
	d := t.spec.Run.Division
	if d.IsZero() || t.divided || t.Elsewhere != nil {
		return nil
	}
	t.divided = true
	shares, err := Shares(ctx, d, runtime.NumCPU())
	if err != nil {
		return err
	}
	given := t.workersGiven(t.spec)
	t.shares, t.workers = shares, AtOnce(shares, given)
	t.say(DescribeShares(d, shares, given, runtime.NumCPU(), unit(t.spec)))
	return nil
}

// unit is what a worker trains at once.
func unit(spec *sweeps.Spec) string {
	if spec.Task.Command != nil {
		return "trial"
	}
	return "cohort"
}

// planDivision says how many train at once on this machine; empty where it is not divided.
func planDivision(ctx context.Context, spec *sweeps.Spec) string {
	d := spec.Run.Division
	if d.IsZero() {
		return ""
	}
	shares, err := Shares(ctx, d, runtime.NumCPU())
	if err != nil {
		return fmt.Sprintf("how many %ss train at once is known where there are GPUs; %v", unit(spec), err)
	}
	return DescribeShares(d, shares, spec.Run.Workers, runtime.NumCPU(), unit(spec))
}
