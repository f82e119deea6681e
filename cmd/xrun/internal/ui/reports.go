package ui

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/sweeps/compare"
)

// mostKept is the largest number of results in the reports that are kept, and mostReports that of reports. A result takes
// some 500 bytes.
const (
	mostKept    = 24_000
	mostReports = 12
)

// reports keeps the latest reports. Requests for one that is being made wait for it: a page asks for its parts at once, and
// ten pages ask for the same.
type reports struct {
	mu   sync.Mutex
	kept []*answer // the latest used last
	made map[string]*making
	cost time.Duration // of the latest
}

// latestCost is how long the latest report took.
func (c *reports) latestCost() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cost
}

func newReports() *reports { return &reports{made: map[string]*making{}} }

// An answer is a report of a state of the database.
type answer struct {
	report  *compare.Report
	version version
	cost    time.Duration
	at      time.Time // it was begun

	key    string
	weight int
}

// A making is a report that is being made, for those who wait.
type making struct {
	done    chan struct{}
	waiting int
	cancel  context.CancelFunc
	answer  *answer
	err     error
}

// stale says how long an answer about a sweep in training is good for, unless a change was told since: so many times as long as
// it took. The sweep changes with every epoch, and who reads must not take the processors from what trains.
const stale = 20

// usable reports whether an answer about a sweep in training is new enough. It was begun at from, and making it took cost. The
// last change was told at told; zero if nobody is told of any.
func usable(from, told time.Time, cost time.Duration) bool {
	return !told.IsZero() && from.After(told) && time.Since(from) < stale*cost
}

// answer answers a question in the state that the database has now. While the sweep trains an answer may be a little older.
func (s *Server) answer(ctx context.Context, db *opened, names []string, q question.Question, training bool) (*answer, error) {
	var told time.Time
	if training {
		told = s.hub.told()
	}
	text, err := json.Marshal([]any{names, q})
	if err != nil {
		return nil, err
	}
	now, err := db.version(ctx)
	if err != nil {
		return nil, err
	}
	c, key := s.reports, string(text)
	c.mu.Lock()
	if i := slices.IndexFunc(c.kept, func(a *answer) bool { return a.key == key && a.version.generation == now.generation }); i >= 0 {
		a := c.kept[i]
		if a.version == now || usable(a.at, told, a.cost) {
			c.kept = append(slices.Delete(c.kept, i, i+1), a)
			c.mu.Unlock()
			return a, nil
		}
	}
	flight := fmt.Sprint(now, key)
	m := c.made[flight]
	if m == nil {
		// It goes on as long as somebody waits for it.
		work, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTime)
		m = &making{done: make(chan struct{}), cancel: cancel}
		c.made[flight] = m
		go func() {
			defer cancel()
			m.answer, m.err = s.make(work, db, now, names, q)
			c.mu.Lock()
			delete(c.made, flight)
			if m.err == nil {
				c.cost = m.answer.cost
				m.answer.key = key
				c.keep(m.answer)
			}
			c.mu.Unlock()
			close(m.done)
		}()
	}
	m.waiting++
	c.mu.Unlock()
	select {
	case <-m.done:
		return m.answer, m.err
	case <-ctx.Done():
		c.mu.Lock()
		if m.waiting--; m.waiting == 0 {
			m.cancel()
			if c.made[flight] == m {
				delete(c.made, flight)
			}
		}
		c.mu.Unlock()
		<-m.done // it uses the request's database
		return nil, context.Cause(ctx)
	}
}

// make makes a report. Only a few are made at once: each needs memory.
func (s *Server) make(ctx context.Context, db *opened, now version, names []string, q question.Question) (*answer, error) {
	select {
	case s.busy <- struct{}{}:
		defer func() { <-s.busy }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	began := time.Now()
	r, err := question.Answer(ctx, db.Store, names, q)
	if err != nil {
		return nil, err
	}
	a := &answer{report: r, version: now, cost: time.Since(began), at: began}
	for _, p := range r.Points {
		a.weight += 1 + len(p.Seeds)
	}
	for _, curve := range r.Curves {
		a.weight += len(curve) / 16
	}
	return a, nil
}

// keep keeps an answer, and forgets those of the same question and the oldest.
func (c *reports) keep(a *answer) {
	c.kept = slices.DeleteFunc(c.kept, func(b *answer) bool { return a.key == b.key || a.version.generation != b.version.generation })
	c.kept = append(c.kept, a)
	total := 0
	for i := len(c.kept) - 1; i >= 0; i-- {
		total += c.kept[i].weight
		if i < len(c.kept)-1 && (total > mostKept || len(c.kept)-i > mostReports) {
			c.kept = slices.Delete(c.kept, 0, i+1)
			return
		}
	}
}
