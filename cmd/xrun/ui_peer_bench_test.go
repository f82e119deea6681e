package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e/browser"
)

// peerTrials puts the trials of a database of xrun in one of Optuna. It leaves out their epochs, which spares Optuna work.
//
//go:embed testdata/optuna_trials.py
var peerTrials string

// peerPatience is the longest that a page may take to show its best trial.
const peerPatience = 60 * time.Second

// BenchmarkPeer opens the same trials in `xrun ui` and in optuna-dashboard, 200 and 10,000, one after the other: bytes over the
// wire until the answer is visible, how long that takes from the request for the page, and the memory of the server after it.
// It needs a Python that has both of Optuna's packages:
//
//	python3 -m venv peer && peer/bin/pip install optuna optuna-dashboard
//	XRUN_BENCH_OPTUNA=$PWD/peer/bin/python go test ./cmd/xrun -run xxx -bench BenchmarkPeer -benchtime 1x
//
// XRUN_BENCH_DB=DIR keeps the databases: Optuna takes minutes to write 10,000 trials.
func BenchmarkPeer(b *testing.B) {
	python := os.Getenv("XRUN_BENCH_OPTUNA")
	if python == "" {
		const reason = "optuna-dashboard is left out: XRUN_BENCH_OPTUNA names no Python that has it"
		say(reason) // a benchmark that is skipped says nothing without -v
		b.Skip(reason)
	}
	if runtime.GOOS != "linux" {
		b.Skip("the memory of a process is read from /proc")
	}
	for _, size := range []struct{ lrs, lambdas int }{{5, 4}, {25, 40}} {
		trials, path := 10*size.lrs*size.lambdas, benchStore(b, size.lrs, size.lambdas, 100)
		server, page, token := servedPage(b, path)
		peerPage(b, trials, "xrun ui", page+"?token="+token, `document.querySelector('#view .arms [data-p]')`, server)
		server, page = optunaDashboard(b, python, optunaStore(b, python, path))
		peerPage(b, trials, "optuna-dashboard", page+"dashboard/studies/1", `/Best Trial \(number=\d+\)/.test(document.body.innerText)`, server)
	}
	for b.Loop() {
		_ = runtime.NumGoroutine()
	}
	b.ReportMetric(0, "ns/op")
}

// peerPage prints what it takes until an expression is true of a page in a new tab.
func peerPage(b *testing.B, trials int, name, address, visible string, server *exec.Cmd) {
	tab := browser.New(b)
	took, seen := tab.Seen(peerPatience, address, visible)
	kB := 0.0
	for _, s := range tab.Received() {
		kB += s.Bytes / 1e3
	}
	now, most := memoryOf(server)
	when := fmt.Sprintf("visible after %6.2f s", took.Seconds())
	if !seen {
		when = fmt.Sprintf("not visible in %v", peerPatience)
	}
	say("%6d trials  %-18s best trial %-24s %8.1f kB  server %6.1f MB, at most %.1f", trials, name, when, kB, now, most)
	tab.Wrong() // a peer's console is its own
}

// optunaStore is a database of Optuna beside one of xrun, with the same trials.
func optunaStore(b *testing.B, python, path string) (made string) {
	b.Helper()
	made = path + ".optuna"
	if _, err := os.Stat(made); err == nil {
		return made
	}
	part := filepath.Join(b.TempDir(), "optuna.db")
	if out, err := exec.Command(python, "-c", peerTrials, path, part).CombinedOutput(); err != nil {
		b.Fatalf("%s cannot write trials with Optuna: %v: %s", python, err, out)
	}
	whole, err := os.ReadFile(part)
	if err == nil {
		err = os.WriteFile(made, whole, 0o600)
	}
	if err != nil {
		b.Fatal(err)
	}
	return made
}

// optunaDashboard runs optuna-dashboard over a database until the benchmark ends.
func optunaDashboard(b *testing.B, python, path string) (server *exec.Cmd, page string) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	address := l.Addr().(*net.TCPAddr)
	l.Close()
	var said bytes.Buffer
	// wsgiref serves in the process itself, so that its memory is that of the server.
	server = exec.Command(filepath.Join(filepath.Dir(python), "optuna-dashboard"), "--quiet", "--server", "wsgiref", "--port", fmt.Sprint(address.Port), "sqlite:///"+path)
	server.Stdout, server.Stderr = &said, &said
	if err := server.Start(); err != nil {
		b.Fatalf("start optuna-dashboard beside %s: %v", python, err)
	}
	b.Cleanup(func() { server.Process.Signal(syscall.SIGTERM); server.Wait() })
	page = fmt.Sprintf("http://%s/", address)
	for end := time.Now().Add(peerPatience); ; time.Sleep(50 * time.Millisecond) {
		got, err := http.Get(page + "favicon.ico")
		if err == nil {
			got.Body.Close()
			return server, page
		}
		if time.Now().After(end) {
			b.Fatalf("optuna-dashboard does not answer: %v: %s", err, said.Bytes())
		}
	}
}
