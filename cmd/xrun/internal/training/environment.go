package training

import (
	"bufio"
	"context"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/store"
)

// Environment describes the machine of runs. It holds no environment variables and no remote addresses, which may be
// secret.
func Environment(ctx context.Context, version string) store.Environment {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	e := store.Environment{
		Host: host, CPU: cpuName(), Cores: runtime.NumCPU(), OS: runtime.GOOS, Arch: runtime.GOARCH,
		GoVersion: runtime.Version(), XrunVersion: version,
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	if out, err := exec.CommandContext(ctx, "git", "rev-parse", "HEAD").Output(); err == nil {
		e.GitCommit = strings.TrimSpace(string(out))
		out, err := exec.CommandContext(ctx, "git", "status", "--porcelain", "--untracked-files=no").Output()
		e.GitDirty = err != nil || len(out) > 0
	}
	return e
}

func cpuName() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}
