package store

import (
	"context"
	"database/sql"
	"errors"
	"math"
	"time"
)

// A scanner copies the columns of a row.
type scanner func(into ...any) error

// each runs a query on a reading connection and calls f for every row. The statement gets no context: queries are
// short, and a context makes every row much slower. Instead each checks ctx before the query and every few rows.
func (s *Store) each(ctx context.Context, op, query string, args []any, f func(scanner) error) error {
	if err := ctx.Err(); err != nil {
		return context.Cause(ctx)
	}
	rows, err := s.reads.Query(query, args...)
	if err != nil {
		return explain(s.path, op, err)
	}
	for n := 1; rows.Next(); n++ {
		err := f(rows.Scan)
		if n%1024 == 0 && err == nil && ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		if err != nil {
			return errors.Join(explain(s.path, op, err), rows.Close())
		}
	}
	return explain(s.path, op, errors.Join(rows.Err(), rows.Close()))
}

// real is a REAL column in which NULL is NaN.
type real sql.NullFloat64

func (r *real) Scan(value any) error { return (*sql.NullFloat64)(r).Scan(value) }

func (r real) float() float64 {
	if !r.Valid {
		return math.NaN()
	}
	return r.Float64
}

// moment is a time in microseconds; 0, for NULL, is the zero Time.
func moment(micro int64) time.Time {
	if micro == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micro).UTC()
}
