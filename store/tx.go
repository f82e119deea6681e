package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
)

// A tx is the writer's connection inside a transaction. Statements are prepared once and kept. They get no context: it
// doubles the cost of a row, and a cancelled statement loses the transaction.
type tx struct {
	path  string
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

func (t *tx) prepared(query string) (*sql.Stmt, error) {
	if s, ok := t.stmts[query]; ok {
		return s, nil
	}
	s, err := t.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	t.stmts[query] = s
	return s, nil
}

func (t *tx) exec(query string, args ...any) (sql.Result, error) {
	s, err := t.prepared(query)
	if err != nil {
		return nil, err
	}
	return s.Exec(args...)
}

func (t *tx) query(query string, args ...any) (*sql.Rows, error) {
	s, err := t.prepared(query)
	if err != nil {
		return nil, err
	}
	return s.Query(args...)
}

// one scans the only row of a query.
func (t *tx) one(query string, args []any, into ...any) error {
	s, err := t.prepared(query)
	if err != nil {
		return err
	}
	return s.QueryRow(args...).Scan(into...)
}

// finish rolls back when err is set and commits otherwise.
func (t *tx) finish(err error) error {
	if err != nil {
		t.exec(`ROLLBACK`)
		return err
	}
	if _, err := t.exec(`COMMIT`); err != nil {
		t.exec(`ROLLBACK`)
		return err
	}
	return nil
}

// A bulk inserts rows many at a time.
type bulk struct {
	tx     *tx
	into   string // "INSERT INTO table (a, b) VALUES"
	suffix string // "ON CONFLICT DO NOTHING"
	width  int
	args   []any
	many   string
}

const bulkRows = 32 // rows in one statement; more are no faster

func (t *tx) bulk(into string, width int, suffix string) *bulk {
	return &bulk{tx: t, into: into, suffix: suffix, width: width, args: make([]any, 0, bulkRows*width)}
}

func (b *bulk) add(row ...any) error {
	if len(row) != b.width {
		panic(fmt.Sprintf("store: %d values for %d columns", len(row), b.width))
	}
	b.args = append(b.args, row...)
	if len(b.args) < bulkRows*b.width {
		return nil
	}
	if b.many == "" {
		b.many = b.statement(bulkRows)
	}
	_, err := b.tx.exec(b.many, b.args...)
	b.args = b.args[:0]
	return err
}

// flush inserts the rest.
func (b *bulk) flush() error {
	one := b.statement(1)
	for len(b.args) > 0 {
		if _, err := b.tx.exec(one, b.args[:b.width]...); err != nil {
			return err
		}
		b.args = b.args[b.width:]
	}
	return nil
}

func (b *bulk) statement(rows int) string {
	return b.into + " " + list(rows, "("+list(b.width, "?")+")") + " " + b.suffix
}

// list is n times item, separated by commas.
func list(n int, item string) string {
	return strings.TrimSuffix(strings.Repeat(item+", ", n), ", ")
}
