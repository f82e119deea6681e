package ui

import (
	"bytes"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/xrun-dev/xrun/store"
)

// The largest size of all answers that are kept as they were sent, and of one of them, in bytes.
const (
	mostReady = 4 << 20
	mostOne   = 1 << 20
)

// ready keeps answers as they were sent: ten pages ask for the same when they are told of a change, and a page asks again when
// it comes back.
type ready struct {
	mu    sync.Mutex
	kept  []*sent // the latest used last
	size  int
	turns map[string]*turn
}

func newReady() *ready { return &ready{turns: map[string]*turn{}} }

// A sent is an answer as it was sent.
type sent struct {
	key     string
	version version
	sweeps  []store.SweepInfo
	live    bool // a sweep was in training
	from    time.Time
	cost    time.Duration

	code   int
	header http.Header
	body   []byte
}

// A turn lets requests for one address work one after the other.
type turn struct {
	free  chan struct{}
	users int
}

// once calls a handler once for all requests for one address in one state of the database.
func (s *Server) once(handle func(*request) error) func(*request) error {
	return func(q *request) error {
		if !takesGzip(q.Header) { // pages do; all others are answered one by one
			return handle(q)
		}
		key := q.URL.Path + "?" + q.URL.RawQuery
		t := s.ready.turn(key)
		defer s.ready.leave(key, t)
		select {
		case t.free <- struct{}{}:
			defer func() { <-t.free }()
		case <-q.Context().Done():
			return q.Context().Err()
		}
		now, err := q.db.version(q.Context())
		if err != nil {
			return err
		}
		if a := s.ready.get(key); a != nil && a.version.generation == now.generation {
			good := !a.live && a.version == now
			if a.live {
				q.sweeps = a.sweeps
				owners, err := q.owners()
				if err != nil {
					return err
				}
				good = len(owners) > 0 && usable(a.from, s.hub.told(), a.cost)
				q.sweeps = nil
			}
			if good {
				a.write(q.w)
				return nil
			}
		}
		a := &sent{key: key, version: now, from: time.Now(), header: http.Header{}}
		to := q.w
		q.w = a
		err = handle(q)
		q.w = to
		if err != nil {
			return err
		}
		a.cost, a.sweeps = time.Since(a.from), q.sweeps
		owners, err := q.owners()
		if err != nil {
			return err
		}
		a.live = len(owners) > 0
		s.ready.keep(a)
		a.write(q.w)
		return nil
	}
}

// Header, Write and WriteHeader are those of an http.ResponseWriter.
func (a *sent) Header() http.Header { return a.header }

func (a *sent) Write(data []byte) (int, error) {
	a.body = append(a.body, data...)
	return len(data), nil
}

func (a *sent) WriteHeader(code int) { a.code = code }

// write sends the answer.
func (a *sent) write(w http.ResponseWriter) {
	maps.Copy(w.Header(), a.header)
	if a.code != 0 {
		w.WriteHeader(a.code)
	}
	bytes.NewReader(a.body).WriteTo(w)
}

func (r *ready) turn(key string) *turn {
	r.mu.Lock()
	defer r.mu.Unlock()
	t := r.turns[key]
	if t == nil {
		t = &turn{free: make(chan struct{}, 1)}
		r.turns[strings.Clone(key)] = t
	}
	t.users++
	return t
}

func (r *ready) leave(key string, t *turn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if t.users--; t.users == 0 {
		delete(r.turns, key)
	}
}

func (r *ready) get(key string) *sent {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.kept, func(a *sent) bool { return a.key == key })
	if i < 0 {
		return nil
	}
	a := r.kept[i]
	r.kept = append(slices.Delete(r.kept, i, i+1), a)
	return a
}

// keep keeps an answer, in the place of an older one to the same, and forgets the oldest.
func (r *ready) keep(a *sent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kept = slices.DeleteFunc(r.kept, func(b *sent) bool {
		if b.key == a.key || b.version.generation != a.version.generation {
			r.size -= b.bytes()
			return true
		}
		return false
	})
	if a.bytes() > mostOne || a.code != 0 && a.code != http.StatusOK {
		return
	}
	r.kept = append(r.kept, a)
	r.size += a.bytes()
	for r.size > mostReady {
		r.size -= r.kept[0].bytes()
		r.kept = slices.Delete(r.kept, 0, 1)
	}
}

func (a *sent) bytes() int { return len(a.body) + len(a.key) + 512 }
