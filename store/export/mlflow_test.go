package export

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/runner/tests"
	"github.com/xrun-dev/xrun/store"
)

// fakeMLflow behaves as a tracking server does as far as exports can tell.
type fakeMLflow struct {
	mu          sync.Mutex
	experiments []string
	runs        []*fakeRun
	requests    map[string]int
	authority   []string                                          // Authorization headers
	longest     int                                               // of a param's value
	never       string                                            // a metric that it refuses
	before      func(endpoint string, w http.ResponseWriter) bool // may answer by itself
	after       func(endpoint string) bool                        // reports whether the answer gets lost
}

type fakeRun struct {
	ID, Experiment, Status string
	Start, End             int64
	Params, Tags           map[string]string
	Metrics                []mlflowMetricJSON
}

func (f *fakeMLflow) refuse(w http.ResponseWriter, status int, code, format string, args ...any) {
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"error_code": code, "message": fmt.Sprintf(format, args...)})
}

func (f *fakeMLflow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	endpoint := strings.TrimPrefix(r.URL.Path, "/api/2.0/mlflow/")
	f.requests[endpoint]++
	f.authority = append(f.authority, r.Header.Get("Authorization"))
	if f.before != nil && f.before(endpoint, w) {
		return
	}
	body, _ := io.ReadAll(r.Body)
	if len(body) > 1<<20 {
		f.refuse(w, 400, "INVALID_PARAMETER_VALUE", "%d bytes", len(body))
		return
	}
	var answer bytes.Buffer
	held := &held{&answer, 200}
	f.answer(held, endpoint, r, body)
	if f.after != nil && f.after(endpoint) {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	w.WriteHeader(held.status)
	w.Write(answer.Bytes())
}

// held keeps an answer.
type held struct {
	*bytes.Buffer
	status int
}

func (h *held) Header() http.Header    { return http.Header{} }
func (h *held) WriteHeader(status int) { h.status = status }

func (f *fakeMLflow) find(id string) *fakeRun {
	i := slices.IndexFunc(f.runs, func(r *fakeRun) bool { return r.ID == id })
	if i < 0 {
		return &fakeRun{}
	}
	return f.runs[i]
}

// fakeRequest is the union of all requests.
type fakeRequest struct {
	Name         string
	ExperimentID string `json:"experiment_id"`
	StartTime    int64  `json:"start_time"`
	EndTime      int64  `json:"end_time"`
	RunID        string `json:"run_id"`
	Tags, Params []mlflowTagJSON
	Metrics      []mlflowMetricJSON
	Status       string
	Filter       string
	MaxResults   int      `json:"max_results"`
	PageToken    string   `json:"page_token"`
	Experiments  []string `json:"experiment_ids"`
}

// names are those that a server checks.
func (q fakeRequest) names() (names []string) {
	for _, m := range q.Metrics {
		names = append(names, m.Key)
	}
	for _, t := range slices.Concat(q.Params, q.Tags) {
		names = append(names, t.Key)
	}
	return names
}

// The rules of MLflow 1.0 to 3.17 for names (mlflow/utils/validation.py), where they are strictest: on Windows, and without
// letters beyond ASCII.
var acceptedNames = regexp.MustCompile(`^[/A-Za-z0-9_.\- ]*$`)

func (f *fakeMLflow) answer(w http.ResponseWriter, endpoint string, r *http.Request, body []byte) {
	var q fakeRequest
	if r.Method == http.MethodPost {
		if err := json.Unmarshal(body, &q); err != nil {
			f.refuse(w, 400, "BAD_REQUEST", "%v", err)
			return
		}
	}
	reply := map[string]any{}
	switch endpoint {
	case "experiments/get-by-name":
		i := slices.Index(f.experiments, r.URL.Query().Get("experiment_name"))
		if i < 0 {
			f.refuse(w, 404, "RESOURCE_DOES_NOT_EXIST", "no experiment")
			return
		}
		reply["experiment"] = map[string]any{"experiment_id": strconv.Itoa(i), "lifecycle_stage": "active"}
	case "experiments/create":
		if len(q.Name) > 500 {
			f.refuse(w, 400, "INVALID_PARAMETER_VALUE", "'name' exceeds the maximum length of 500 characters")
			return
		}
		if slices.Contains(f.experiments, q.Name) {
			f.refuse(w, 400, "RESOURCE_ALREADY_EXISTS", "it is there")
			return
		}
		f.experiments = append(f.experiments, q.Name)
		reply["experiment_id"] = strconv.Itoa(len(f.experiments) - 1)
	case "runs/create":
		run := &fakeRun{ID: fmt.Sprintf("r%d", len(f.runs)), Experiment: q.ExperimentID, Status: "RUNNING", Start: q.StartTime, Params: map[string]string{}, Tags: map[string]string{}}
		for _, t := range q.Tags {
			run.Tags[t.Key] = t.Value
		}
		f.runs = append(f.runs, run)
		reply["run"] = map[string]any{"info": map[string]any{"run_id": run.ID}}
	case "runs/search":
		var found []any
		from, _ := strconv.Atoi(q.PageToken)
		for i, run := range f.runs {
			if i < from || !slices.Contains(q.Experiments, run.Experiment) || q.Filter != "" && !strings.Contains(q.Filter, run.Tags[tagToken]) {
				continue
			}
			if len(found) == min(q.MaxResults, 3) { // pages are small
				reply["next_page_token"] = strconv.Itoa(i)
				break
			}
			var tags []mlflowTagJSON
			for k, v := range run.Tags {
				tags = append(tags, mlflowTagJSON{k, v})
			}
			found = append(found, map[string]any{"info": map[string]any{"run_id": run.ID}, "data": map[string]any{"tags": tags}})
		}
		if found != nil {
			reply["runs"] = found
		}
	case "runs/log-batch":
		run := f.find(q.RunID)
		if len(q.Metrics) > 1000 || len(q.Params) > 100 || len(q.Tags) > 100 {
			f.refuse(w, 400, "INVALID_PARAMETER_VALUE", "too many")
			return
		}
		for _, key := range q.names() {
			if len(key) > 250 || !acceptedNames.MatchString(key) || path.Clean(key) != key || key == "" || key == "." || strings.HasPrefix(key, "..") || strings.HasPrefix(key, "/") {
				f.refuse(w, 400, "INVALID_PARAMETER_VALUE", "Invalid value %q", key)
				return
			}
		}
		for _, m := range q.Metrics {
			if f.never != "" && m.Key == f.never {
				f.refuse(w, 400, "INVALID_PARAMETER_VALUE", "never %s", m.Key)
				return
			}
		}
		for _, p := range q.Params {
			if was, ok := run.Params[p.Key]; ok && was != p.Value {
				f.refuse(w, 400, "INVALID_PARAMETER_VALUE", "param %s has another value", p.Key)
				return
			}
			if len(p.Value) > f.longest {
				f.refuse(w, 400, "INVALID_PARAMETER_VALUE", "Param value has length %d, which exceeded length limit of %d", len(p.Value), f.longest)
				return
			}
		}
		for _, p := range q.Params {
			run.Params[p.Key] = p.Value
		}
		for _, t := range q.Tags {
			run.Tags[t.Key] = t.Value
		}
		run.Metrics = append(run.Metrics, q.Metrics...) // twice is twice, as in files
	case "metrics/get-history":
		run, from := f.find(r.URL.Query().Get("run_id")), 0
		fmt.Sscan(r.URL.Query().Get("page_token"), &from)
		var page []any
		for i, m := range run.Metrics {
			if m.Key != r.URL.Query().Get("metric_key") || i < from {
				continue
			}
			if len(page) == 4 {
				reply["next_page_token"] = strconv.Itoa(i)
				break
			}
			page = append(page, map[string]any{"key": m.Key, "value": m.Value, "step": strconv.FormatInt(m.Step, 10)})
		}
		reply["metrics"] = page
	case "runs/update":
		run := f.find(q.RunID)
		run.Status, run.End = q.Status, q.EndTime
		reply["run_info"] = map[string]any{}
	default:
		f.refuse(w, 404, "ENDPOINT_NOT_FOUND", "%s", endpoint)
		return
	}
	json.NewEncoder(w).Encode(reply)
}

func newFake(t *testing.T) (*fakeMLflow, MLflowServer) {
	f := &fakeMLflow{requests: map[string]int{}, longest: 6000}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	return f, MLflowServer{URI: server.URL, Patience: 5 * time.Second}
}

// values are what the server has, by our run.
func (f *fakeMLflow) values(t *testing.T, s *Source) (all []value) {
	t.Helper()
	of := map[string]int64{}
	for _, r := range s.Runs {
		of[string(r.Trial)] = r.ID
	}
	for _, run := range f.runs {
		for _, m := range run.Metrics {
			all = append(all, value{of[run.Tags["xrun.trial_key"]], m.Key, int(m.Step), number64(t, m.Value)})
		}
	}
	return all
}

func number64(t *testing.T, v any) float64 {
	t.Helper()
	if x, ok := v.(float64); ok {
		return x
	}
	x, err := strconv.ParseFloat(fmt.Sprint(v), 64)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// named are values under the names that MLflow takes. The -0.0 of JSON is 0 to many.
func named(want []value) []value {
	all := slices.Clone(want)
	for i := range all {
		all[i].metric = mlflowName(all[i].metric)
	}
	return all
}

func loose(a, b float64) bool { return a == b || a != a && b != b }

func TestMLflowGetsEverythingOnce(t *testing.T) {
	db, sweep, want := sample(t)
	s := source(t, db, sweep)
	f, server := newFake(t)
	first, err := s.MLflow(t.Context(), server, "")
	if err != nil {
		t.Fatal(err)
	}
	if first.Made != 8 || first.Points != int64(len(want)) {
		t.Errorf("%+v", first)
	}
	compare(t, f.values(t, s), named(want), loose)
	if !slices.Equal(f.experiments, []string{hostileName}) {
		t.Errorf("experiments are %q", f.experiments)
	}
	statuses := []string{}
	for _, r := range f.runs {
		statuses = append(statuses, r.Status)
		if r.Params["task.dataset"] != "blobs" || r.Params["lr"] != "0.001" || r.Params["optimizer"] != "adam" || r.Start == 0 || (r.End == 0) != (r.Status == "RUNNING") {
			t.Errorf("a run is %+v", r)
		}
	}
	if want := []string{"FINISHED", "FINISHED", "FAILED", "FINISHED", "FAILED", "KILLED", "FINISHED", "RUNNING"}; !slices.Equal(statuses, want) {
		t.Errorf("they are %q, want %q", statuses, want)
	}
	batches := f.requests["runs/log-batch"]
	again, err := s.MLflow(t.Context(), server, "")
	if err != nil || again.Made != 0 || again.Skipped != 7 || again.Continued != 1 || again.Points != 0 {
		t.Errorf("again: %+v, %v", again, err)
	}
	if more := f.requests["runs/log-batch"] - batches; more > 3 { // of the run that may have gone on
		t.Errorf("again took %d batches", more)
	}
	compare(t, f.values(t, s), named(want), loose)
}

// Whatever request an export breaks off at, the next one completes it, and no value is there twice.
func TestMLflowGoesOnWhereItBrokeOff(t *testing.T) {
	db, sweep, want := sample(t)
	s := source(t, db, sweep)
	for breaks := 1; ; breaks += 3 {
		f, server := newFake(t)
		server.Patience = 0
		seen := 0
		f.before = func(_ string, w http.ResponseWriter) bool {
			seen++
			if seen == breaks {
				w.WriteHeader(http.StatusInternalServerError)
			}
			return seen == breaks
		}
		if breaks%2 == 0 { // it is done, and only the answer is lost
			f.before, f.after = nil, func(string) bool { seen++; return seen == breaks }
		}
		_, err := s.MLflow(t.Context(), server, "")
		if err == nil {
			if breaks < 30 {
				t.Fatalf("an export is %d requests", breaks)
			}
			return
		}
		if _, err := s.MLflow(t.Context(), server, ""); err != nil {
			t.Fatalf("broken off at request %d: %v", breaks, err)
		}
		compare(t, f.values(t, s), named(want), loose)
		if len(f.runs) != 8 {
			t.Errorf("broken off at request %d: %d runs", breaks, len(f.runs))
		}
	}
}

// A server that is away for a while is waited for, and a run whose making was not answered is not made twice.
func TestMLflowIsWaitedFor(t *testing.T) {
	db, sweep, want := sample(t)
	s := source(t, db, sweep)
	f, server := newFake(t)
	lost := 0
	f.after = func(endpoint string) bool {
		lost++
		return endpoint == "runs/create" && lost%3 == 0
	}
	waited := 0
	server.Waiting = func(error, time.Duration) { waited++ }
	if _, err := s.MLflow(t.Context(), server, "mine"); err != nil {
		t.Fatal(err)
	}
	if waited == 0 || len(f.runs) != 8 || f.experiments[0] != "mine" {
		t.Errorf("waited %d times, %d runs in %q", waited, len(f.runs), f.experiments)
	}
	compare(t, f.values(t, s), named(want), loose)
}

// An interrupt ends it at once, and what is there can be completed.
func TestMLflowIsInterrupted(t *testing.T) {
	db, sweep, want := sample(t)
	s := source(t, db, sweep)
	f, server := newFake(t)
	ctx, cancel := context.WithCancel(t.Context())
	f.before = func(string, http.ResponseWriter) bool {
		if f.requests["runs/create"] == 3 {
			cancel()
		}
		return false
	}
	if _, err := s.MLflow(ctx, server, ""); err == nil {
		t.Fatal("it went on")
	}
	f.before = nil
	if _, err := s.MLflow(t.Context(), server, ""); err != nil {
		t.Fatal(err)
	}
	compare(t, f.values(t, s), named(want), loose)
}

// Older servers take shorter values.
func TestMLflowValuesAreCut(t *testing.T) {
	db, sweep, _ := sample(t)
	s := source(t, db, sweep)
	s.Runs = s.Runs[:1]
	f, server := newFake(t)
	f.longest = 4 // less than anything: it gives up
	if _, err := s.MLflow(t.Context(), server, ""); err == nil || !strings.Contains(err.Error(), "exceeded length limit of 4") {
		t.Errorf("%v", err)
	}
	for text, want := range map[string]string{"short": "short", strings.Repeat("é", 6): "ééé…"} {
		if got := cut(text, 9); got != want || len(got) > 9 {
			t.Errorf("%q is cut to %q, want %q", text, got, want)
		}
	}
}

// Who we are is said, and never printed.
func TestMLflowCredentials(t *testing.T) {
	db, sweep, _ := sample(t)
	s := source(t, db, sweep)
	s.Runs = s.Runs[:1]
	f, server := newFake(t)
	server.User, server.Password = "me", "hidden"
	if _, err := s.MLflow(t.Context(), server, ""); err != nil {
		t.Fatal(err)
	}
	if f.authority[0] != "Basic bWU6aGlkZGVu" {
		t.Errorf("basic authentication is %q", f.authority[0])
	}
	f.authority = nil
	server.Token = "bearers"
	if _, err := s.MLflow(t.Context(), server, "x"); err != nil || f.authority[0] != "Bearer bearers" {
		t.Errorf("a token is %q, %v", f.authority, err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	away := l.Addr().String()
	l.Close()
	for uri, want := range map[string]string{"http://me:hidden@" + away: "cannot be reached", "http://me:hidden@" + away + "/\x7f": "cannot be understood",
		"sqlite:///hidden.db": "begins with http", "": "begins with http"} {
		_, err := s.MLflow(t.Context(), MLflowServer{URI: uri, Token: "hidden"}, "")
		if err == nil || strings.Contains(err.Error(), "hidden") || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", uri, err, want)
		}
	}
	f.before = func(_ string, w http.ResponseWriter) bool { w.WriteHeader(401); return true }
	if _, err := s.MLflow(t.Context(), server, "y"); err == nil || !strings.Contains(err.Error(), "answers 401: Unauthorized") {
		t.Errorf("%v", err)
	}
}

var hardNames = []string{"val_loss", "a/b", "acc/", "acc/_", "/acc", "//", "", "a//b", ".", "..", "...", "../x", "a/../b", "./a", "x/.", "a:b", "a b", "µ", "50%", "a\nb",
	strings.Repeat("n", 300), strings.Repeat("n", 301), strings.Repeat("d/", 125), strings.Repeat("e", 248) + "//", strings.Repeat("/", 400)}

// Every name becomes one that servers accept, names stay different, and the original is a tag.
func TestMLflowNames(t *testing.T) {
	names := hardNames
	made := mlflowNames(names)
	for i, name := range made {
		if len(name) > 250 || !acceptedNames.MatchString(name) || path.Clean(name) != name || name == "." || strings.HasPrefix(name, "..") || strings.HasPrefix(name, "/") {
			t.Errorf("%q became %q, which MLflow refuses", names[i], name)
		}
		if slices.Contains(made[:i], name) {
			t.Errorf("%q became %q, as another name did", names[i], name)
		}
	}
	if want := []string{"val_loss", "a/b", "acc/_", "acc/__2"}; !slices.Equal(made[:4], want) {
		t.Errorf("%q became %q, want %q", names[:4], made[:4], want)
	}
}

func TestMLflowKeepsOriginalNames(t *testing.T) {
	db, sweep, _ := sample(t)
	s := source(t, db, sweep)
	for i := range s.Runs {
		s.Runs[i].Sweep = strings.Repeat("long ", 150)
	}
	f, server := newFake(t)
	if _, err := s.MLflow(t.Context(), server, ""); err != nil {
		t.Fatal(err)
	}
	if len(f.experiments) != 1 || len(f.experiments[0]) > 250 {
		t.Errorf("experiments are %q", f.experiments)
	}
	metrics, err := db.Metrics(t.Context(), s.Runs[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	renamed := 0
	for _, m := range metrics {
		if name := mlflowName(m.Metric); name != m.Metric {
			renamed++
			if got := f.runs[0].Tags[mlflowName("xrun.metric_name."+name)]; got != m.Metric {
				t.Errorf("the tag of %q has %q", name, got)
			}
		}
	}
	if renamed == 0 {
		t.Error("no metric of the sample has a name that MLflow refuses")
	}
}

// What a server refuses for good is said, and everything else is exported.
func TestMLflowExportsTheRest(t *testing.T) {
	db, sweep, want := sample(t)
	s := source(t, db, sweep)
	f, server := newFake(t)
	f.never = mlflowName(want[0].metric)
	_, err := s.MLflow(t.Context(), server, "")
	if refused, ok := errors.AsType[*RefusedError](err); !ok || refused.Count == 0 || !strings.Contains(err.Error(), "never "+f.never) {
		t.Fatalf("the error is %v", err)
	}
	rest := slices.DeleteFunc(named(want), func(v value) bool { return v.metric == f.never })
	compare(t, f.values(t, s), rest, loose)
	f.never = "" // and a server that takes it gets the rest
	if _, err := s.MLflow(t.Context(), server, ""); err != nil {
		t.Fatal(err)
	}
	compare(t, f.values(t, s), named(want), loose)
}

// A run at which the server fails keeps no other from it; a server that fails at all of them ends the export.
func TestMLflowFailsAtARun(t *testing.T) {
	db, sweep, _ := sample(t)
	s := source(t, db, sweep)
	f, server := newFake(t)
	server.Patience = 0
	tries := 0
	f.before = func(endpoint string, w http.ResponseWriter) bool {
		if endpoint != "runs/create" {
			return false
		}
		if tries++; tries == 1 {
			w.WriteHeader(500)
			return true
		}
		return false
	}
	_, err := s.MLflow(t.Context(), server, "")
	if refused, ok := errors.AsType[*RefusedError](err); !ok || refused.Count != 1 || len(f.runs) != len(s.Runs)-1 {
		t.Errorf("%d runs, and the error is %v", len(f.runs), err)
	}
	f, server = newFake(t)
	server.Patience, tries = 0, 0
	f.before = func(endpoint string, w http.ResponseWriter) bool {
		if endpoint == "runs/create" {
			tries++
			w.WriteHeader(500)
		}
		return endpoint == "runs/create"
	}
	if _, err := s.MLflow(t.Context(), server, ""); err == nil || tries != maxFailedRuns {
		t.Errorf("%d tries, and the error is %v", tries, err)
	}
}

// A real server takes it, shows the same values, and gets nothing twice.
func TestARealMLflowServer(t *testing.T) {
	tests.NeedExamples(t, "starts an MLflow server")
	program, err := exec.LookPath("mlflow")
	if err != nil {
		t.Skip("mlflow is not on PATH")
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().(*net.TCPAddr)
	l.Close()
	dir := t.TempDir()
	log := &bytes.Buffer{}
	cmd := exec.Command(program, "server", "--backend-store-uri", "sqlite:///"+filepath.Join(dir, "mlflow.db"), "--default-artifact-root", filepath.Join(dir, "artifacts"),
		"--host", "127.0.0.1", "--port", strconv.Itoa(address.Port), "--workers", "1")
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, log, log
	cmd.Env = append(os.Environ(), "MLFLOW_DISABLE_TELEMETRY=true", "DO_NOT_TRACK=true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false")
	ownGroup(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	t.Cleanup(func() {
		endGroup(cmd)
		<-ended
	})
	url := fmt.Sprintf("http://127.0.0.1:%d", address.Port)
	for began := time.Now(); ; time.Sleep(200 * time.Millisecond) {
		answer, err := http.Get(url + "/health")
		if err == nil && answer.Body.Close() == nil && answer.StatusCode == 200 {
			break
		}
		select {
		case <-ended:
			t.Skipf("mlflow server does not run: %s", log)
		default:
		}
		if time.Since(began) > 2*time.Minute {
			t.Skipf("mlflow server does not answer: %v", err)
		}
	}
	db, sweep, want := sample(t)
	s := source(t, db, sweep)
	// The name of an experiment is a path to it.
	for i := range s.Runs {
		s.Runs[i].Sweep = "from xrun"
	}
	server := MLflowServer{URI: url, Patience: 30 * time.Second}
	var results []MLflowResult
	for range 2 {
		r, err := s.MLflow(t.Context(), server, "")
		if err != nil {
			t.Fatalf("%v\n%s", err, log)
		}
		results = append(results, r)
		got := serverValues(t, url, s)
		compare(t, got, named(want), func(a, b float64) bool {
			if math.IsInf(b, 0) { // its databases have no infinities
				b = math.Copysign(math.MaxFloat64, b)
			}
			return loose(a, b)
		})
	}
	if results[0].Made != 8 || results[1].Made != 0 || results[1].Skipped != 7 || results[1].Points != 0 {
		t.Errorf("%+v", results)
	}
	serverTakesHardNames(t, server)
}

// serverTakesHardNames writes one run with all of them as metrics, params and tags.
func serverTakesHardNames(t *testing.T, server MLflowServer) {
	t.Helper()
	if err := server.Open(); err != nil {
		t.Fatal(err)
	}
	var experiment struct {
		ID string `json:"experiment_id"`
	}
	if err := server.Post(t.Context(), "experiments/create", map[string]any{"name": mlflowExperiment(strings.Repeat("long ", 150))}, &experiment); err != nil {
		t.Fatal(err)
	}
	var made struct {
		Run struct {
			Info struct {
				RunID string `json:"run_id"`
			}
		}
	}
	if err := server.Post(t.Context(), "runs/create", map[string]any{"experiment_id": experiment.ID, "start_time": 1}, &made); err != nil {
		t.Fatal(err)
	}
	batch := mlflowBatch{RunID: made.Run.Info.RunID}
	var tags mlflowTags
	for i, name := range mlflowNames(hardNames) {
		batch.Metrics = append(batch.Metrics, mlflowMetricJSON{name, 1.0, 1, 1})
		batch.Params = append(batch.Params, mlflowTagJSON{name, strings.Repeat("v", 500)})
		tags.add("xrun.metric_name.", name, hardNames[i])
	}
	batch.Tags = tags
	if err := server.Post(t.Context(), "runs/log-batch", batch, &struct{}{}); err != nil {
		t.Error(err)
	}
}

// serverValues asks a server for all that it has of the runs.
func serverValues(t *testing.T, url string, s *Source) (all []value) {
	t.Helper()
	ask := MLflowServer{URI: url}
	if err := ask.Open(); err != nil {
		t.Fatal(err)
	}
	var experiment struct {
		Experiment struct {
			ID string `json:"experiment_id"`
		}
	}
	if err := ask.Get(t.Context(), "experiments/get-by-name", map[string][]string{"experiment_name": {"from xrun"}}, &experiment); err != nil {
		t.Fatal(err)
	}
	var found struct {
		Runs []struct {
			Info struct {
				RunID  string `json:"run_id"`
				Status string
			}
			Data struct {
				Params, Tags []mlflowTagJSON
			}
		}
	}
	if err := ask.Post(t.Context(), "runs/search", map[string]any{"experiment_ids": []string{experiment.Experiment.ID}, "max_results": 100}, &found); err != nil {
		t.Fatal(err)
	}
	of := map[string]*store.Run{}
	for i, r := range s.Runs {
		of[string(r.Trial)] = &s.Runs[i]
	}
	if len(found.Runs) != len(of) {
		t.Fatalf("the server has %d runs, want %d", len(found.Runs), len(of))
	}
	for _, r := range found.Runs {
		tags, params := map[string]string{}, map[string]string{}
		for _, tag := range r.Data.Tags {
			tags[tag.Key] = tag.Value
		}
		for _, p := range r.Data.Params {
			params[p.Key] = p.Value
		}
		run := of[tags["xrun.trial_key"]]
		if r.Info.Status != mlflowStatus(run.Status) || params["lr"] != "0.001" || params["optimizer.amsgrad"] == "" {
			t.Errorf("run %d is %s with %v", run.ID, r.Info.Status, params)
		}
		metrics, err := s.Store.Metrics(t.Context(), run.ID)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range metrics {
			var history struct {
				Metrics []struct {
					Value any
					Step  MLflowInteger
				}
			}
			query := map[string][]string{"run_id": {r.Info.RunID}, "metric_key": {mlflowName(m.Metric)}, "max_results": {"1000"}}
			if err := ask.Get(t.Context(), "metrics/get-history", query, &history); err != nil {
				t.Fatal(err)
			}
			for _, v := range history.Metrics {
				all = append(all, value{run.ID, mlflowName(m.Metric), int(v.Step), number64(t, v.Value)})
			}
		}
	}
	return all
}
