package store

import (
	"context"
	"time"

	"github.com/xrun-dev/xrun/runner"
)

var _ runner.Optima = (*Store)(nil)

// Optimum looks an optimum up; ok is false if it is not known yet.
func (s *Store) Optimum(ctx context.Context, key string) (o runner.Optimum, ok bool, err error) {
	const query = `SELECT key, value, violation, problem FROM optimum WHERE key = ?`
	err = s.each(ctx, "read optimum", query, []any{key}, func(scan scanner) error {
		ok = true
		return scan(&o.Key, &o.Value, &o.Violation, &o.Problem)
	})
	return o, ok, err
}

// PutOptimum records an optimum. The first one of a key stays.
func (s *Store) PutOptimum(ctx context.Context, o runner.Optimum) error {
	const insert = `INSERT INTO optimum (key, value, violation, problem, created_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`
	return s.writer.do(ctx, "keep optimum", func(_ context.Context, tx *tx) error {
		n, err := affected(tx, insert, o.Key, o.Value, o.Violation, o.Problem, time.Now().UnixMicro())
		if err != nil || n == 0 {
			return err
		}
		return sealOptimum(tx, o.Key)
	})
}
