package cluster

import (
	"container/heap"
	"context"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/tests"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
)

// A simulation is an engine with thousands of machines in virtual time. What its jobs write, and what records it, is real: journals, the
// collector, the executor, and a SQLite file.
type simulation struct {
	tb      testing.TB
	dir     Dir
	random  *rand.Rand
	now     time.Time
	workers int
	free    int
	queue   []*simulated
	atWork  map[*simulated]bool
	coming  moments
	epochs  int
	metrics []string
	// Chances of a job: that it is lost, that a copy of it ends as well, that the engine runs it again after a loss.
	lost, copied, requeued float64

	losses, copies, requeues, submitted int
}

// simulated is a job.
type simulated struct {
	of      Submission
	index   int
	running bool
}

// moments are what happens, ordered by time.
type moments []happening

type happening struct {
	at time.Time
	do func()
}

func (m moments) Len() int           { return len(m) }
func (m moments) Less(i, j int) bool { return m[i].at.Before(m[j].at) }
func (m moments) Swap(i, j int)      { m[i], m[j] = m[j], m[i] }
func (m *moments) Push(x any)        { *m = append(*m, x.(happening)) }
func (m *moments) Pop() any {
	last := (*m)[len(*m)-1]
	*m = (*m)[:len(*m)-1]
	return last
}

func (s *simulation) Now() time.Time { return s.now }

// After lets time pass: all that happens meanwhile has happened when it returns.
func (s *simulation) After(d time.Duration) <-chan time.Time {
	until := s.now.Add(d)
	for len(s.coming) > 0 && !s.coming[0].at.After(until) {
		m := heap.Pop(&s.coming).(happening)
		s.now = m.at
		m.do()
	}
	s.now = until
	c := make(chan time.Time, 1)
	c <- until
	return c
}

func (s *simulation) in(d time.Duration, do func()) {
	heap.Push(&s.coming, happening{s.now.Add(d), do})
}

func (s *simulation) Submit(_ context.Context, of Submission) (string, error) {
	s.submitted++
	for i := range of.Count {
		s.queue = append(s.queue, &simulated{of: of, index: i})
	}
	s.start()
	return strconv.Itoa(s.submitted), nil
}

// start gives free workers the next jobs.
func (s *simulation) start() {
	for s.free > 0 && len(s.queue) > 0 {
		j := s.queue[0]
		s.queue = s.queue[1:]
		s.free--
		j.running = true
		s.atWork[j] = true
		task := taskName(j.of.Wave, j.of.From+j.index)
		takes := time.Duration(float64(time.Minute) * (0.5 + s.random.ExpFloat64()))
		switch chance := s.random.Float64(); {
		case chance < s.lost:
			s.losses++
			s.in(takes/2, func() {
				s.write(task, false)
				s.free++
				delete(s.atWork, j)
				if s.random.Float64() < s.requeued {
					s.requeues++
					j.running = false
					s.queue = append(s.queue, j)
				}
				s.start()
			})
			continue
		case chance < s.lost+s.copied:
			s.copies++
			s.in(takes+time.Duration(s.random.IntN(100))*time.Second, func() { s.write(task, true) })
		}
		s.in(takes, func() {
			s.write(task, true)
			s.free++
			delete(s.atWork, j)
			s.start()
		})
	}
}

// write writes what a job of a task has done, or what a lost one had done.
func (s *simulation) write(task string, whole bool) {
	t, err := s.dir.Task(task)
	if err != nil {
		s.tb.Fatal(err)
	}
	w, err := newWriter(s.dir, task, "", store.Environment{Host: "worker", XrunVersion: "test"}, true)
	if err != nil {
		s.tb.Fatal(err)
	}
	done, err := s.dir.finished(task, t)
	if err != nil {
		s.tb.Fatal(err)
	}
	w.skip = done
	begun, err := w.Begin(s.tb.Context(), t.Trials)
	if err != nil {
		s.tb.Fatal(err)
	}
	var u runner.Update
	for i, b := range begun {
		if b.Run == 0 {
			continue
		}
		epochs, ends := s.epochs, true
		if !whole && i%3 > 0 { // two thirds of a lost job had not ended
			epochs, ends = s.epochs/2, false
		}
		for epoch := range epochs + 1 {
			p := runner.Points{Run: b.Run, Epoch: epoch, Metrics: s.metrics}
			for m := range s.metrics {
				p.Values = append(p.Values, expected(t.Trials[i], epoch, m))
			}
			u.Points = append(u.Points, p)
		}
		if ends {
			u.Ends = append(u.Ends, runner.End{Run: b.Run, At: s.now, Status: runner.StatusFinished, Epochs: epochs, Kept: &runner.Kept{Epoch: epochs, Value: 1}})
		}
	}
	if err := w.Record(s.tb.Context(), u); err != nil {
		s.tb.Fatal(err)
	}
	if whole {
		err = w.close("")
	} else {
		_, err = w.journal.WriteString("0000") // it was cut off in a line
		err = errors.Join(err, w.journal.Close(), w.data.Close())
	}
	if err != nil {
		s.tb.Fatal(err)
	}
}

// expected is a value of a trial.
func expected(t runner.Trial, epoch, metric int) float64 {
	return float64(t.LR*float64(epoch+1)) + float64(t.Seed)*0.0625 + float64(metric)
}

func (s *simulation) Jobs(_ context.Context, all []Submission) (jobs []Job, err error) {
	wanted := map[string]bool{}
	for _, of := range all {
		wanted[of.Name] = true
	}
	s.each(func(j *simulated) {
		if wanted[j.of.Name] {
			jobs = append(jobs, Job{Submission: j.of.Name, Index: j.index, Running: j.running})
		}
	})
	return jobs, nil
}

// each visits the jobs that have not ended.
func (s *simulation) each(visit func(*simulated)) {
	for _, j := range s.queue {
		visit(j)
	}
	for j := range s.atWork {
		visit(j)
	}
}

func (s *simulation) Requeue(context.Context, Submission, int) error       { return nil }
func (s *simulation) Words(Submission, int) string                         { return "" }
func (s *simulation) Release(context.Context, Submission, int) error       { return nil }
func (s *simulation) Cancel(context.Context, []Submission, bool) error     { return nil }
func (s *simulation) Limit(context.Context) (int, error)                   { return 1000, nil }
func (s *simulation) Follow(context.Context, []Submission, []string) error { return nil }

// TestASimulatedCluster records what thousands of machines write, of which some are lost and some end twice: every trial once, with the right
// values. XRUN_TEST_SIMULATION=TRIALS simulates as many, and prints what it took.
func TestASimulatedCluster(t *testing.T) {
	n, workers := tests.Either(1_000, 20_000), 10_000
	if text := os.Getenv("XRUN_TEST_SIMULATION"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	dir := Dir(t.TempDir())
	if err := dir.Make(); err != nil {
		t.Fatal(err)
	}
	s := &simulation{tb: t, dir: dir, random: rand.New(rand.NewPCG(3, uint64(n))), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), workers: workers, free: workers,
		atWork: map[*simulated]bool{}, epochs: 10, metrics: []string{"train_loss", "val_loss"}, lost: 0.05, copied: 0.03, requeued: 0.5}
	trials := made(n)
	path := filepath.Join(t.TempDir(), "xrun.db")
	db, recorder := recorderOf(t, path, trials)
	began, before := time.Now(), s.now
	config := sweeps.Cluster{Jobs: 20_000, Length: 5 * time.Minute, Poll: 15 * time.Second, Grace: time.Minute, Silence: 1000 * time.Hour}
	var heap runtime.MemStats
	runtime.ReadMemStats(&heap)
	start := heap.HeapAlloc
	left := trials
	const collectors = 4 // one after the other: the first ones are cut off
	for i := range collectors {
		ctx, cancel := context.WithCancel(t.Context())
		if i < collectors-1 {
			s.in(time.Duration(20+s.random.IntN(60))*time.Second, cancel)
		}
		x := &Executor{Dir: dir, Engine: s, Config: config, Collector: NewCollector(dir, recorder), Lay: func(t runner.Trial) (runner.Trial, error) { return t, nil }, Tries: 10, Pace: time.Minute,
			Drain: make(chan struct{}), Say: func(text string) { t.Log(text) }, clock: s}
		x.Collector.clock = s
		_, err := x.Train(ctx, left, runner.ToTheEnd)
		cancel()
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		db, recorder = recorderOf(t, path, trials)
		left = open(t, db, trials)
		t.Logf("a collector was cut off with %d trials left", len(left))
	}
	if err := recorder.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began)
	runtime.GC()
	runtime.ReadMemStats(&heap)
	if s.losses == 0 || s.copies == 0 || s.requeues == 0 {
		t.Errorf("%d losses, %d copies, %d requeues: the simulation shows nothing", s.losses, s.copies, s.requeues)
	}
	reader, err := db.Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	runs, err := db.Runs(t.Context(), store.RunQuery{})
	if err != nil {
		t.Fatal(err)
	}
	byKey := map[runner.Key]runner.Trial{}
	for _, trial := range trials {
		byKey[trial.Key()] = trial
	}
	done, superseded := map[runner.Key]int{}, 0
	for _, r := range runs {
		if !r.Status.Done() {
			superseded++
			continue
		}
		done[r.Trial]++
		if n > 2_000 && len(done)%97 != 0 { // a sample of the values
			continue
		}
		values := 0
		_, err := reader.Points(t.Context(), r.ID, func(step int, metrics []string, got []float64) error {
			for i, metric := range metrics {
				if want := expected(byKey[r.Trial], step, map[string]int{"train_loss": 0, "val_loss": 1}[metric]); got[i] != want {
					t.Errorf("run %d has %s %v after epoch %d, want %v", r.ID, metric, got[i], step, want)
				}
				values++
			}
			return nil
		})
		if err != nil || values != 2*(s.epochs+1) {
			t.Errorf("run %d has %d values, want %d (%v)", r.ID, values, 2*(s.epochs+1), err)
		}
	}
	for _, trial := range trials {
		if done[trial.Key()] != 1 {
			t.Errorf("trial %s has %d results, want one", trial.Key().Short(), done[trial.Key()])
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d trials, %d workers, %v of virtual time: %d arrays, %d losses, %d requeued, %d copies, %d runs without a result; %v real, %.0f values/s, %d bytes of memory and %d on disk a trial",
		n, workers, s.now.Sub(before).Round(time.Second), s.submitted, s.losses, s.requeues, s.copies, superseded, took.Round(time.Millisecond),
		float64(len(trials)*2*(s.epochs+1))/took.Seconds(), int64(heap.HeapAlloc-start)/int64(n), info.Size()/int64(n))
}

// open are the trials without a result.
func open(t *testing.T, db *store.Store, trials []runner.Trial) (left []runner.Trial) {
	t.Helper()
	keys := make([]runner.Key, len(trials))
	for i, trial := range trials {
		keys[i] = trial.Key()
	}
	status, err := db.Status(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	for i, trial := range trials {
		if !status[keys[i]].Status.Done() {
			left = append(left, trial)
		}
	}
	return left
}
