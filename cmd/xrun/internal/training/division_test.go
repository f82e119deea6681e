//go:build unix

package training

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/sweeps"
)

// onPath makes a folder with programs the only one on PATH.
func onPath(t *testing.T, scripts map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range scripts {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", dir)
}

// unset takes a variable out of the environment of a test.
func unset(t *testing.T, name string) {
	t.Helper()
	t.Setenv(name, "") // so that it is put back
	os.Unsetenv(name)
}

const twoGPUs = `[ "$*" = "--query-gpu=index,uuid --format=csv,noheader" ] || exit 9
echo "0, GPU-aaaa"
echo "1, GPU-bbbb"`

func TestShares(t *testing.T) {
	all := sweeps.GPUs{All: true}
	for name, c := range map[string]struct {
		visible string // "unset" without the variable
		smi     string
		want    sweeps.Division
		cores   int
		shares  string // devices and messages
		said    string
		workers int
		wrong   string
	}{
		"nothing":           {visible: "unset"},
		"all of nvidia-smi": {visible: "unset", smi: twoGPUs, want: sweeps.Division{GPUs: all, PerGPU: 1}, shares: "0: GPU 0 (of 0, 1); 1: GPU 1 (of 0, 1)", said: "2 GPUs, 2 trials at once"},
		"several on each": {visible: "unset", smi: twoGPUs, want: sweeps.Division{GPUs: all, PerGPU: 4, CPUs: 2}, workers: 16,
			shares: strings.TrimSuffix(strings.Repeat("0: GPU 0 (of 0, 1), shared by 4, 2 threads; 1: GPU 1 (of 0, 1), shared by 4, 2 threads; ", 4), "; "),
			said:   "2 GPUs × 4 = 8 trials at once, 2 threads each; there are not as many as workers = 16"},
		"one with threads":             {visible: "0,1", want: sweeps.Division{GPUs: sweeps.GPUs{First: 1}, PerGPU: 1, CPUs: 1}, shares: "0: GPU 0 (of 0), 1 thread", said: "1 GPU, 1 trial at once, 1 thread each"},
		"an outer list":                {visible: " 3, 5 ,6", smi: twoGPUs, want: sweeps.Division{GPUs: sweeps.GPUs{Indices: []int{2, 0}}, PerGPU: 1}, workers: 1, shares: "6: GPU 6 (of 6, 3); 3: GPU 3 (of 6, 3)", said: "2 GPUs, 2 trials at once; with workers = 1 only 1 trial at once"},
		"names":                        {visible: "GPU-cccc,MIG-dddd", want: sweeps.Division{GPUs: all, PerGPU: 1}, shares: "GPU-cccc: GPU-cccc (of GPU-cccc, MIG-dddd); MIG-dddd: MIG-dddd (of GPU-cccc, MIG-dddd)", said: "2 GPUs, 2 trials at once"},
		"up to the first that is none": {visible: "2,-1,3", want: sweeps.Division{GPUs: all, PerGPU: 1}, shares: "2: GPU 2 (of 2)", said: "1 GPU, 1 trial at once"},
		"cores":                        {want: sweeps.Division{CPUs: 3}, cores: 8, shares: ": 3 threads; : 3 threads", said: "8 cores / 3 = 2 trials at once, 3 threads each"},
		"few cores":                    {want: sweeps.Division{CPUs: 3}, cores: 2, shares: ": 3 threads", said: "2 cores / 3 = 1 trial at once, 3 threads each"},
		"none visible":                 {visible: "", smi: twoGPUs, want: sweeps.Division{GPUs: all, PerGPU: 1}, wrong: `gpus = "all": no GPU is visible: CUDA_VISIBLE_DEVICES= has none`},
		"none of a job":                {visible: "NoDevFiles", want: sweeps.Division{GPUs: all, PerGPU: 1}, wrong: "no GPU is visible"},
		"twice":                        {visible: "1,1", want: sweeps.Division{GPUs: all, PerGPU: 1}, wrong: "has 1 twice"},
		"too few":                      {visible: "unset", smi: twoGPUs, want: sweeps.Division{GPUs: sweeps.GPUs{First: 3}, PerGPU: 1}, wrong: "gpus = 3: there are not as many: nvidia-smi has 2 GPUs"},
		"no such index":                {visible: "4", want: sweeps.Division{GPUs: sweeps.GPUs{Indices: []int{0, 4}}, PerGPU: 1}, wrong: "gpus = [0, 4]: none of the visible GPUs, counted from 0, has the index 4: CUDA_VISIBLE_DEVICES=4 has 1 GPU"},
		"no nvidia-smi":                {visible: "unset", want: sweeps.Division{GPUs: all, PerGPU: 1}, wrong: "nvidia-smi, which comes with NVIDIA's driver, is not on PATH"},
		"a broken driver":              {visible: "unset", smi: "echo NVIDIA-SMI has failed; exit 9", want: sweeps.Division{GPUs: all, PerGPU: 1}, wrong: "nvidia-smi fails: exit status 9: NVIDIA-SMI has failed"},
		"another error":                {visible: "unset", smi: "echo no permission >&2; exit 4", want: sweeps.Division{GPUs: all, PerGPU: 1}, wrong: "nvidia-smi fails: exit status 4: no permission"},
		"no devices":                   {visible: "unset", smi: "echo No devices were found", want: sweeps.Division{GPUs: all, PerGPU: 1}, wrong: "nvidia-smi lists no GPUs: No devices were found"},
		"silence":                      {visible: "unset", smi: ":", want: sweeps.Division{GPUs: all, PerGPU: 1}, wrong: "no GPU is visible: nvidia-smi has none"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv(visibleDevices, c.visible)
			if c.visible == "unset" {
				unset(t, visibleDevices)
			}
			scripts := map[string]string{}
			if c.smi != "" {
				scripts["nvidia-smi"] = c.smi
			}
			onPath(t, scripts)
			shares, err := Shares(t.Context(), c.want, c.cores)
			if c.wrong != "" {
				if hint, _ := advice.HintOf(err); err == nil || !strings.Contains(err.Error(), c.wrong) || hint == "" {
					t.Fatalf("the error is %v, with the hint %q; want %q", err, hint, c.wrong)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, s := range shares {
				got = append(got, s.Device+": "+s.Message)
				var want []string
				if !c.want.GPUs.IsZero() {
					want = append(want, "CUDA_VISIBLE_DEVICES="+s.Device)
					if c.visible == "unset" {
						want = append(want, "CUDA_DEVICE_ORDER=PCI_BUS_ID")
					}
				}
				if n := map[int]string{1: "1", 2: "2", 3: "3"}[c.want.CPUs]; n != "" {
					want = append(want, "OMP_NUM_THREADS="+n, "MKL_NUM_THREADS="+n, "OPENBLAS_NUM_THREADS="+n, "NUMEXPR_NUM_THREADS="+n)
				}
				if !slices.Equal(s.Env, want) {
					t.Errorf("the environment is %q, want %q", s.Env, want)
				}
				if !strings.Contains(s.Detail, strings.Join(want, " ")) || c.visible == "unset" && !strings.HasPrefix(s.Detail, "GPU-") {
					t.Errorf("what is recorded of it is %q", s.Detail)
				}
			}
			if text := strings.Join(got, "; "); text != c.shares {
				t.Errorf("the shares are\n%s\nwant\n%s", text, c.shares)
			}
			if c.said == "" {
				return
			}
			if said := DescribeShares(c.want, shares, c.workers, c.cores, "trial"); said != c.said {
				t.Errorf("it is said %q, want %q", said, c.said)
			}
		})
	}
}

// An nvidia-smi that hangs does not hold up a sweep that is being stopped.
func TestAskingForGPUsEndsWithTheSweep(t *testing.T) {
	unset(t, visibleDevices)
	path := os.Getenv("PATH")
	onPath(t, map[string]string{"nvidia-smi": "PATH='" + path + "' exec sleep 100"})
	ctx, stop := context.WithCancelCause(t.Context())
	time.AfterFunc(50*time.Millisecond, func() { stop(errors.New("enough")) })
	if _, err := Shares(ctx, sweeps.Division{GPUs: sweeps.GPUs{All: true}, PerGPU: 1}, 1); err == nil || !strings.Contains(err.Error(), "enough") {
		t.Errorf("the error is %v, want that of the sweep", err)
	}
}
