package ui

import (
	"context"
	"errors"
	"sync"

	"github.com/xrun-dev/xrun/store"
)

// A source is the database, opened again where another file takes its place.
type source struct {
	path string

	mu         sync.Mutex
	now        *opened
	generation int64
	closed     bool
}

// An opened database is closed when the last request that uses it has ended, and another one has taken its place.
type opened struct {
	*store.Store
	generation int64
	users      int
	left       bool // another one has taken its place
}

func openSource(ctx context.Context, path string) (*source, error) {
	s := &source{path: path}
	db, err := s.take(ctx)
	if err != nil {
		return nil, err
	}
	s.drop(db)
	return s, nil
}

var errClosed = errors.New("the server ends")

// take returns the database for a request, which has to drop it.
func (s *source) take(ctx context.Context) (*opened, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	if s.now == nil || s.now.Outdated() {
		db, err := store.OpenToServe(ctx, s.path)
		if err != nil {
			return nil, err
		}
		if old := s.now; old != nil {
			old.left = true
			if old.users == 0 {
				old.Close()
			}
		}
		s.generation++
		s.now = &opened{Store: db, generation: s.generation}
	}
	s.now.users++
	return s.now, nil
}

func (s *source) drop(db *opened) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if db.users--; db.users == 0 && db.left {
		db.Close()
	}
}

func (s *source) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	if s.now == nil {
		return nil
	}
	s.now.left = true
	if s.now.users > 0 { // the last user closes it
		return nil
	}
	db := s.now
	s.now = nil
	return db.Close()
}

// A version names a state of the database.
type version struct{ generation, count int64 }

func (db *opened) version(ctx context.Context) (version, error) {
	n, err := db.Version(ctx)
	return version{db.generation, n}, err
}

// number is the version in one number, which only grows.
func (v version) number() int64 { return v.generation<<40 + v.count }
