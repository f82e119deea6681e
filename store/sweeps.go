package store

import (
	"context"
	"encoding/json"
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/stop"
)

// A SweepInfo is a sweep in a listing.
type SweepInfo struct {
	ID        int64
	Name      string
	Title     string // the name, or NAME@ID if a later sweep has the same name; FindSweep finds it by either
	Notes     string
	Tags      []string
	File      string
	Digest    string
	Metric    string
	Goal      string
	At        string
	CreatedAt time.Time
	Relation  Relation // to the sweep Of; Of is 0 if that one is gone
	Of        int64
	Trials    int                   // all of them
	Counts    map[runner.Status]int // trials by the status of their best attempt; "" counts trials that never ran
}

// Keep returns which epoch of its runs is kept.
func (i SweepInfo) Keep() runner.Keep {
	return runner.Keep{Metric: i.Metric, Goal: stop.Goal(i.Goal), At: runner.At(i.At)}
}

// Done counts the trials that have a result.
func (i SweepInfo) Done() (n int) {
	for status, count := range i.Counts {
		if status.Done() {
			n += count
		}
	}
	return n
}

// titleOf is the SQL of the title of a sweep.
const titleOf = `(CASE WHEN EXISTS (SELECT 1 FROM sweep later WHERE later.name = sweep.name AND later.id > sweep.id AND later.deleted_at IS NULL)
	THEN sweep.name || '@' || sweep.id ELSE sweep.name END)`

const selectSweeps = `SELECT id, name, ` + titleOf + `, notes, file, digest, metric, goal, at, created_at,
	(SELECT json_group_array(tag) FROM sweep_tag WHERE sweep_id = sweep.id), relation, coalesce(of_sweep, 0) FROM sweep WHERE deleted_at IS NULL`

// Sweeps lists the sweeps, newest first.
func (s *Store) Sweeps(ctx context.Context) ([]SweepInfo, error) {
	all, err := s.sweeps(ctx, selectSweeps+` ORDER BY id DESC`)
	if err != nil {
		return nil, err
	}
	for i := range all {
		if err := s.countTrials(ctx, &all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// FindSweep finds the newest sweep of a name, the sweep of an id, or the one of both, NAME@ID; "" is the newest of all.
func (s *Store) FindSweep(ctx context.Context, nameOrID string) (SweepInfo, error) {
	query, args := selectSweeps+` ORDER BY id DESC LIMIT 1`, []any(nil)
	if nameOrID != "" {
		id, err := strconv.ParseInt(nameOrID, 10, 64)
		if err != nil {
			id = -1
		}
		query = selectSweeps + ` AND (name = ?1 OR id = ?2 OR name || '@' || id = ?1) ORDER BY name = ?1 DESC, id DESC LIMIT 1`
		args = []any{nameOrID, id}
	}
	return s.oneSweep(ctx, nameOrID, query, args...)
}

// Sweep finds a sweep by its id alone: the name of another may be a number.
func (s *Store) Sweep(ctx context.Context, id int64) (SweepInfo, error) {
	return s.oneSweep(ctx, strconv.FormatInt(id, 10), selectSweeps+` AND id = ?`, id)
}

// SweepOf finds the sweep with a digest.
func (s *Store) SweepOf(ctx context.Context, digest string) (SweepInfo, error) {
	return s.oneSweep(ctx, digest, selectSweeps+` AND digest = ?`, digest)
}

// oneSweep finds the sweep of a query, which is known by the name.
func (s *Store) oneSweep(ctx context.Context, name, query string, args ...any) (SweepInfo, error) {
	found, err := s.sweeps(ctx, query, args...)
	if err != nil {
		return SweepInfo{}, err
	}
	if len(found) == 0 {
		return SweepInfo{}, s.unknownSweep(ctx, name)
	}
	return found[0], s.countTrials(ctx, &found[0])
}

func (s *Store) unknownSweep(ctx context.Context, name string) error {
	const names = `SELECT ` + titleOf + ` FROM sweep WHERE deleted_at IS NULL ORDER BY id DESC LIMIT 11`
	missing := &notFoundError{What: "sweep", Name: name}
	err := s.each(ctx, "read sweeps", names, nil, func(scan scanner) error {
		var known string
		err := scan(&known)
		missing.Known = append(missing.Known, known)
		return err
	})
	if err != nil {
		return err
	}
	if len(missing.Known) > 10 {
		missing.Known[10] = "…; xrun db info --json lists all"
	}
	return missing
}

func (s *Store) sweeps(ctx context.Context, query string, args ...any) ([]SweepInfo, error) {
	var all []SweepInfo
	err := s.each(ctx, "read sweeps", query, args, func(scan scanner) error {
		var w SweepInfo
		var created int64
		var tags []byte
		err := scan(&w.ID, &w.Name, &w.Title, &w.Notes, &w.File, &w.Digest, &w.Metric, &w.Goal, &w.At, &created, &tags, &w.Relation, &w.Of)
		if err == nil {
			err = json.Unmarshal(tags, &w.Tags)
		}
		w.CreatedAt = moment(created)
		all = append(all, w)
		return err
	})
	return all, err
}

// countTrials counts trials by the status of their best attempt: done before running before the rest, later before
// earlier. A process that serves asks for the same again and again, so it counts once in each state of the database.
func (s *Store) countTrials(ctx context.Context, w *SweepInfo) error {
	const query = `SELECT m.trial_id, coalesce(r.status, '') FROM member m LEFT JOIN present_run r ON r.trial_id = m.trial_id
		WHERE m.sweep_id = ? ORDER BY m.trial_id, r.id`
	w.Counts = map[runner.Status]int{}
	last, best := int64(-1), runner.Status("")
	count := func() {
		if last >= 0 {
			w.Counts[best]++
			w.Trials++
		}
	}
	settled, err := s.settled(ctx, query)
	if err != nil {
		return err
	}
	of := countsOf{sweep: w.ID, query: settled}
	if s.counted != nil {
		if of.version, err = s.Version(ctx); err != nil {
			return err
		}
		if known, ok := s.counted.get(of); ok {
			w.Counts, w.Trials = known.counts, known.trials
			return nil
		}
	}
	err = s.each(ctx, "read trials", settled, []any{w.ID}, func(scan scanner) error {
		var trial int64
		var status string
		if err := scan(&trial, &status); err != nil {
			return err
		}
		if trial != last {
			count()
			last, best = trial, ""
		}
		if runner.Status(status).CountsOver(best) {
			best = runner.Status(status)
		}
		return nil
	})
	count()
	if s.counted != nil && err == nil {
		s.counted.put(of, trialCounts{w.Counts, w.Trials})
	}
	return err
}

// counted keeps counts of trials, of one state of the database at a time.
type counted struct {
	mu   sync.Mutex
	kept map[countsOf]trialCounts
}

// countsOf says which counts: those of a sweep in a state of the database. The query names the processes that have died.
type countsOf struct {
	version, sweep int64
	query          string
}

type trialCounts struct {
	counts map[runner.Status]int
	trials int
}

func (c *counted) get(of countsOf) (trialCounts, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known, ok := c.kept[of]
	return trialCounts{maps.Clone(known.counts), known.trials}, ok
}

func (c *counted) put(of countsOf, known trialCounts) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for other := range c.kept {
		if other.version != of.version || other.query != of.query {
			delete(c.kept, other)
		}
	}
	if c.kept == nil {
		c.kept = map[countsOf]trialCounts{}
	}
	c.kept[of] = trialCounts{maps.Clone(known.counts), known.trials}
}

// A SweepText is the sweep file of a sweep.
type SweepText struct {
	Text      []byte   // the file as written
	Resolved  string   // the complete specification
	Overrides []string // changes of the command line, KEY=VALUE as given
}

// SweepText reads the sweep file of a sweep.
func (s *Store) SweepText(ctx context.Context, sweepID int64) (SweepText, error) {
	const query = `SELECT text, resolved, overrides FROM sweep WHERE id = ?`
	var text SweepText
	found := false
	err := s.each(ctx, "read sweep", query, []any{sweepID}, func(scan scanner) error {
		found = true
		var overrides string
		if err := scan(&text.Text, &text.Resolved, &overrides); err != nil || overrides == "" {
			return err
		}
		return json.Unmarshal([]byte(overrides), &text.Overrides)
	})
	if err == nil && !found {
		err = &notFoundError{What: "sweep", Name: strconv.FormatInt(sweepID, 10)}
	}
	return text, err
}
