package training

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Share is the part of a sweep that one of several machines trains. The zero Share is the whole sweep.
type Share struct {
	Shard Shard
	Known []string // paths of databases whose results need not be computed again
}

// A Shard is one of several parts into which a sweep is dealt: the same ones whoever asks. The zero Shard is the whole sweep.
type Shard struct{ Number, Of int } // from 1

// MostShards is the most shards of a sweep: more machines than anyone has, and few enough to be dealt to at once.
const MostShards = 1000

func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Number, s.Of) }

// ReadShare reads a share from the words of --shard and --known. No shard is an empty text.
func ReadShare(shard string, known []string) (Share, error) {
	s := Share{Known: known}
	if shard == "" {
		return s, nil
	}
	wrong := func(why string) error {
		return advice.Usage(fmt.Errorf("--shard %q %s", shard, why), fmt.Sprintf("of three machines the first takes --shard 1/3, the last --shard 3/3; there are at most %d", MostShards))
	}
	number, of, ok := strings.Cut(shard, "/")
	if !ok {
		return s, wrong("is not NUMBER/OF")
	}
	var errs [2]error
	s.Shard.Number, errs[0] = strconv.Atoi(number)
	s.Shard.Of, errs[1] = strconv.Atoi(of)
	switch {
	case errs[0] != nil || errs[1] != nil:
		return s, wrong("is not NUMBER/OF")
	case s.Shard.Of < 1 || s.Shard.Of > MostShards:
		return s, wrong(fmt.Sprintf("has no number of shards from 1 to %d", MostShards))
	case s.Shard.Number < 1 || s.Shard.Number > s.Shard.Of:
		return s, wrong(fmt.Sprintf("is none of the shards 1/%d to %d/%d", s.Shard.Of, s.Shard.Of, s.Shard.Of))
	}
	return s, nil
}

// Whole reports whether the share is the whole sweep.
func (s Share) Whole() bool { return s.Shard == Shard{} && len(s.Known) == 0 }

// Store is the database of a share: the given one, or the sweep file's, whose name gets that of the shard. Shards never
// write the same file by default, so that they can be copied to one folder, or lie in one that machines share.
func (s Share) Store(given string, spec *sweeps.Spec) string {
	if given != "" {
		return given
	}
	path := spec.Run.Store
	if s.Shard == (Shard{}) {
		return path
	}
	ext := filepath.Ext(path)
	return fmt.Sprintf("%s-%dof%d%s", strings.TrimSuffix(path, ext), s.Shard.Number, s.Shard.Of, ext)
}

// Check refuses a share of a sweep that cannot be trained in parts, and known databases that cannot be read. It writes nothing.
func (s Share) Check(ctx context.Context, spec *sweeps.Spec) error {
	if err := s.refuse(spec); err != nil {
		return err
	}
	return s.eachKnown(ctx, func(*store.Store) error { return nil })
}

// refuse refuses a share of a sweep that decides across its trials.
func (s Share) refuse(spec *sweeps.Spec) error {
	flag := "--shard"
	switch {
	case s.Whole():
		return nil
	case s.Shard == Shard{}:
		flag = "--known"
	}
	return refuseParts(flag, spec)
}

// refuseParts refuses to part a sweep that decides across its trials.
func refuseParts(flag string, spec *sweeps.Spec) error {
	what, leave := "", ""
	switch {
	case spec.Prune != nil:
		what, leave = "[prune] compares all trials of a rung", "leave out [prune]"
	case spec.Until != nil:
		what, leave = "seeds in stages are added by the results of all trials", "give a fixed number of seeds, as --set seeds=5 does"
	default:
		return nil
	}
	return advice.Usage(fmt.Errorf("%s: %s, and a database that has only some of them cannot decide", flag, what),
		advice.Command("sweep", spec.File, "--on", "slurm")+" trains such a sweep on several machines, with one database; or "+leave)
}

// eachKnown opens the known databases one after the other, for reading.
func (s Share) eachKnown(ctx context.Context, f func(*store.Store) error) error {
	for _, path := range s.Known {
		db, err := store.OpenReadOnly(ctx, path)
		if err != nil {
			return &knownError{path, err}
		}
		if err := errors.Join(f(db), db.Close()); err != nil {
			return &knownError{path, err}
		}
	}
	return nil
}

// A knownError is about a known database that cannot be read.
type knownError struct {
	path string
	err  error
}

func (e *knownError) Error() string { return fmt.Sprintf("--known %s: %v", e.path, e.err) }
func (e *knownError) Unwrap() error { return e.err }

// Hint says what to do.
func (e *knownError) Hint() string {
	if errors.Is(e.err, store.ErrNotFound) {
		return "copy it from the machine that has it, or leave the flag out"
	}
	hint, _ := advice.HintOf(e.err)
	return strings.ReplaceAll(hint, "with --store", "with --known")
}

// A Part is what a share comes to in a database.
type Part struct {
	Share
	Trials []runner.Trial        // of the share, in the order of the sweep
	All    int                   // trials of the sweep
	Chunks int                   // of the share
	Cut    int                   // chunks of the sweep
	Other  map[runner.Key]string // which of Trials have a result in a known database, and in which
	open   []runner.Trial        // the other Trials
}

// part finds the trials of a share. trials are those of [Trials] for the database at own.
func (s Share) part(ctx context.Context, spec *sweeps.Spec, own string, trials []runner.Trial, want Wishes) (*Part, error) {
	known, err := s.read(ctx, spec)
	if err != nil {
		return nil, err
	}
	return s.partOf(own, trials, want, newSplit(spec, s.Shard.Of), known), nil
}

// A known database has results of trials, which are in the order of the sweep.
type known struct {
	path string
	done []bool
}

// read finds the results in the known databases.
func (s Share) read(ctx context.Context, spec *sweeps.Spec) (all []known, err error) {
	err = s.eachKnown(ctx, func(db *store.Store) error {
		trials, err := Trials(ctx, db, spec)
		if err != nil {
			return err
		}
		keys := make([]runner.Key, len(trials))
		for i, t := range trials {
			keys[i] = t.Key()
		}
		status, err := db.Status(ctx, keys)
		k := known{db.Path(), make([]bool, len(keys))}
		for i, key := range keys {
			k.done[i] = status[key].Status.Done()
		}
		all = append(all, k)
		return err
	})
	return all, err
}

// partOf is part with what has been read. A database is not known to itself.
func (s Share) partOf(own string, trials []runner.Trial, want Wishes, cut *split, others []known) *Part {
	p := &Part{Share: s, All: len(trials), Other: map[runner.Key]string{}}
	if cut != nil {
		p.Chunks, p.Cut = cut.chunks[s.Shard.Number-1], cut.all
	}
	for i, t := range trials {
		if cut != nil && cut.shard[i] != s.Shard.Number {
			continue
		}
		p.Trials = append(p.Trials, t)
		at := slices.IndexFunc(others, func(k known) bool { return k.path != own && k.done[i] })
		if at >= 0 && !want.Again(t.Key()) {
			p.Other[t.Key()] = Short(others[at].path)
			continue
		}
		p.open = append(p.open, t)
	}
	return p
}

// A split is how a sweep is dealt to shards.
type split struct {
	shard  []int // of each of the sweep's trials, in their order
	chunks []int // of each shard
	all    int   // chunks
}

// newSplit deals a sweep to n shards. It asks no database: all machines have to cut in the same way.
func newSplit(spec *sweeps.Spec, n int) *split {
	if n == 0 {
		return nil
	}
	trials := spec.Trials()
	chunks := runner.Chunks(trials, runner.ShardChunk)
	s := &split{shard: make([]int, len(trials)), all: len(chunks)}
	of := make(map[runner.Key]int, len(trials))
	for i, shard := range runner.Deal(chunks, n) {
		s.chunks = append(s.chunks, len(shard))
		for _, chunk := range shard {
			for _, t := range chunk {
				of[t.Key()] = i + 1
			}
		}
	}
	for i, t := range trials {
		s.shard[i] = of[t.Key()]
	}
	return s
}

// String says which trials are the share's.
func (p *Part) String() string {
	if why := p.empty(); why != "" {
		return why
	}
	var text []string
	if p.Shard != (Shard{}) {
		text = append(text, fmt.Sprintf("shard %s has %d of %s", p.Shard, len(p.Trials), stats.Count(p.All, "trial", "trials")))
	}
	if len(p.Known) > 0 {
		text = append(text, fmt.Sprintf("%s in a known database", stats.Count(len(p.Other), "trial has its result", "trials have their results")))
	}
	return strings.Join(text, "; ")
}

// name names the part.
func (p *Part) name() string {
	if p.Shard == (Shard{}) {
		return "the sweep"
	}
	return "shard " + p.Shard.String()
}

// only are the trials of a part; nil for the whole sweep.
func (p *Part) only() map[runner.Key]bool {
	if p == nil {
		return nil
	}
	keys := make(map[runner.Key]bool, len(p.open))
	for _, t := range p.open {
		keys[t.Key()] = true
	}
	return keys
}

// empty says why a shard has no trials; it is empty if it has some.
func (p *Part) empty() string {
	if p == nil || len(p.Trials) > 0 || p.Shard == (Shard{}) {
		return ""
	}
	return fmt.Sprintf("shard %s is empty: the sweep is cut into %s, fewer than shards", p.Shard, stats.Count(p.Cut, "chunk", "chunks"))
}

// event is what the sweep in the database records of the share, for people.
func (p *Part) event() store.SweepEvent {
	text := p.name()
	if p.Shard == (Shard{}) {
		text = "all but what other databases have"
	}
	return store.SweepEvent{Kind: store.EventShare, Message: text}
}

// An After is what a session has left of a sweep.
type After struct {
	State        // of the trials that the session was to train
	Part  *Part  // nil for the whole sweep
	Store string // the database
	Left  int    // trials of the sweep without a result in the database
}

// After finds what the latest Train has left of a sweep.
func (s *Session) After(ctx context.Context, db *store.Store, id int64, spec *sweeps.Spec) (*After, error) {
	trials, err := Asked(ctx, db, id, spec)
	if err != nil {
		return nil, err
	}
	a := &After{Part: s.part, Store: Short(db.Path())}
	if a.State, err = Survey(ctx, db, spec, trials, Wishes{}); err != nil {
		return nil, err
	}
	a.Left = len(trials) - a.Done
	if a.Part != nil {
		a.State, err = Survey(ctx, db, spec, a.Part.open, Wishes{})
	}
	return a, err
}

// Parted reports whether the database has only a part of the sweep's results, as it was asked for. Its comparison would be one
// of what happens to be there.
func (a *After) Parted() bool { return a.Part != nil && a.Left > 0 }

// String says it in a line.
func (a *After) String() string {
	of := "the trials that no known database has"
	if a.Part.Shard != (Shard{}) {
		of = "shard " + a.Part.Shard.String()
	}
	text := fmt.Sprintf("%s: %d of %s here", of, a.Done, stats.Count(len(a.Part.open), "result is", "results are"))
	if n := len(a.Part.Other); n > 0 {
		text += fmt.Sprintf(", %d in known databases", n)
	}
	return text + fmt.Sprintf("; of the sweep's %s %s no result in %s", stats.Count(a.Part.All, "trial", "trials"), stats.Count(a.Left, "has", "have"), a.Store)
}

// JSON is what After says, for programs.
func (a *After) JSON(sweep string) map[string]any {
	out := map[string]any{"xrun_share": 1, "sweep": sweep, "store": a.Store, "trials": len(a.Part.Trials), "of": a.Part.All,
		"done": a.Done, "known": len(a.Part.Other), "failed": a.Failed + a.Lasting, "left": a.Left}
	if a.Part.Shard != (Shard{}) {
		out["shard"] = a.Part.Shard.String()
	}
	return out
}
