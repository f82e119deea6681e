// Package mlflow speaks the protocol with which clients of MLflow log experiments and runs: messages, errors, searches, and what is known of
// runs. A [Keeper] makes durable what clients say, and knows the runs that are not in memory.
package mlflow

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// An Experiment holds runs.
type Experiment struct {
	ID       string `json:"experiment_id"`
	Name     string `json:"name"`
	Sweep    string `json:"sweep"` // the name that xrun has it by
	Stage    string `json:"lifecycle_stage"`
	Location string `json:"artifact_location,omitempty"`
	Created  int64  `json:"creation_time"`
	Updated  int64  `json:"last_update_time"`
	Tags     []Pair `json:"tags,omitempty"`
}

// The experiment that is always there.
const (
	DefaultID   = "0"
	defaultName = "Default"
)

// A Keeper keeps what clients say. Its errors that are an [Error] reach the client; others are told as unavailable.
type Keeper interface {
	// Append makes a change durable, before it is answered. The run is as before the change. Calls for one run come one at a time.
	Append(before *Run, c Change) error
	// Changed says that a change was made.
	Changed(r *Run)
	// Load finds a run that is not in memory; nil if there is none.
	Load(ctx context.Context, id string) (*Run, error)
	// Stored calls f with the runs that are not in memory, without the histories of their metrics. held says which are in memory.
	Stored(ctx context.Context, held func(id string) bool, f func(Snapshot) error) error
	// Enter gives a new experiment its id.
	Enter(ctx context.Context, name string) (id string, err error)
	// Put makes an experiment durable.
	Put(e Experiment) error
	// PutModel makes what is said of a model durable.
	PutModel(id string, text json.RawMessage) error
	// Known lists experiments that no client has made.
	Known(ctx context.Context) ([]Experiment, error)
}

// A Space is the experiments and runs that clients see.
type Space struct {
	keeper Keeper
	// Location is the address of a run's artifacts, or of a model's.
	location func(id string) string

	mu          sync.Mutex
	experiments map[string]*Experiment
	runs        map[string]*Run
	models      map[string]*model
	loading     sync.Mutex // of runs that are not in memory
}

// NewSpace makes a space with experiments and runs that are known.
func NewSpace(k Keeper, location func(id string) string, experiments []Experiment, runs []*Run) *Space {
	s := &Space{keeper: k, location: location, experiments: map[string]*Experiment{}, runs: map[string]*Run{}, models: map[string]*model{}}
	s.experiments[DefaultID] = &Experiment{ID: DefaultID, Name: defaultName, Sweep: defaultName, Stage: active, Created: now(), Updated: now()}
	for _, e := range experiments {
		s.experiments[e.ID] = &e
	}
	for _, r := range runs {
		s.runs[r.Run] = r
	}
	return s
}

func now() int64 { return time.Now().UnixMilli() }

// Retire takes a run out of memory if nothing has changed since the snapshot. forget is called in between, while nobody may change it.
func (s *Space) Retire(r *Run, changes uint64, forget func() error) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.changes != changes || r.gone {
		return nil
	}
	if err := forget(); err != nil {
		return err
	}
	r.gone = true
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.runs, r.Run)
	return nil
}

// held finds a run in memory.
func (s *Space) held(id string) *Run {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.runs[id]
}

// find finds a run, and locks it.
func (s *Space) find(ctx context.Context, id string) (*Run, error) {
	for {
		r := s.held(id)
		if r == nil {
			loaded, err := s.load(ctx, id)
			if err != nil {
				return nil, err
			}
			r = loaded
		}
		r.mu.Lock()
		if !r.gone {
			return r, nil
		}
		r.mu.Unlock()
	}
}

func (s *Space) load(ctx context.Context, id string) (*Run, error) {
	s.loading.Lock()
	defer s.loading.Unlock()
	if r := s.held(id); r != nil {
		return r, nil
	}
	if !isID(id) {
		return nil, refuse(missing, "Run with id=%s not found", clip(id))
	}
	r, err := s.keeper.Load(ctx, id)
	if err != nil {
		return nil, err
	}
	if r == nil {
		return nil, refuse(missing, "Run with id=%s not found", id)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.runs[id] = r
	return r, nil
}

// change makes a change of a run durable, and then makes it.
func (s *Space) change(ctx context.Context, id string, c Change) (Snapshot, error) {
	r, err := s.find(ctx, id)
	if err != nil {
		return Snapshot{}, err
	}
	defer r.mu.Unlock()
	if err := r.check(c); err != nil {
		return Snapshot{}, err
	}
	if err := s.keeper.Append(r, c); err != nil {
		return Snapshot{}, err
	}
	r.apply(c)
	s.keeper.Changed(r)
	return Snapshot{Begin: r.Begin, Name: r.Name, Status: r.Status, Stage: r.Stage, Ended: r.Ended}, nil
}

// create begins a run.
func (s *Space) create(ctx context.Context, experiment string, c Change) (Snapshot, error) {
	e, err := s.experiment(ctx, experiment)
	if err != nil {
		return Snapshot{}, err
	}
	if e.Stage != active {
		return Snapshot{}, refuse(invalid, "The experiment %s must be in the 'active' state. Current state is deleted.", e.ID)
	}
	c.Begin.Run, c.Begin.Experiment, c.Begin.Sweep = newID(), e.ID, e.Sweep
	for _, t := range c.Tags {
		if t.Key == tagName && c.Name == "" {
			c.Name = t.Value
		}
	}
	if c.Name == "" {
		c.Name = newName()
	}
	c.Status, c.Stage = Running, active
	r := NewRun()
	r.Begin = *c.Begin
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := s.keeper.Append(r, c); err != nil {
		return Snapshot{}, err
	}
	r.apply(c)
	s.mu.Lock()
	s.runs[r.Run] = r
	s.mu.Unlock()
	s.keeper.Changed(r)
	return r.snapshot(), nil
}

// experiment finds one by its id.
func (s *Space) experiment(ctx context.Context, id string) (Experiment, error) {
	return s.lookUp(ctx, func(e Experiment) bool { return e.ID == id }, "No Experiment with id="+clip(id)+" exists")
}

// named finds one by its name.
func (s *Space) named(ctx context.Context, name string) (Experiment, error) {
	return s.lookUp(ctx, func(e Experiment) bool { return e.Name == name }, "Could not find experiment with name '"+clip(name)+"'")
}

func (s *Space) lookUp(ctx context.Context, is func(Experiment) bool, why string) (Experiment, error) {
	if e, ok := s.made(is); ok {
		return e, nil
	}
	others, err := s.keeper.Known(ctx)
	if err != nil {
		return Experiment{}, err
	}
	for _, e := range others {
		if _, made := s.made(func(own Experiment) bool { return own.ID == e.ID }); !made && is(e) {
			return e, nil
		}
	}
	return Experiment{}, &Error{missing, why}
}

// made finds an experiment that a client has made.
func (s *Space) made(is func(Experiment) bool) (Experiment, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.experiments {
		if is(*e) {
			return *e, true
		}
	}
	return Experiment{}, false
}

// every lists all experiments, the newest first.
func (s *Space) every(ctx context.Context) ([]Experiment, error) {
	others, err := s.keeper.Known(ctx)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var all []Experiment
	for _, e := range s.experiments {
		all = append(all, *e)
	}
	for _, e := range others {
		if s.experiments[e.ID] == nil {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b Experiment) int { return compareIDs(b.ID, a.ID) })
	return all, nil
}

func compareIDs(a, b string) int {
	x, _ := strconv.ParseInt(a, 10, 64)
	y, _ := strconv.ParseInt(b, 10, 64)
	if x != y {
		return int(max(-1, min(1, x-y)))
	}
	return strings.Compare(a, b)
}

// enter makes an experiment.
func (s *Space) enter(ctx context.Context, e Experiment) (Experiment, error) {
	s.loading.Lock() // one at a time
	defer s.loading.Unlock()
	if have, err := s.named(ctx, e.Name); err == nil {
		if have.Stage == deleted {
			return have, refuse(exists, "Experiment '%s' already exists in deleted state. You can restore the experiment, or use another name.", e.Name)
		}
		return have, refuse(exists, "Experiment(name=%s) already exists.", e.Name)
	} else if told, ok := errors.AsType[*Error](err); !ok || told.Code != missing {
		return e, err
	}
	sweep := e.Name // unless an experiment that had the name has its sweep
	taken := func(x Experiment) bool { return x.Sweep == sweep }
	for n := 2; ; n++ {
		if _, is := s.made(taken); !is {
			break
		}
		sweep = fmt.Sprintf("%s (%d)", e.Name, n)
	}
	id, err := s.keeper.Enter(ctx, sweep)
	if err != nil {
		return e, err
	}
	e.ID, e.Sweep, e.Stage, e.Created, e.Updated = id, sweep, active, now(), now()
	return e, s.put(e)
}

// amend changes an experiment.
func (s *Space) amend(ctx context.Context, id string, how func(*Experiment) error) error {
	s.loading.Lock()
	defer s.loading.Unlock()
	e, err := s.experiment(ctx, id)
	if err != nil {
		return err
	}
	e.Tags = slices.Clone(e.Tags)
	if err := how(&e); err != nil {
		return err
	}
	e.Updated = now()
	return s.put(e)
}

func (s *Space) put(e Experiment) error {
	if err := s.keeper.Put(e); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.experiments[e.ID] = &e
	return nil
}

// each calls f with all runs of experiments: those in memory as they are, others without histories.
func (s *Space) each(ctx context.Context, f func(Snapshot) error) error {
	seen := map[string]bool{}
	s.mu.Lock()
	held := make([]*Run, 0, len(s.runs))
	for id, r := range s.runs {
		seen[id] = true
		held = append(held, r)
	}
	s.mu.Unlock()
	for _, r := range held {
		if err := f(r.Snapshot()); err != nil {
			return err
		}
	}
	return s.keeper.Stored(ctx, func(id string) bool { return seen[id] }, f)
}

// newID is the id of a run.
func newID() string {
	b := make([]byte, 16)
	rand.Read(b)
	return hex.EncodeToString(b)
}

// isID reports whether a text can be the id of a run. It is the name of files, too.
func isID(id string) bool {
	return len(id) == 32 && strings.Trim(id, "0123456789abcdef") == ""
}

var (
	adjectives = []string{"able", "bold", "brave", "calm", "clean", "clever", "eager", "fair", "fast", "fine", "gentle", "glad", "grand", "keen", "kind", "light", "loud", "merry", "neat", "quick", "quiet", "rare", "sharp", "smart", "swift", "warm", "wild", "wise"}
	animals    = []string{"ant", "bear", "bee", "crab", "crow", "deer", "dove", "duck", "fish", "fox", "frog", "goat", "hare", "hawk", "lark", "lynx", "mole", "moth", "newt", "owl", "seal", "shrew", "stork", "swan", "toad", "wolf", "wren", "yak"}
)

// newName is the name of a run that has none, for people.
func newName() string {
	pick := func(n int) int {
		i, err := rand.Int(rand.Reader, big.NewInt(int64(n)))
		if err != nil {
			return 0 // the system has no random numbers: the name is no secret
		}
		return int(i.Int64())
	}
	return fmt.Sprintf("%s-%s-%d", adjectives[pick(len(adjectives))], animals[pick(len(animals))], pick(1000))
}
