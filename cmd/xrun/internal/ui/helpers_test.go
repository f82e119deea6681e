package ui

import (
	"bufio"
	"cmp"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
)

// TestMain lets the test binary be the program that a page starts.
func TestMain(m *testing.M) {
	if os.Getenv("XRUN_UI_TEST_PROGRAM") != "" {
		fmt.Println("ran with", strings.Join(os.Args[1:], " "))
		fmt.Print(strings.Repeat("x", 100_000))
		fmt.Fprintln(os.Stderr, "the end")
		os.Exit(3)
	}
	os.Exit(m.Run())
}

// A grid is a sweep of two optimizers for a test.
type grid struct {
	name                          string
	dataset                       string // digits unless it says otherwise
	lrs, lambdas, seeds, epochs   int
	failed, diverged, left, began int // how many trials, from the first on, have ended so; are not begun; are in training
}

// trials are those of the grid.
func (g grid) trials() (trials []runner.Trial) {
	task := runner.Task{Model: "softmax", Epochs: g.epochs, Training: runner.Training{DType: plugins.Float64},
		Native: runner.Native{Batch: 64, Supervised: runner.Supervised{Dataset: cmp.Or(g.dataset, "digits"), Digest: g.name, Target: "digit", Kind: "classification", Validation: 0.2, Standardize: true, Sampling: "shuffle"}}}
	l2 := runner.Choice{Label: "l2", Component: "l2", Identity: "builtin:l2@1"}
	for _, optimizer := range []string{"sgd", "adam"} {
		for i := range g.lrs {
			for j := range g.lambdas {
				for seed := range g.seeds {
					t := runner.Trial{Task: task, LR: 1e-3 * math.Pow(10, 3*float64(i)/float64(max(1, g.lrs-1))), Seed: int64(seed), Optimizer: runner.Choice{Label: optimizer, Component: optimizer, Identity: "builtin:" + optimizer + "@1"}}
					if j > 0 {
						t.Regularizer, t.Lambda = &l2, 1e-3*math.Pow(10, float64(j))
					}
					trials = append(trials, t)
				}
			}
		}
	}
	return trials
}

// valueOf is the metric of a trial at its end, different for each.
func valueOf(t runner.Trial) float64 {
	v := 0.1 + 0.05*math.Pow(math.Log10(t.LR)+2, 2) + 0.01*math.Abs(t.Lambda-0.1) + 0.002*float64(t.Seed)
	if t.Optimizer.Label == "adam" {
		v *= 0.8 + 0.01*float64(t.Seed)
	}
	return v
}

func try(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// record writes a sweep into an open database, as training does.
func record(t testing.TB, db *store.Store, g grid) (id int64, begun []runner.Begun, recorder *store.Recorder) {
	t.Helper()
	ctx := context.Background()
	trials := g.trials()
	id, err := db.PutSweep(ctx, store.Sweep{Name: g.name, File: g.name + ".toml", Digest: g.name, Metric: "val_loss", Goal: "min", At: "best"}, trials)
	try(t, err)
	recorder = db.Recorder(id, store.Environment{Host: "here"}, nil)
	for from := 0; from < len(trials)-g.left; from += 64 {
		some := trials[from:min(from+64, len(trials)-g.left)]
		started, err := recorder.Begin(ctx, some)
		try(t, err)
		for e := range g.epochs + 1 {
			var u runner.Update
			for i, trial := range some {
				v := valueOf(trial) + 2*math.Exp(-8*float64(e)/float64(g.epochs))
				if from+i >= len(trials)-g.left-g.began && e > 1 {
					continue
				}
				u.Points = append(u.Points, runner.Points{Run: started[i].Run, Epoch: e, Metrics: []string{"train_loss", "val_loss"}, Values: []float64{0.9 * v, v}})
			}
			try(t, recorder.Record(ctx, u))
		}
		var u runner.Update
		for i, trial := range some {
			end := runner.End{Run: started[i].Run, Status: runner.StatusFinished, Epochs: g.epochs, Kept: &runner.Kept{Epoch: g.epochs, Value: valueOf(trial) + 2*math.Exp(-8)}}
			switch n := from + i; {
			case n < g.failed:
				end = runner.End{Run: started[i].Run, Status: runner.StatusFailed, Epochs: g.epochs, Reason: "plugin crashed", Error: "a first line\nthe last words of it"}
			case n < g.failed+g.diverged:
				end = runner.End{Run: started[i].Run, Status: runner.StatusDiverged, Epochs: g.epochs, Reason: "loss is NaN"}
			case n >= len(trials)-g.left-g.began:
				continue
			}
			u.Ends = append(u.Ends, end)
		}
		try(t, recorder.Record(ctx, u))
		begun = append(begun, started...)
	}
	try(t, recorder.Flush(ctx))
	return id, begun, recorder
}

// filled is the path of a database with sweeps.
func filled(t testing.TB, grids ...grid) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "xrun.db")
	db, err := store.Open(context.Background(), path, store.Options{})
	try(t, err)
	for _, g := range grids {
		record(t, db, g)
	}
	try(t, db.Close())
	return path
}

var small = grid{name: "small", lrs: 4, lambdas: 3, seeds: 3, epochs: 5}

// A served is a server that listens on a loopback address.
type served struct {
	*Server
	t    testing.TB
	host string
	end  func()
}

// serve serves a database until the test ends. change changes the server before it listens.
func serve(t testing.TB, o Options, change ...func(*Server)) *served {
	t.Helper()
	s, err := New(context.Background(), o)
	try(t, err)
	for _, f := range change {
		f(s)
	}
	l, err := Listen("127.0.0.1:0")
	try(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(ctx, l) }()
	var once bool
	v := &served{s, t, l.Addr().String(), nil}
	v.end = func() {
		if once {
			return
		}
		once = true
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the server ends with %v", err)
		}
	}
	t.Cleanup(v.end)
	return v
}

// A reply is what a request was answered with.
type reply struct {
	code   int
	header http.Header
	body   string
}

var direct = &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}

// ask sends a request. Headers are "Name: value"; Host is one of them. The token is sent unless a header is an empty text.
func (v *served) ask(method, path string, headers ...string) reply {
	v.t.Helper()
	r, err := http.NewRequest(method, "http://"+v.host+path, nil)
	try(v.t, err)
	r.Header.Set("Authorization", "Bearer "+v.Token())
	r.Header.Set("Accept-Encoding", "gzip") // as browsers do
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		switch name {
		case "":
			r.Header.Del("Authorization")
		case "Host":
			r.Host = value
		default:
			r.Header.Set(name, value)
		}
	}
	got, err := direct.Do(r)
	try(v.t, err)
	defer got.Body.Close()
	var from io.Reader = got.Body
	if got.Header.Get("Content-Encoding") == "gzip" && method != "HEAD" {
		from, err = gzip.NewReader(from)
		try(v.t, err)
	}
	body, err := io.ReadAll(from)
	try(v.t, err)
	return reply{got.StatusCode, got.Header, string(body)}
}

func (v *served) get(path string, headers ...string) reply {
	v.t.Helper()
	return v.ask("GET", path, headers...)
}

// read reads the JSON of an answer.
func (v *served) read(into any, path string) {
	v.t.Helper()
	r := v.get(path)
	if r.code != http.StatusOK {
		v.t.Fatalf("%s is answered with %d: %s", path, r.code, r.body)
	}
	if err := json.Unmarshal([]byte(r.body), into); err != nil {
		v.t.Fatalf("%s: %v in %s", path, err, r.body)
	}
}

// A stream is events as they come.
type stream struct {
	t      testing.TB
	body   io.ReadCloser
	events chan [2]string // name and data
}

func (v *served) stream(query string) *stream {
	v.t.Helper()
	r, err := http.NewRequest("GET", "http://"+v.host+"/api/v1/events"+query, nil)
	try(v.t, err)
	r.Header.Set("Authorization", "Bearer "+v.Token())
	got, err := direct.Do(r)
	try(v.t, err)
	if got.StatusCode != http.StatusOK {
		v.t.Fatalf("events are answered with %d", got.StatusCode)
	}
	s := &stream{v.t, got.Body, make(chan [2]string, 100)}
	go func() {
		defer close(s.events)
		name := ""
		for lines := bufio.NewScanner(got.Body); lines.Scan(); {
			if text, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
				name = text
			}
			if text, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
				s.events <- [2]string{name, text}
			}
		}
	}()
	v.t.Cleanup(func() { got.Body.Close() })
	return s
}

// until waits for an event that has a text.
func (s *stream) until(name, text string) string {
	s.t.Helper()
	for e := range s.events {
		if e[0] == name && strings.Contains(e[1], text) {
			return e[1]
		}
	}
	s.t.Fatalf("the stream ends without an event %s with %q", name, text)
	return ""
}

// raw sends bytes as they are, and returns the first line of the answer; empty if there is none.
func (v *served) raw(text string) string {
	v.t.Helper()
	c, err := net.Dial("tcp", v.host)
	try(v.t, err)
	defer c.Close()
	io.WriteString(c, text)
	line, _ := bufio.NewReader(c).ReadString('\n')
	return strings.TrimSpace(line)
}
