package ui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/xrun-dev/xrun/store"
)

// The pace of events while somebody listens.
const (
	glance    = 250 * time.Millisecond // between two looks at the files of the database
	pace      = time.Second            // between two events of one kind
	heartbeat = 15 * time.Second       // between two comments that keep the line open
	spared    = 40                     // times as long as a look into the database took there is no other one,
	awhile    = 30 * time.Second       // but no longer than this
)

// A hub tells listeners what has changed. It looks at the files of the database only while somebody listens, and into the
// database only where they have changed.
type hub struct {
	s *Server

	mu        sync.Mutex
	listeners map[*listener]bool
	watching  bool
	looks     int       // into the database, so far
	changed   time.Time // a change was told
	ended     chan struct{}
	done      sync.WaitGroup
}

func newHub(s *Server) *hub {
	return &hub{s: s, listeners: map[*listener]bool{}, ended: make(chan struct{})}
}

// A listener is a stream of events. What it has not taken yet is replaced by what is newer, so that a slow one costs nothing.
type listener struct {
	sweeps []int64 // none is all

	mu      sync.Mutex
	order   []string // of pending
	pending map[string]event
	wake    chan struct{}
}

type event struct {
	name    string
	version int64
	data    any
}

func (l *listener) send(key string, e event) {
	l.mu.Lock()
	if _, waits := l.pending[key]; !waits {
		l.order = append(l.order, key)
	}
	l.pending[key] = e
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

func (l *listener) take() (events []event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, key := range l.order {
		events = append(events, l.pending[key])
		delete(l.pending, key)
	}
	l.order = l.order[:0]
	return events
}

// add adds a listener; false if there are too many.
func (h *hub) add(l *listener) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	select {
	case <-h.ended:
		return false
	default:
	}
	if len(h.listeners) >= mostStreams {
		return false
	}
	h.listeners[l] = true
	if !h.watching {
		h.watching = true
		h.done.Go(h.watch)
	}
	return true
}

func (h *hub) remove(l *listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.listeners, l)
}

// all are the listeners. Without one the watch ends.
func (h *hub) all() (list []*listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.listeners {
		list = append(list, l)
	}
	h.watching = len(list) > 0
	return list
}

func (h *hub) close() {
	h.mu.Lock()
	select {
	case <-h.ended:
	default:
		close(h.ended)
	}
	h.mu.Unlock()
	h.done.Wait()
}

// told is when a change was told last; zero if nobody listens.
func (h *hub) told() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.watching {
		return time.Time{}
	}
	return h.changed
}

// tells sends that something has changed. What was answered before that moment is old.
func (h *hub) tells(list []*listener, key string, e event) {
	h.mu.Lock()
	h.changed = time.Now()
	h.mu.Unlock()
	for _, l := range list {
		l.send(key, e)
	}
}

// count counts a look into the database.
func (h *hub) count() {
	h.mu.Lock()
	h.looks++
	h.mu.Unlock()
}

// broadcast sends an event to all listeners.
func (h *hub) broadcast(key string, e event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.listeners {
		l.send(key, e)
	}
}

// A seen is what a watch knows of the database.
type seen struct {
	generation int64
	stamp      store.Stamp
	changed    time.Time // the stamp did
	version    version
	told       map[int64]string // what was told of sweeps
	owners     []store.Owner    // of sweeps that are listened to
	lives      time.Time        // they were last seen to live
	news       bool             // there is something to tell
	next       time.Time        // the earliest time for it
	changes    time.Time        // the earliest time to tell a change of a sweep in training
	waits      bool             // such a change is not told yet
}

func (h *hub) watch() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-h.ended:
			cancel()
		case <-ctx.Done():
		}
	}()
	state := seen{told: map[int64]string{}}
	tick := time.NewTicker(glance)
	defer tick.Stop()
	for first := true; ; first = false {
		list := h.all()
		if len(list) == 0 {
			return
		}
		if err := h.look(ctx, &state, list, first); err != nil { // the database is away: requests say why
			state.news = true
			state.next = time.Now().Add(pace)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// look looks for changes, and tells them.
func (h *hub) look(ctx context.Context, state *seen, list []*listener, first bool) error {
	db, err := h.s.source.take(ctx)
	if err != nil {
		return err
	}
	defer h.s.source.drop(db)
	now := time.Now()
	stamp := db.Stamp()
	if stamp != state.stamp || db.generation != state.generation {
		state.stamp, state.generation, state.changed = stamp, db.generation, now
	}
	if now.Sub(state.changed) < 4*glance { // soon after a change there may be another one under the same stamp
		h.count()
		v, err := db.version(ctx)
		if err != nil {
			return err
		}
		if v != state.version {
			state.news = state.news || !first
			state.version = v
		}
	}
	if len(state.owners) > 0 && now.Sub(state.lives) >= pace { // the death of a process leaves the database as it is
		state.lives = now
		if slices.ContainsFunc(state.owners, func(o store.Owner) bool { return !db.Lives(o) }) {
			state.news = true
		}
	}
	fresh := false // somebody listens to a sweep of which nothing was told so far
	for _, l := range list {
		for _, id := range l.sweeps {
			_, known := state.told[id]
			fresh = fresh || !known
		}
	}
	if !(state.news && now.After(state.next)) && !fresh {
		return nil
	}
	h.count()
	if err := h.tell(ctx, db, state, list); err != nil {
		return err
	}
	cost := time.Since(now)
	state.news, state.next = state.waits, now.Add(min(max(pace, spared*cost), awhile))
	return nil
}

// tell tells listeners what has changed about their sweeps.
func (h *hub) tell(ctx context.Context, db *opened, state *seen, list []*listener) error {
	wanted := map[int64][]*listener{}
	var everything []*listener // they listen to all sweeps
	n := state.version.number()
	for _, l := range list {
		for _, id := range l.sweeps {
			wanted[id] = append(wanted[id], l)
		}
		if len(l.sweeps) == 0 && state.news {
			everything = append(everything, l)
		}
	}
	// A change has pages ask for the whole answer again. What that takes is part of what looking costs.
	changes := time.Now().After(state.changes)
	if len(everything) > 0 && changes {
		h.tells(everything, "change", event{"change", n, map[string]any{"sweep": "", "id": 0, "version": n}})
	}
	state.waits = len(everything) > 0 && !changes
	before := len(state.owners)
	state.owners = nil
	for id, of := range wanted {
		sweep, err := db.FindSweep(ctx, itoa(id))
		if errors.Is(err, store.ErrNotFound) {
			err = nil
			sweep = store.SweepInfo{ID: id}
		}
		if err != nil {
			return err
		}
		owners, err := db.Owners(ctx, id)
		if err != nil {
			return err
		}
		state.owners = append(state.owners, owners...)
		var live *Live
		if len(owners) > 0 {
			if live, err = h.s.live.of(ctx, db, sweep, true); err != nil {
				return err
			}
		}
		// The order of points changes only when a trial ends, so the page need not be made again for each epoch.
		what := countsText(sweep)
		for _, o := range owners {
			what += fmt.Sprint(" ", o.PID, "@", o.Host)
		}
		if live != nil {
			what += fmt.Sprint(" ", live.Ended, live.Stage)
		}
		switch told, known := state.told[id]; {
		case !known:
			state.told[id] = what
		case told == what:
		case changes || live == nil: // at its end at once
			state.told[id] = what
			h.tells(of, "change "+itoa(id), event{"change", n, map[string]any{"sweep": sweep.Title, "id": id, "version": n}})
		default:
			state.waits = true
		}
		if live != nil {
			for _, l := range of {
				l.send("progress "+itoa(id), event{"progress", n, live})
			}
		}
	}
	if changes {
		state.changes = time.Now().Add(min(spared*h.s.reports.latestCost(), awhile))
	}
	if len(state.owners) < before {
		state.changes = time.Time{}
	}
	for id := range state.told {
		if wanted[id] == nil {
			delete(state.told, id)
		}
	}
	return nil
}

// getEvents is a stream of events.
func (s *Server) getEvents(w http.ResponseWriter, r *http.Request) {
	l := &listener{pending: map[string]event{}, wake: make(chan struct{}, 1)}
	now, err := s.subscribe(l, w, r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	if !s.hub.add(l) {
		w.Header().Set("Retry-After", "30")
		s.refuse(w, http.StatusServiceUnavailable, fmt.Errorf("there are %d streams of events already", mostStreams), "close a page")
		return
	}
	defer s.hub.remove(l)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream; charset=utf-8")
	h.Set("X-Accel-Buffering", "no") // of proxies
	w.WriteHeader(http.StatusOK)
	write := func(format string, args ...any) bool {
		_, err := fmt.Fprintf(w, format, args...)
		return err == nil
	}
	if !write("retry: 3000\nid: %d\nevent: hello\ndata: {\"xrun_ui\":%d,\"version\":%d}\n\n", now, format, now) {
		return
	}
	if last, err := strconv.ParseInt(r.Header.Get("Last-Event-ID"), 10, 64); err == nil && last != now {
		l.send("change", event{"change", now, map[string]any{"sweep": "", "id": 0, "version": now}}) // it was away meanwhile
	}
	flusher := http.NewResponseController(w)
	if r.Method == http.MethodHead {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		flusher.Flush()
		select {
		case <-r.Context().Done(): // the reader has gone, or the server ends
			write("event: bye\ndata: {}\n\n")
			flusher.Flush()
			return
		case <-s.hub.ended:
			return
		case <-beat.C:
			if !write(": still here\n\n") {
				return
			}
		case <-l.wake:
			for _, e := range l.take() {
				data, err := json.Marshal(e.data)
				if err != nil || !write("id: %d\nevent: %s\ndata: %s\n\n", e.version, e.name, data) {
					return
				}
			}
		}
	}
}

// subscribe reads what a listener wants, and the version of the database.
func (s *Server) subscribe(l *listener, w http.ResponseWriter, r *http.Request) (int64, error) {
	q := &request{Request: r, s: s, w: w}
	if err := q.read([]string{"sweep"}); err != nil {
		return 0, err
	}
	var err error
	if q.db, err = s.source.take(r.Context()); err != nil {
		return 0, err
	}
	defer s.source.drop(q.db)
	if len(q.values["sweep"]) > 0 {
		if err := q.find(); err != nil {
			return 0, err
		}
	}
	for _, sweep := range q.sweeps {
		if !slices.Contains(l.sweeps, sweep.ID) {
			l.sweeps = append(l.sweeps, sweep.ID)
		}
	}
	v, err := q.db.version(r.Context())
	return v.number(), err
}
