package mlflow

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store/imported"
)

// A Tracker hears the programs of trials that log with MLflow. It listens at the loopback once the first one begins, and each program has an
// address of its own, with a secret in its path. It is a process.Tracker.
type Tracker struct {
	mu       sync.Mutex
	listener net.Listener
	cancel   context.CancelFunc
	ended    chan struct{}
	sessions map[string]*session // by secret
}

// Track implements process.Tracker.
func (t *Tracker) Track(s runner.ProgramSpec, report func(runner.Report)) (env []string, end func() []runner.Note, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.listener == nil {
		if err := t.listen(); err != nil {
			return nil, nil, fmt.Errorf("listen to what it logs: %w", err)
		}
	}
	folder := s.Folder
	if folder == "" {
		if folder, err = os.MkdirTemp("", "xrun-mlflow-"); err != nil {
			return nil, nil, err
		}
	} else if folder, err = filepath.Abs(folder); err != nil {
		return nil, nil, err
	}
	files := Files{Folder: filepath.Join(folder, "mlflow")}
	one := &session{report: report, wanted: s.Metrics, gathered: map[int]map[string]float64{}, seen: map[string]*curve{}, reported: -1, params: map[string]string{}}
	one.server = &Server{Space: NewSpace(&Memory{Heard: one.heard}, files.Address, nil, nil), Files: files}
	secret := rand.Text()
	t.sessions[secret] = one
	env = []string{"MLFLOW_TRACKING_URI=http://" + t.listener.Addr().String() + "/" + secret}
	for _, name := range []string{"MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_WORKSPACE"} { // of another server
		if os.Getenv(name) != "" {
			env = append(env, name+"=")
		}
	}
	for _, name := range []string{"NO_PROXY", "no_proxy"} { // the loopback is no matter of a proxy
		env = append(env, name+"="+strings.TrimPrefix(os.Getenv(name)+",127.0.0.1", ","))
	}
	return env, func() []runner.Note {
		t.mu.Lock()
		delete(t.sessions, secret)
		t.mu.Unlock()
		notes := one.end()
		if s.Folder == "" {
			os.RemoveAll(folder)
		}
		return notes
	}, nil
}

func (t *Tracker) listen() (err error) {
	if t.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.cancel, t.ended, t.sessions = cancel, make(chan struct{}), map[string]*session{}
	go func() {
		defer close(t.ended)
		Serve(ctx, t.listener, t) // it fails only when the listener is closed
	}()
	return nil
}

// Close implements process.Tracker.
func (t *Tracker) Close() {
	t.mu.Lock()
	cancel, ended := t.cancel, t.ended
	t.mu.Unlock()
	if cancel != nil {
		cancel()
		<-ended
	}
}

// ServeHTTP implements http.Handler: the first part of a path is the secret of a program.
func (t *Tracker) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secret, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	t.mu.Lock()
	one := t.sessions[secret]
	t.mu.Unlock()
	if one == nil {
		(&Server{}).refuse(w, r, refuse(noEndpoint, "no trial listens here"))
		return
	}
	below := r.Clone(r.Context())
	below.URL.Path, below.URL.RawPath = "/"+rest, ""
	one.server.ServeHTTP(w, below)
}

// A session is what one program logs. The metrics of its first run without a parent are those of the trial.
type session struct {
	server *Server
	report func(runner.Report)
	wanted []string // the metrics that the trial declares

	mu       sync.Mutex
	over     bool
	run      string // the first run without a parent
	others   int    // further runs
	seen     map[string]*curve
	gathered map[int]map[string]float64 // by epochs that have not been reported
	reported int                        // the last epoch, as the program counts
	first    int                        // the epoch of its step 0: 1 if it has reported that step
	late     int                        // values of epochs that had been reported
	params   map[string]string
	given    []string // their names, as they came
}

// A curve is what a session knows of a metric.
type curve struct {
	last    imported.Logged
	count   int
	counted bool // its values have no steps: they are counted
}

// heard takes a change of a run.
func (s *session) heard(before Snapshot, c Change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return nil
	}
	if c.Begin != nil {
		nested := slices.ContainsFunc(c.Tags, func(t Pair) bool { return t.Key == tagParent })
		if s.run == "" && !nested {
			s.run = before.Run
		} else {
			s.others++
		}
	}
	if before.Run != s.run {
		return nil
	}
	for _, p := range c.Params {
		if _, known := s.params[p.Key]; !known {
			s.given = append(s.given, p.Key)
		}
		s.params[p.Key] = p.Value
	}
	for _, m := range c.Metrics {
		s.gather(m.Key, imported.Logged{Step: m.Step, At: m.At, Value: float64(m.Value)})
	}
	s.tell(false)
	return nil
}

// mostGathered limits the epochs that wait for a declared metric.
const mostGathered = 1000

// gather takes a value to its epoch.
func (s *session) gather(metric string, v imported.Logged) {
	known := s.seen[metric]
	if known == nil {
		known = &curve{}
		s.seen[metric] = known
	} else if known.last.Step == v.Step && known.last.At == v.At && math.Float64bits(known.last.Value) == math.Float64bits(v.Value) {
		return // it was sent twice
	}
	epoch := v.Step
	if known.count > 0 && v.Step == 0 && (known.counted || known.last.Step == 0) {
		known.counted, epoch = true, int64(known.count)
	}
	known.last, known.count = v, known.count+1
	if epoch <= int64(s.reported) || epoch >= imported.MaxEpoch {
		s.late++
		return
	}
	e := int(epoch)
	if s.gathered[e] == nil {
		s.gathered[e] = map[string]float64{}
	}
	s.gathered[e][metric] = v.Value
	if len(s.gathered) > mostGathered {
		delete(s.gathered, slices.Min(slices.Collect(maps.Keys(s.gathered))))
	}
}

// tell reports epochs: those that have all declared metrics, and those that have some when a later one has any, or all is said.
func (s *session) tell(all bool) {
	latest := -1
	epochs := slices.Sorted(maps.Keys(s.gathered))
	for _, e := range epochs {
		if s.has(e) > 0 {
			latest = e
		}
	}
	for _, e := range epochs {
		switch n := s.has(e); {
		case e > latest:
			return
		case n == 0: // of metrics that the trial does not declare, at steps of their own
			delete(s.gathered, e)
			continue
		case e == latest && n < len(s.wanted) && !all:
			return
		}
		if s.reported < 0 && e == 0 {
			s.first = 1 // epoch 0 is the state before training, which is never the best
		}
		r := runner.Report{Epoch: s.first + e}
		for _, metric := range slices.Sorted(maps.Keys(s.gathered[e])) {
			if runner.IsMetricName(metric) && metric != runner.MetricEpoch {
				r.Metrics, r.Values = append(r.Metrics, metric), append(r.Values, s.gathered[e][metric])
			}
		}
		delete(s.gathered, e)
		s.reported = e
		s.report(r)
	}
}

// has counts the declared metrics that an epoch has.
func (s *session) has(epoch int) (n int) {
	for _, metric := range s.wanted {
		if _, ok := s.gathered[epoch][metric]; ok {
			n++
		}
	}
	return n
}

// end reports what is left, and says what else there was.
func (s *session) end() (notes []runner.Note) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tell(true)
	s.over = true
	if s.run != "" {
		message := fmt.Sprintf("params that it logged with MLflow: %d", len(s.given))
		if s.others > 0 {
			message += fmt.Sprintf("; further runs that it began, and that are not recorded: %d", s.others)
		}
		var params []Pair
		for _, name := range s.given {
			params = append(params, Pair{name, s.params[name]})
		}
		detail, _ := json.Marshal(map[string]any{"run_id": s.run, "params": params, "further_runs": s.others}) // of texts: it does not fail
		notes = append(notes, runner.Note{Kind: "tracking", Message: message, Detail: string(detail)})
	}
	if s.late > 0 {
		notes = append(notes, runner.Note{Kind: "warning", Message: fmt.Sprintf("values that are left out, since their epochs had been reported or cannot be epochs: %d", s.late)})
	}
	return notes
}
