// Package mlflow tries what programs log with MLflow, with its own client.
package mlflow

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/tests"
	"github.com/xrun-dev/xrun/store"
)

// mostly is what a server or a program may take on a machine that does much else.
const mostly = 5 * time.Minute

// clients are interpreters with MLflow: the one on PATH, the one of the command mlflow, and those that XRUN_TEST_MLFLOW2 names, as PATH does.
func clients(t *testing.T, modules string) (all []string) {
	t.Helper()
	tests.NeedExamples(t, "imports mlflow")
	var candidates []string
	if path, err := exec.LookPath("python3"); err == nil {
		candidates = append(candidates, path)
	}
	if path, err := exec.LookPath("mlflow"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			candidates = append(candidates, filepath.Join(filepath.Dir(path), "python"))
		}
	}
	candidates = append(candidates, filepath.SplitList(os.Getenv("XRUN_TEST_MLFLOW2"))...)
	seen := map[string]bool{}
	var why []string
	for _, path := range candidates {
		out, err := exec.Command(path, "-c", "import "+modules+", mlflow; print(mlflow.__version__)").CombinedOutput()
		version := strings.TrimSpace(string(out))
		if err != nil {
			why = append(why, path+": "+version[strings.LastIndex(version, "\n")+1:])
		} else if !seen[version] {
			seen[version] = true
			all = append(all, path)
			t.Logf("%s has mlflow %s", path, version)
		}
	}
	if len(all) == 0 {
		t.Skipf("no interpreter has %s and mlflow: %s", modules, strings.Join(why, "; "))
	}
	return all
}

// A server is xrun serve at work.
type server struct {
	cmd     *exec.Cmd
	address string
	token   string
	out     *said
	ended   chan struct{}
}

// said is what a server says, on both of its outputs.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(text []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(text)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

var exported = regexp.MustCompile(`^export MLFLOW_TRACKING_(URI|TOKEN)=(.*)`)

// serve starts a server in a directory, and waits until it listens.
func serve(t *testing.T, dir, listen string, more ...string) *server {
	t.Helper()
	s := &server{cmd: e2e.Xrun(t, dir, append([]string{"serve", "--mlflow", "--listen", listen}, more...)...), out: &said{}, ended: make(chan struct{})}
	pipe, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	s.cmd.Stderr = s.out
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.cmd.Process.Kill() })
	listening := make(chan bool, 1)
	go func() {
		defer close(s.ended)
		lines := bufio.NewScanner(pipe)
		for lines.Scan() {
			if m := exported.FindStringSubmatch(lines.Text()); m != nil && m[1] == "URI" {
				s.address = m[2]
			} else if m != nil {
				s.token = m[2]
			}
			fmt.Fprintln(s.out, lines.Text())
			if strings.Contains(lines.Text(), "Ctrl-C") {
				listening <- true
			}
		}
		close(listening)
	}()
	select {
	case ok := <-listening:
		if !ok {
			s.cmd.Wait()
			t.Fatalf("the server has ended:\n%s", s.out)
		}
	case <-time.After(mostly):
		t.Fatal("the server does not listen")
	}
	return s
}

// stop ends a server in order.
func (s *server) stop(t *testing.T) {
	t.Helper()
	s.cmd.Process.Signal(os.Interrupt)
	<-s.ended
	if err := s.cmd.Wait(); err != nil {
		t.Fatalf("the server ended with %v:\n%s", err, s.out)
	}
	if strings.Contains(s.out.String(), "not recorded") || strings.Contains(s.out.String(), "sent away") {
		t.Errorf("the server says\n%s", s.out)
	}
}

// kill ends a server at once.
func (s *server) kill() {
	s.cmd.Process.Kill()
	<-s.ended
	s.cmd.Wait()
}

// python runs a program that logs to a server.
func (s *server) python(t *testing.T, dir, interpreter, program string, args ...string) string {
	t.Helper()
	cmd, cancel := s.command(t, dir, interpreter, program, args...)
	defer cancel()
	var out, err bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &err
	if e := cmd.Run(); e != nil {
		t.Fatalf("%s: %v\n%s\n%s\nthe server says\n%s", program, e, &out, &err, s.out)
	}
	return out.String()
}

func (s *server) command(t *testing.T, dir, interpreter, program string, args ...string) (*exec.Cmd, context.CancelFunc) {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", program))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), mostly)
	cmd := exec.CommandContext(ctx, interpreter, append([]string{"-B", path}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "MLFLOW_TRACKING_URI="+s.address, "MLFLOW_TRACKING_TOKEN="+s.token, "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR=1", "MLFLOW_HTTP_REQUEST_BACKOFF_JITTER=0",
		"MLFLOW_HTTP_REQUEST_MAX_RETRIES=9", "GIT_PYTHON_REFRESH=quiet", "MLFLOW_DISABLE_TELEMETRY=true")
	return cmd, cancel
}

// checked has the database looked at, and returns the curves of its runs by their ids of MLflow.
func checked(t *testing.T, dir string) map[string]*logged {
	t.Helper()
	out, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "db", "check"))
	if !strings.Contains(out, "nothing is wrong") {
		t.Errorf("xrun db check says %s", out)
	}
	db := e2e.OpenStore(t, filepath.Join(dir, "xrun.db"))
	runs, err := db.Runs(t.Context(), store.RunQuery{})
	if err != nil {
		t.Fatal(err)
	}
	byID := map[int64]store.Run{}
	for _, r := range runs {
		byID[r.ID] = r
	}
	all := map[string]*logged{}
	err = db.Told(t.Context(), "mlflow", "", func(told store.Told) error {
		l := &logged{Run: byID[told.Run], curves: map[string][]runner.CurvePoint{}}
		metrics, err := db.Metrics(t.Context(), told.Run)
		if err != nil {
			return err
		}
		for _, m := range metrics {
			if l.curves[m.Metric], err = db.Curve(t.Context(), told.Run, m.Metric); err != nil {
				return err
			}
		}
		if l.settings, err = settingsOf(t, db, l.Trial); err != nil {
			return err
		}
		all[told.Token] = l
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) != len(runs) {
		t.Errorf("%d runs are recorded, and %d of MLflow", len(runs), len(all))
	}
	return all
}

// A logged is a recorded run.
type logged struct {
	store.Run
	curves   map[string][]runner.CurvePoint
	settings map[string]string
}

func settingsOf(t *testing.T, db *store.Store, key runner.Key) (map[string]string, error) {
	all := map[string]string{}
	settings, err := db.TrialSettings(t.Context(), key)
	for _, s := range settings {
		all[s.Path] = s.Value.String()
	}
	return all, err
}

// A whole session of each client, and what another server says of it.
func TestSession(t *testing.T) {
	for _, interpreter := range clients(t, "math") {
		t.Run(filepath.Base(filepath.Dir(filepath.Dir(interpreter))), func(t *testing.T) {
			dir := t.TempDir()
			s := serve(t, dir, "127.0.0.1:0")
			ids := strings.Fields(s.python(t, dir, interpreter, "session.py"))
			s.stop(t)
			check := func(more int) {
				runs := checked(t, dir)
				one, child := runs[ids[len(ids)-2]], runs[ids[len(ids)-1]]
				if one == nil || child == nil || len(runs) != 2 {
					t.Fatalf("recorded are %v, want %v", runs, ids)
				}
				if one.Status != runner.StatusFinished || one.Sweep != "first" || one.Seed != 7 || one.LR != 0.1 || one.settings["late"] != "yes" || one.settings["depth"] != "3" {
					t.Errorf("the run is %+v with %v", one.Run, one.settings)
				}
				if n := len(one.curves["val_loss"]); n != 20 {
					t.Errorf("val_loss has %d values, want 20", n)
				}
				if c := one.curves["acc"]; len(c) != 20 || c[2].Value != 0.99 {
					t.Errorf("acc is %v, want the later value of step 2", c)
				}
				if c := one.curves["nan"]; len(c) != 1 || c[0].Value == c[0].Value {
					t.Errorf("nan is %v", c)
				}
				if c := child.curves["m"]; len(c) != 2 || c[0] != (runner.CurvePoint{Epoch: 1, Value: 1.5}) || c[1] != (runner.CurvePoint{Epoch: 2, Value: 2.5}) {
					t.Errorf("values without steps are %v, want them counted", c)
				}
				if n := len(one.curves["later"]); n != more {
					t.Errorf("the metric of a later server has %d values, want %d", n, more)
				}
			}
			check(0)
			s = serve(t, dir, "127.0.0.1:0")
			s.python(t, dir, interpreter, "again.py", ids[len(ids)-2:]...)
			s.stop(t)
			check(1)
			if left, _ := filepath.Glob(filepath.Join(dir, "xrun.db.journals", "*")); len(left) != 1 {
				t.Errorf("the journals %v stay, want that of experiments alone", left)
			}
		})
	}
}

// Programs with autologging of scikit-learn land in the database: fits, what is logged after them, and children of a search.
func TestAutologOfScikitLearn(t *testing.T) {
	for _, interpreter := range clients(t, "sklearn, pandas") {
		t.Run(filepath.Base(filepath.Dir(filepath.Dir(interpreter))), func(t *testing.T) {
			dir := t.TempDir()
			s := serve(t, dir, "127.0.0.1:0")
			out := s.python(t, dir, interpreter, "autolog_sklearn.py")
			s.stop(t)
			runs := checked(t, dir)
			values, after, finished := 0, 0, 0
			for line := range strings.Lines(out) {
				f := strings.Fields(line)
				if len(f) != 5 || len(f[0]) != 32 {
					continue
				}
				id, metric, c := f[0], f[1], f[4]
				want, err := strconv.ParseFloat(f[2], 64)
				if err != nil {
					t.Fatal(err)
				}
				r := runs[id]
				if r == nil {
					t.Fatalf("run %s is not recorded", id)
				}
				if curve := r.curves[metric]; len(curve) != 1 || curve[0].Value != want {
					t.Errorf("%s of %s is %v, want %v", metric, id, curve, want)
				}
				if c != "-" && r.settings["C"] != c {
					t.Errorf("C of %s is %q, want %q", id, r.settings["C"], c)
				}
				values++
				if strings.Contains(metric, "_x_val") || strings.Contains(metric, "unknown_dataset") || strings.HasPrefix(metric, "LogisticRegression_score") {
					after++
				}
			}
			for _, r := range runs {
				if r.Status == runner.StatusFinished {
					finished++
				}
			}
			if finished != 4 || values < 15 || after == 0 {
				t.Errorf("%d runs are finished, want a fit, a search and its two children; %d values, %d of them logged after the fit:\n%s", finished, values, after, out)
			}
			if files := e2e.Below(t, filepath.Join(dir, "xrun.db.artifacts")); !strings.Contains(strings.Join(files, "\n"), "model.") {
				t.Errorf("the models are not among the artifacts: %v", files)
			}
			onThePage(t, dir, interpreter, out)
		})
	}
}

// onThePage fails the test unless MLflow's client, and its page's server where that is installed, find in the database what a client of the
// server has printed, read by the tracking store of the Python package.
func onThePage(t *testing.T, dir, interpreter, printed string) {
	t.Helper()
	rows := func(text, of string) (all []string) {
		for line := range strings.Lines(text) {
			switch f := strings.Fields(line); {
			case of == "" && len(f) == 5 && len(f[0]) == 32:
				all = append(all, f[1]+" "+f[2]+" "+f[4])
			case len(f) == 4 && f[0] == of:
				all = append(all, strings.Join(f[1:], " "))
			}
		}
		slices.Sort(all)
		return all
	}
	script, err := filepath.Abs(filepath.Join("testdata", "page.py"))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), interpreter, script, filepath.Join(dir, "xrun.db"), e2e.Path("plugins", "python"))
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s%s", err, out, errs.String())
	}
	want := rows(printed, "")
	if got := rows(string(out), "client"); !slices.Equal(got, want) {
		t.Errorf("the client finds in the database\n%q\nwant\n%q", got, want)
	}
	switch got := rows(string(out), "server"); {
	case strings.Contains(string(out), "page True") && !slices.Equal(got, want):
		t.Errorf("the page's server finds in the database\n%q\nwant\n%q", got, want)
	case !strings.Contains(string(out), "page "):
		t.Logf("%s has no page: the server of it is not asked", interpreter)
	}
}

// Lightning with autologging, and a loop that logs by itself.
func TestAutologOfPyTorch(t *testing.T) {
	interpreter := clients(t, "torch, lightning")[0]
	dir := t.TempDir()
	s := serve(t, dir, "127.0.0.1:0")
	out := s.python(t, dir, interpreter, "autolog_torch.py")
	s.stop(t)
	runs := checked(t, dir)
	fromZero := map[string]bool{} // all runs go on after their first step
	for line := range strings.Lines(out) {
		if f := strings.Fields(line); len(f) == 4 && f[2] == "0" {
			fromZero[f[0]] = true
		}
	}
	values := 0
	for line := range strings.Lines(out) {
		f := strings.Fields(line)
		if len(f) != 4 || len(f[0]) != 32 {
			continue
		}
		step, err := strconv.Atoi(f[2])
		if err != nil {
			t.Fatal(err)
		}
		want, err := strconv.ParseFloat(f[3], 64)
		if err != nil {
			t.Fatal(err)
		}
		r := runs[f[0]]
		if r == nil {
			t.Fatalf("run %s is not recorded", f[0])
		}
		if fromZero[f[0]] {
			step++
		}
		found := false
		for _, p := range r.curves[f[1]] {
			found = found || p.Epoch == step && p.Value == want
		}
		if !found {
			t.Errorf("%s has no %v at step %d: %v", f[1], want, step, r.curves[f[1]])
		}
		values++
	}
	if len(runs) != 2 || values < 12 {
		t.Errorf("%d runs and %d values, want that of Lightning and that of the loop:\n%s", len(runs), values, out)
	}
}

// A server that is killed again and again loses nothing that it has answered, and its client goes on.
func TestKilledServer(t *testing.T) {
	interpreter := clients(t, "math")[0]
	random := tests.Random(t)
	dir := t.TempDir()
	noted := filepath.Join(dir, "noted")
	const count = 300
	s := serve(t, dir, "127.0.0.1:0")
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(s.address, "http://"))
	cmd, cancel := s.command(t, dir, interpreter, "steady.py", "steady", strconv.Itoa(count), noted)
	defer cancel()
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	kills := 3
	if tests.Long() {
		kills = 12
	}
	for n := range kills {
		at := (n + 1) * count / (kills + 1)
		for deadline := time.Now().Add(mostly); lines(noted) < at; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("the program is at %d:\n%s\n%s", lines(noted), &out, s.out)
			}
		}
		time.Sleep(time.Duration(random.IntN(50)) * time.Millisecond)
		s.kill()
		s = serve(t, dir, "127.0.0.1:"+port)
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("the program: %v\n%s", err, &out)
	}
	if random.IntN(2) == 0 { // its end is in the journal alone
		s.kill()
		s = serve(t, dir, "127.0.0.1:"+port)
	}
	s.stop(t)
	runs := checked(t, dir)
	f, err := os.Open(noted)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	seen := 0
	for scan := bufio.NewScanner(f); scan.Scan(); seen++ {
		words := strings.Fields(scan.Text())
		r := runs[words[0]]
		want, _ := strconv.ParseFloat(words[2], 64)
		if r == nil || len(r.curves["val_loss"]) <= seen {
			t.Fatalf("value %d was answered, and is lost", seen)
		}
		if p := r.curves["val_loss"][seen]; p.Epoch != seen+1 || math.Float64bits(p.Value) != math.Float64bits(want) {
			t.Errorf("value %d is %v, want %v", seen, p, want)
		}
		if r.Status != runner.StatusFinished || len(r.curves["val_loss"]) != count || len(r.curves["twice"]) != count/5 {
			t.Fatalf("the run is %s with %d values", r.Status, len(r.curves["val_loss"]))
		}
	}
	if seen != count || len(runs) != 1 {
		t.Errorf("%d values were answered in %d runs, want %d in one", seen, len(runs), count)
	}
}

// A run that goes on while its server is ended in order is interrupted, and goes on with the next server. Without one, its journal can be imported.
func TestRunGoesOnWithTheNextServer(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, dir, "127.0.0.1:0")
	id := s.begin(t, "on")
	s.post(t, 200, "runs/log-metric", fmt.Sprintf(`{"run_id": %q, "key": "val_loss", "value": 1, "timestamp": 1, "step": 1}`, id))
	s.stop(t)
	if r := checked(t, dir)[id]; r == nil || r.Status != runner.StatusInterrupted || len(r.curves["val_loss"]) != 1 {
		t.Fatalf("the run is %+v, want it interrupted", r)
	}
	out, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "import", "journal", filepath.Join("xrun.db.journals", id+".mlflow")))
	if !strings.Contains(out, "interrupted") {
		t.Errorf("xrun import journal says %q", out)
	}
	s = serve(t, dir, "127.0.0.1:0")
	s.post(t, 200, "runs/log-metric", fmt.Sprintf(`{"run_id": %q, "key": "val_loss", "value": 0.5, "timestamp": 2, "step": "2"}`, id))
	s.post(t, 200, "runs/update", fmt.Sprintf(`{"run_id": %q, "status": "FINISHED", "end_time": 1800000000000}`, id))
	s.kill()
	e2e.Run(t, 0, e2e.Xrun(t, dir, "import", "journal", filepath.Join("xrun.db.journals", id+".mlflow")))
	if r := checked(t, dir)[id]; r.Status != runner.StatusFinished || len(r.curves["val_loss"]) != 2 {
		t.Errorf("the run is %+v, want it finished with both values", r)
	}
}

// begin begins a run of an experiment, without a client.
func (s *server) begin(t *testing.T, experiment string) string {
	t.Helper()
	made := s.post(t, 200, "experiments/create", fmt.Sprintf(`{"name": %q}`, experiment))
	number := regexp.MustCompile(`"experiment_id":"(\d+)"`).FindStringSubmatch(made)
	run := s.post(t, 200, "runs/create", fmt.Sprintf(`{"experiment_id": %q, "start_time": 1799999999000}`, number[1]))
	return regexp.MustCompile(`"run_id":"([0-9a-f]{32})"`).FindStringSubmatch(run)[1]
}

// post asks a server.
func (s *server) post(t *testing.T, status int, endpoint, body string) string {
	t.Helper()
	return s.ask(t, status, http.MethodPost, "/api/2.0/mlflow/"+endpoint, body, "Bearer "+s.token)
}

func (s *server) ask(t *testing.T, status int, method, path, body, authorization string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, s.address+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != status {
		t.Fatalf("%s %s answers %d, want %d: %s", method, path, answer.StatusCode, status, text)
	}
	return string(text)
}

// A run is another trial with each param that comes late; the trials that it was are no part of the sweep.
func TestParamsAfterMetrics(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, dir, "127.0.0.1:0")
	id := s.begin(t, "late")
	for step, epoch := range []int{0, 2, 3} { // once the run goes on after step 0, that is epoch 1
		s.post(t, 200, "runs/log-metric", fmt.Sprintf(`{"run_id": %q, "key": "val_loss", "value": %d, "timestamp": 1, "step": %d}`, id, step, step))
		for deadline := time.Now().Add(mostly); ; time.Sleep(50 * time.Millisecond) { // it is recorded live
			if text, _ := exec.Command("xrun", "sql", "--store", filepath.Join(dir, "xrun.db"), fmt.Sprintf("SELECT max(epochs) = %d AND count(*) = 1 AS yes FROM runs", epoch)).CombinedOutput(); bytes.Contains(text, []byte("1")) {
				break
			} else if time.Now().After(deadline) {
				t.Fatalf("epoch %d is not recorded live: %s", step, text)
			}
		}
		s.post(t, 200, "runs/log-parameter", fmt.Sprintf(`{"run_id": %q, "key": "p%d", "value": "%d"}`, id, step, step))
	}
	s.post(t, 200, "runs/log-metric", fmt.Sprintf(`{"run_id": %q, "key": "val_loss", "value": 7, "timestamp": 2, "step": 0}`, id))
	s.post(t, 200, "runs/update", fmt.Sprintf(`{"run_id": %q, "status": "FINISHED", "end_time": 1800000000000}`, id))
	s.stop(t)
	runs := checked(t, dir)
	r := runs[id]
	if len(runs) != 1 || r.settings["p0"] != "0" || r.settings["p2"] != "2" || r.curves["val_loss"][0].Value != 7 || r.Seed != 1 || r.Attempt != 1 {
		t.Errorf("the runs are %+v, want one with all params, and the later value of step 0", runs)
	}
	db := e2e.OpenStore(t, filepath.Join(dir, "xrun.db"))
	if sweep, err := db.FindSweep(t.Context(), "late"); err != nil || sweep.Trials != 1 {
		t.Errorf("the sweep has %d trials, want one: %v", sweep.Trials, err)
	}
}

// Twenty programs log at once, and every value is there to the bit.
func TestCrowd(t *testing.T) {
	interpreter := clients(t, "math")[0]
	const programs, values = 20, 30
	dir := t.TempDir()
	s := serve(t, dir, "127.0.0.1:0")
	s.python(t, dir, interpreter, "crowd.py", strconv.Itoa(programs), strconv.Itoa(values))
	s.stop(t)
	want := drawn(t, interpreter, programs, values+500)
	runs := checked(t, dir)
	if len(runs) != programs {
		t.Fatalf("%d runs are recorded, want %d", len(runs), programs)
	}
	for _, r := range runs {
		number := int(math.Round(r.LR/0.01)) - 1
		all := append(r.curves["val_loss"], r.curves["many"]...)
		if r.Status != runner.StatusFinished || len(all) != values+500 {
			t.Fatalf("program %d is %s with %d values, want %d", number, r.Status, len(all), values+500)
		}
		for i, p := range all {
			if math.Float64bits(p.Value) != math.Float64bits(want[number][i]) || p.Epoch != 1+i%values && i < values {
				t.Fatalf("value %d of program %d is %v, want %v", i, number, p, want[number][i])
			}
		}
	}
}

// drawn are the values that programs of crowd.py draw.
func drawn(t *testing.T, interpreter string, programs, values int) (all [][]float64) {
	t.Helper()
	text := fmt.Sprintf("import random\nfor n in range(%d):\n  d = random.Random(n)\n  print(*[d.gauss(0, 1).hex() for _ in range(%d)])", programs, values)
	out, err := exec.Command(interpreter, "-c", text).Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		var row []float64
		for _, word := range strings.Fields(line) {
			x, err := strconv.ParseFloat(word, 64)
			if err != nil {
				t.Fatal(err)
			}
			row = append(row, x)
		}
		all = append(all, row)
	}
	return all
}

// At another address than the loopback every request needs the token, and artifacts go through the server.
func TestElsewhere(t *testing.T) {
	host := elsewhere(t)
	dir := t.TempDir()
	s := serve(t, dir, net.JoinHostPort(host, "0"))
	if len(s.token) < 16 {
		t.Fatalf("the token is %q", s.token)
	}
	create := "/api/2.0/mlflow/experiments/create"
	for _, wrong := range []string{"", "Bearer x", "Bearer " + s.token + "x", "Basic eHJ1bjp4"} {
		if text := s.ask(t, 401, "POST", create, `{"name": "x"}`, wrong); !strings.Contains(text, "UNAUTHENTICATED") {
			t.Errorf("without the token: %s", text)
		}
		s.ask(t, 401, "PUT", "/api/2.0/mlflow-artifacts/artifacts/0/artifacts/a", "x", wrong)
		s.ask(t, 401, "GET", "/health", "", wrong)
	}
	put := "/api/2.0/mlflow-artifacts/artifacts/"
	bearer := "Bearer " + s.token
	id := s.begin(t, "far")
	for _, name := range []string{"../../x", id + "/../x", id + "/artifacts/../../x", id + "/artifacts/a//b", "x/artifacts/y", id + "/other/y", id, "/etc/artifacts/passwd", id + `/artifacts/a\b`, id + "/artifacts/.part-x"} {
		request, _ := http.NewRequestWithContext(t.Context(), "PUT", s.address, strings.NewReader("x"))
		request.URL.Path = put + name
		request.Header.Set("Authorization", bearer)
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != 400 {
			t.Errorf("an artifact %q answers %d, want 400", name, answer.StatusCode)
		}
	}
	large := strings.Repeat("0123456789abcdef", 1<<18) // 4 MB
	s.ask(t, 200, "PUT", put+id+"/artifacts/sub/large", large, bearer)
	if got := s.ask(t, 200, "GET", put+id+"/artifacts/sub/large", "", bearer); got != large {
		t.Errorf("a large artifact has %d bytes, want %d", len(got), len(large))
	}
	for _, file := range e2e.Below(t, dir) {
		if strings.HasSuffix(file, "/x") || strings.Contains(file, "passwd") {
			t.Errorf("%s was written", file)
		}
	}
	if text, err := os.ReadFile(filepath.Join(dir, "xrun.db.artifacts", id, "artifacts", "sub", "large")); err != nil || string(text) != large {
		t.Errorf("the artifact is not where it has to be: %v", err)
	}
	if os.Getenv("XRUN_TEST_EXAMPLES") != "" {
		for _, interpreter := range clients(t, "math") {
			other := t.TempDir()
			again := serve(t, other, net.JoinHostPort(host, "0"))
			again.python(t, other, interpreter, "session.py")
			again.stop(t)
		}
	}
	s.stop(t)
}

// elsewhere is an address of this machine that is no loopback.
func elsewhere(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if ip, ok := a.(*net.IPNet); ok && !ip.IP.IsLoopback() && ip.IP.To4() != nil {
			return ip.IP.String()
		}
	}
	t.Skip("this machine has no address but the loopback")
	return ""
}

// Pages of other sites, and other names for this machine, are refused; so is what xrun has no endpoint for.
func TestRefused(t *testing.T) {
	s := serve(t, t.TempDir(), "127.0.0.1:0")
	for _, path := range []string{"/api/2.0/mlflow/registered-models/search", "/api/2.0/mlflow/traces", "/api/3.0/mlflow/traces/search", "/graphql", "/api/2.0/mlflow/runs/nothing",
		"/api/2.0/mlflow-artifacts/mpu/create/x"} {
		for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE"} {
			if text := s.ask(t, 404, method, path, "{}", ""); !strings.Contains(text, `"ENDPOINT_NOT_FOUND"`) {
				t.Errorf("%s %s answers %s", method, path, text)
			}
		}
	}
	for header, value := range map[string]string{"Host": "evil.example", "Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"} {
		request, _ := http.NewRequestWithContext(t.Context(), "POST", s.address+"/api/2.0/mlflow/experiments/create", strings.NewReader(`{"name": "x"}`))
		request.Header.Set(header, value)
		if header == "Host" {
			request.Host = value
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != 403 {
			t.Errorf("%s: %s answers %d, want 403", header, value, answer.StatusCode)
		}
	}
	if text := s.ask(t, 200, "GET", "/", "", ""); !strings.Contains(text, "xrun ui") || !strings.Contains(text, "--backend-store-uri xrun:///") {
		t.Errorf("/ answers %q", text)
	}
	s.ask(t, 404, "POST", "/", "{}", "")
	if text := s.ask(t, 200, "GET", "/health", "", ""); text != "OK" {
		t.Errorf("/health answers %q", text)
	}
	if text := s.ask(t, 200, "GET", "/ajax-api/2.0/mlflow/experiments/get?experiment_id=0", "", ""); !strings.Contains(text, `"Default"`) {
		t.Errorf("the experiment 0 is %s", text)
	}
	second := e2e.Xrun(t, filepath.Dir(s.cmd.Dir+"/x"), "serve", "--mlflow", "--listen", "127.0.0.1:0")
	second.Dir = s.cmd.Dir
	if _, text := e2e.Run(t, 2, second); !strings.Contains(text, "another process serves this database") {
		t.Errorf("a second server says %s", text)
	}
	link := filepath.Join(s.cmd.Dir, "link.db")
	if err := os.Symlink(filepath.Join(s.cmd.Dir, "xrun.db"), link); err != nil {
		t.Fatal(err)
	}
	linked := e2e.Xrun(t, s.cmd.Dir, "serve", "--mlflow", "--listen", "127.0.0.1:0", "--store", link)
	if _, text := e2e.Run(t, 2, linked); !strings.Contains(text, "another process serves this database") {
		t.Errorf("a second server by a link says %s", text)
	}
	other := serve(t, s.cmd.Dir, "127.0.0.1:0", "--store", filepath.Join(s.cmd.Dir, "other.db"))
	other.begin(t, "beside")
	other.stop(t)
	s.stop(t)
}

// lines counts the lines of a file.
func lines(path string) int {
	text, _ := os.ReadFile(path)
	return bytes.Count(text, []byte("\n"))
}

// Names, texts, steps and numbers that programs log and nobody expects: the client reads what it has logged, and the database is sound.
func TestOddThings(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, dir, "127.0.0.1:0")
	id := s.begin(t, "odd: ‘naïve’/\"quoted\" %d")
	params := map[string]string{"task.command": "x", "early_stop.patience": "1", "optimizer.component": "y", "optimizer": "adam", "regularizer": "None", "lr": "1e400", "lambda": "-1", "seed": "99999999999999999999",
		"random_state": "7", "a b/c:d": "1.0", "ü": "", "nan": "nan", "big": "123456789012345678901234567890", "text": "line\nline\ttab", "hex": "0x10", "json": `{"a": 1}`, "recorded.name": "z", "divergence": "3", "true": "True"}
	var list []string
	for key, value := range params {
		list = append(list, fmt.Sprintf(`{"key": %q, "value": %q}`, key, value))
	}
	s.post(t, 200, "runs/log-batch", fmt.Sprintf(`{"run_id": %q, "params": [%s]}`, id, strings.Join(list, ", ")))
	metrics := []string{`"key": "negative", "value": 1, "timestamp": 5, "step": -3`, `"key": "negative", "value": 2, "timestamp": 6, "step": 4`, `"key": "far", "value": 1, "timestamp": 1, "step": "9223372036854775807"`,
		`"key": "special", "value": "NaN", "timestamp": 1, "step": 1`, `"key": "special", "value": "-Infinity", "timestamp": 2, "step": 2`, `"key": "special", "value": -0.0, "timestamp": 3, "step": 3`,
		`"key": "tiny", "value": 5e-324, "timestamp": -1, "step": 0`, `"key": "epoch", "value": 1, "timestamp": 1, "step": 0`, `"key": "system/cpu", "value": 1, "timestamp": 1, "step": 0`,
		`"key": "back", "value": 1, "timestamp": 9, "step": 9`, `"key": "back", "value": 2, "timestamp": 10, "step": 3`, `"key": "back", "value": 3, "timestamp": 11, "step": 3`}
	for _, m := range metrics {
		s.post(t, 200, "runs/log-metric", fmt.Sprintf(`{"run_id": %q, %s}`, id, m))
	}
	s.post(t, 200, "runs/update", fmt.Sprintf(`{"run_id": %q, "status": "FAILED", "end_time": 5}`, id)) // before it began
	histories := func() (all string) {
		for _, key := range []string{"negative", "far", "special", "tiny", "epoch", "back"} {
			all += s.ask(t, 200, "GET", "/api/2.0/mlflow/metrics/get-history?run_id="+id+"&metric_key="+key, "", "")
		}
		return all + s.ask(t, 200, "GET", "/api/2.0/mlflow/runs/get?run_id="+id, "", "")
	}
	before := histories()
	for _, want := range []string{`"value":"NaN"`, `"value":"-Infinity"`, `"step":9223372036854775807`, `"value":-0,`, `line\nline\ttab`, `"value":5e-324`} {
		if !strings.Contains(before, want) {
			t.Errorf("the client reads no %s: %s", want, before)
		}
	}
	s.stop(t)
	r := checked(t, dir)[id]
	if r == nil || r.Status != runner.StatusFailed || r.Seed != 7 || r.settings["text"] != "line\nline\ttab" {
		t.Fatalf("the run is %+v", r)
	}
	if c := r.curves["negative"]; len(c) != 2 || c[0].Epoch != 1 || c[1] != (runner.CurvePoint{Epoch: 2, Value: 2}) {
		t.Errorf("values of steps that are no epochs are %v, want them counted", c)
	}
	if c := r.curves["back"]; len(c) != 2 || c[0] != (runner.CurvePoint{Epoch: 4, Value: 3}) {
		t.Errorf("values that go back are %v", c)
	}
	for _, command := range [][]string{{"show", "1"}, {"runs"}, {"compare"}, {"diff", "1", "1"}} {
		cmd := e2e.Xrun(t, dir, command...)
		if out, err := cmd.CombinedOutput(); e2e.Ending(err) != 0 && e2e.Ending(err) != 5 {
			t.Errorf("xrun %v: %v\n%s", command, err, out)
		}
	}
	s = serve(t, dir, "127.0.0.1:0")
	if after := histories(); after != before {
		t.Errorf("another server says\n%s\nand the first\n%s", after, before)
	}
	s.stop(t)
}

// An experiment without runs is a sweep without runs, and xrun stop ends a server in order.
func TestStopOfAServer(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, dir, "127.0.0.1:0")
	s.post(t, 200, "experiments/create", `{"name": "empty"}`)
	if out, err := e2e.Xrun(t, dir, "compare", "empty").CombinedOutput(); e2e.Ending(err) != 5 && e2e.Ending(err) != 0 {
		t.Errorf("xrun compare: %v %s", err, out)
	}
	id := s.begin(t, "here")
	s.post(t, 200, "runs/log-metric", fmt.Sprintf(`{"run_id": %q, "key": "val_loss", "value": 1, "timestamp": 1, "step": 1}`, id))
	for deadline := time.Now().Add(mostly); len(e2e.Runs(t, filepath.Join(dir, "xrun.db"))) == 0; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the run is not recorded live")
		}
	}
	e2e.Run(t, 0, e2e.Xrun(t, dir, "stop", "here"))
	<-s.ended
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("it ended with %v:\n%s", err, s.out)
	}
	if r := checked(t, dir)[id]; r == nil || r.Status != runner.StatusInterrupted {
		t.Errorf("the run is %+v, want it interrupted", r)
	}
}

// logRun logs a run whose values begin at a step, with a seed, and ends it.
func (s *server) logRun(t *testing.T, experiment, params string, at int64, first int, values ...float64) string {
	t.Helper()
	run := s.post(t, 200, "runs/create", fmt.Sprintf(`{"experiment_id": %q, "start_time": %d}`, experiment, at))
	id := regexp.MustCompile(`"run_id":"([0-9a-f]{32})"`).FindStringSubmatch(run)[1]
	s.post(t, 200, "runs/log-batch", fmt.Sprintf(`{"run_id": %q, "params": [%s]}`, id, params))
	for i, v := range values {
		s.post(t, 200, "runs/log-metric", fmt.Sprintf(`{"run_id": %q, "key": "val_loss", "value": %v, "timestamp": %d, "step": %d}`, id, v, at+int64(i), first+i))
	}
	s.post(t, 200, "runs/update", fmt.Sprintf(`{"run_id": %q, "status": "FINISHED", "end_time": %d}`, id, at+1000))
	return id
}

// read is what a server says of a run and of its val_loss.
func (s *server) read(t *testing.T, id string) string {
	t.Helper()
	return s.ask(t, 200, "GET", "/api/2.0/mlflow/runs/get?run_id="+id, "", "") + s.ask(t, 200, "GET", "/api/2.0/mlflow/metrics/get-history?run_id="+id+"&metric_key=val_loss", "", "") +
		s.ask(t, 200, "GET", "/api/2.0/mlflow/artifacts/list?run_id="+id, "", "")
}

// experiment makes one, and returns its number.
func (s *server) experiment(t *testing.T, name string) string {
	t.Helper()
	made := s.post(t, 200, "experiments/create", fmt.Sprintf(`{"name": %q}`, name))
	return regexp.MustCompile(`"experiment_id":"(\d+)"`).FindStringSubmatch(made)[1]
}

// A run that another one of the same settings and seed has replaced is still its client's: it is read as before, and may be written to. Once its
// rows are gone, there is none.
func TestReplacedRuns(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, dir, "127.0.0.1:0")
	experiment := s.experiment(t, "twice")
	const params = `{"key": "lr", "value": "0.1"}, {"key": "seed", "value": "7"}`
	old := s.logRun(t, experiment, params, 1_700_000_000_000, 1, 0.5, 0.25)
	s.says(t, "run 1 of twice")
	newest := s.logRun(t, experiment, params, 1_700_000_100_000, 1, 0.75, 0.5)
	s.says(t, "finished; it replaces run 1 of the same settings and seed; xrun db restore lists it")
	before := s.read(t, old)
	s.stop(t)
	if out, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "db", "restore")); !strings.Contains(out, "1") {
		t.Errorf("xrun db restore lists %q", out)
	}
	counts := func(want int64) {
		t.Helper()
		db := e2e.OpenStore(t, filepath.Join(dir, "xrun.db"))
		runs, err := db.Runs(t.Context(), store.RunQuery{})
		if err != nil || len(runs) != 1 || runs[0].ID != want {
			t.Errorf("the runs that count are %+v, want run %d alone: %v", runs, want, err)
		}
	}
	counts(2)
	s = serve(t, dir, "127.0.0.1:0")
	if found := s.post(t, 200, "runs/search", fmt.Sprintf(`{"experiment_ids": [%q]}`, experiment)); !strings.Contains(found, old) || !strings.Contains(found, newest) {
		t.Errorf("a search finds %s", found)
	}
	if after := s.read(t, old); after != before {
		t.Errorf("another server says\n%s\nand the first\n%s", after, before)
	}
	s.post(t, 200, "runs/set-tag", fmt.Sprintf(`{"run_id": %q, "key": "team", "value": "a"}`, old))
	s.post(t, 200, "runs/log-metric", fmt.Sprintf(`{"run_id": %q, "key": "val_loss", "value": 0.125, "timestamp": 1700000000900, "step": 3}`, old))
	before = s.read(t, old)
	s.says(t, "finished; run 2 of the same settings and seed is newer and counts; xrun db restore lists this one")
	s.stop(t)
	counts(2)
	s = serve(t, dir, "127.0.0.1:0")
	if after := s.read(t, old); after != before || !strings.Contains(after, `"value":0.125`) || !strings.Contains(after, `"team"`) {
		t.Errorf("after it was written to, another server says\n%s\nand the first\n%s", after, before)
	}
	s.stop(t)
	e2e.Run(t, 0, e2e.Xrun(t, dir, "db", "check"))
	e2e.Run(t, 0, e2e.Xrun(t, dir, "db", "gc", "--older", "0"))
	s = serve(t, dir, "127.0.0.1:0")
	if text := s.ask(t, 404, "GET", "/api/2.0/mlflow/runs/get?run_id="+old, "", ""); !strings.Contains(text, "RESOURCE_DOES_NOT_EXIST") {
		t.Errorf("a run that is gone is %s", text)
	}
	if found := s.post(t, 200, "runs/search", fmt.Sprintf(`{"experiment_ids": [%q]}`, experiment)); strings.Contains(found, old) || !strings.Contains(found, newest) {
		t.Errorf("a search finds %s", found)
	}
	s.stop(t)
}

// says waits until the server has said something.
func (s *server) says(t *testing.T, text string) {
	t.Helper()
	for deadline := time.Now().Add(mostly); !strings.Contains(s.out.String(), text); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the server does not say %q, but\n%s", text, s.out)
		}
	}
}

// A run that counts its steps from 0 loses none: its best value may be that of step 0, and its client reads its own steps, also from another server.
// One whose metrics have single values at step 0 keeps it.
func TestStepsFromZero(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, dir, "127.0.0.1:0")
	experiment := s.experiment(t, "zero")
	var ids []string
	for i, values := range [][]float64{{0.25, 0.5, 0.75, 0.75, 0.75, 0.875}, {0.5}} {
		ids = append(ids, s.logRun(t, experiment, fmt.Sprintf(`{"key": "lr", "value": "0.%d"}`, i+1), 1_700_000_000_000+int64(i), 0, values...))
	}
	late := s.logRun(t, experiment, `{"key": "lr", "value": "0.3"}`, 1_700_000_000_003, 1, 0.5, 0.75)
	s.says(t, "run 3 of zero")
	s.post(t, 200, "runs/log-metric", fmt.Sprintf(`{"run_id": %q, "key": "val_loss", "value": 0.125, "timestamp": 1700000000900, "step": 0}`, late))
	ids = append(ids, late)
	single := s.logRun(t, experiment, `{"key": "lr", "value": "0.4"}`, 1_700_000_000_004, 1, 0.5, 0.75)
	s.post(t, 200, "runs/log-metric", fmt.Sprintf(`{"run_id": %q, "key": "test_loss", "value": 0.5, "timestamp": 1700000000900, "step": 0}`, single))
	for step := range 2 {
		s.post(t, 200, "runs/log-metric", fmt.Sprintf(`{"run_id": %q, "key": "system/cpu", "value": 5, "timestamp": 1700000000900, "step": %d}`, single, step))
	}
	ids = append(ids, single)
	read := func() (all []string) {
		for _, id := range ids {
			all = append(all, s.read(t, id))
		}
		return all
	}
	before := read()
	s.stop(t)
	runs := checked(t, dir)
	for i, want := range []struct {
		first, epoch int
		value        float64
	}{{1, 1, 0.25}, {0, 0, 0.5}, {1, 1, 0.125}, {1, 1, 0.5}} {
		r := runs[ids[i]]
		if c := r.curves["val_loss"]; c[0].Epoch != want.first || c[0].Value != want.value {
			t.Errorf("the curve of run %d is %v, want it to begin at %d", i+1, c, want.first)
		}
		if want.first == 1 && (r.Kept.Epoch != want.epoch || r.Kept.Value != want.value) {
			t.Errorf("run %d keeps %+v, want the value of step 0", i+1, r.Kept)
		}
	}
	if out, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "compare", "zero")); !strings.Contains(out, "0.25") || !strings.Contains(out, "0.125") {
		t.Errorf("xrun compare says %s", out)
	}
	s = serve(t, dir, "127.0.0.1:0")
	if after := read(); !slices.Equal(after, before) {
		t.Errorf("another server says\n%s\nand the first\n%s", after, before)
	}
	if !strings.Contains(before[0], `"value":0.25,"timestamp":1700000000000,"step":0`) {
		t.Errorf("the client reads %s", before[0])
	}
	s.stop(t)
}

// A name that is free again gets another experiment, with a sweep of its own; and a run that was deleted with xrun stays so, whatever its
// client and the next server do.
func TestNamesAndDeletionsLast(t *testing.T) {
	dir := t.TempDir()
	s := serve(t, dir, "127.0.0.1:0")
	first := s.experiment(t, "t")
	s.post(t, 200, "experiments/update", fmt.Sprintf(`{"experiment_id": %q, "new_name": "t2"}`, first))
	second := s.experiment(t, "t")
	if first == second {
		t.Fatalf("both experiments are %s", first)
	}
	if found := s.ask(t, 200, "GET", "/api/2.0/mlflow/experiments/get?experiment_id="+first, "", ""); !strings.Contains(found, `"t2"`) {
		t.Errorf("the first experiment is %s", found)
	}
	const params = `{"key": "lr", "value": "0.1"}`
	id := s.logRun(t, second, params, 1_700_000_000_000, 1, 0.5, 0.25)
	s.says(t, "finished")
	e2e.Run(t, 0, e2e.Xrun(t, dir, "db", "delete", "1"))
	s.post(t, 200, "runs/log-metric", fmt.Sprintf(`{"run_id": %q, "key": "val_loss", "value": 0.125, "timestamp": 1700000000900, "step": 3}`, id))
	s.kill()
	s = serve(t, dir, "127.0.0.1:0")
	s.stop(t)
	db := e2e.OpenStore(t, filepath.Join(dir, "xrun.db"))
	runs, err := db.Runs(t.Context(), store.RunQuery{})
	if err != nil || len(runs) != 0 {
		t.Errorf("a deleted run is there again: %+v, %v", runs, err)
	}
	e2e.Run(t, 0, e2e.Xrun(t, dir, "db", "check"))
}

// A page token that is a number at the end of all numbers is refused.
func TestPagesBeyondAll(t *testing.T) {
	s := serve(t, t.TempDir(), "127.0.0.1:0")
	experiment := s.experiment(t, "pages")
	s.post(t, 400, "runs/search", fmt.Sprintf(`{"experiment_ids": [%q], "max_results": 5, "page_token": "OTIyMzM3MjAzNjg1NDc3NTgwNw"}`, experiment))
	s.stop(t)
}
