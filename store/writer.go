package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	batchAge  = 250 * time.Millisecond // between commits, unless a run changes its state
	batchRows = 4096                   // rows of points that make a commit at once
	queueLen  = 64                     // updates that may wait; then the callers wait
	busyLimit = 60 * time.Second       // before the database counts as held by others
)

// A writer is the goroutine that owns the connection that writes.
type writer struct {
	queue chan job
	done  chan struct{} // closed when the goroutine has ended

	mu  sync.Mutex
	err error // why writing has stopped

	// Owned by the goroutine.
	path    string
	db      *sql.DB
	tx      *tx
	side    *sidecar
	owner   *owner
	full    *fullDisk
	batch   batch
	litter  []string // files to be removed after the transaction
	metrics metricSets
	main    os.FileInfo // of the file as it was opened
	wal     os.FileInfo
}

// A job is an update to record, a transaction of its own, or a barrier if it has neither.
type job struct {
	update *pending
	do     func(context.Context, *tx) error
	bare   func(*tx) error // instead of do: without a transaction
	op     string
	last   bool       // ends the goroutine
	reply  chan error // of do and of barriers, with room for one
}

func startWriter(ctx context.Context, path string, db *sql.DB, side *sidecar, o *owner, full *fullDisk) (*writer, error) {
	conn, err := db.Conn(ctx)
	if err != nil {
		return nil, err
	}
	if err := checkSettings(ctx, conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	w := &writer{
		queue: make(chan job, queueLen),
		done:  make(chan struct{}),
		path:  path, db: db, side: side, owner: o, full: full,
		tx: &tx{path: path, conn: conn, stmts: map[string]*sql.Stmt{}},
	}
	if w.main, err = os.Stat(path); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	go w.run()
	return w, nil
}

// send queues a job; it blocks while the disk cannot keep up.
func (w *writer) send(ctx context.Context, j job) error {
	if err := w.failure(); err != nil {
		return err
	}
	select {
	case w.queue <- j:
		return nil
	case <-w.done:
		return errClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// do runs f in a transaction of its own, after the jobs queued before it. Once started it is not cancelled.
func (w *writer) do(ctx context.Context, op string, f func(context.Context, *tx) error) error {
	return w.ask(ctx, job{do: f, op: op, reply: make(chan error, 1)})
}

func (w *writer) ask(ctx context.Context, j job) error {
	if err := w.send(ctx, j); err != nil {
		return err
	}
	select {
	case err := <-j.reply:
		return err
	case <-w.done:
		select {
		case err := <-j.reply:
			return err
		default:
			return errClosed
		}
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// close records the queued jobs, buries the owner and ends the goroutine.
func (w *writer) close() error {
	j := job{op: "close", last: true, reply: make(chan error, 1),
		do: func(_ context.Context, tx *tx) error { return w.owner.bury(tx, "xrun ended before the run did", true) }}
	select {
	case w.queue <- j:
	case <-w.done:
	}
	select {
	case err := <-j.reply:
		<-w.done
		return err
	case <-w.done:
		select {
		case err := <-j.reply:
			return err
		default:
			return nil // it was closed before
		}
	}
}

func (w *writer) failure() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

func (w *writer) fail(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
}

// run takes jobs until the last one. All waiting updates join a batch, so that a slow disk makes batches larger, not
// more frequent.
func (w *writer) run() {
	defer close(w.done)
	timer := time.NewTimer(batchAge)
	defer timer.Stop()
	committed := time.Now()
	for {
		var j job
		select {
		case j = <-w.queue:
		default:
			if w.batch.urgent || time.Since(committed) >= batchAge && !w.batch.empty() {
				w.commitBatch()
				committed = time.Now()
			}
			if w.batch.empty() {
				j = <-w.queue
				break
			}
			timer.Reset(batchAge - time.Since(committed))
			select {
			case j = <-w.queue:
			case <-timer.C:
				continue
			}
		}
		if j.update != nil {
			w.batch.add(j.update)
			if w.batch.rows >= batchRows {
				w.commitBatch()
				committed = time.Now()
			}
			continue
		}
		w.commitBatch()
		committed = time.Now()
		err := w.failure()
		if err == nil && j.bare != nil {
			w.side.acquire(patience)
			err = explain(w.path, j.op, j.bare(w.tx))
			w.side.release()
		}
		if err == nil && j.do != nil {
			if err = w.transact(j.op, j.do); Unavailable(err) && !isBusyError(err) {
				w.fail(err)
			}
		}
		if j.last {
			if w.failure() == nil && !w.moved() {
				w.side.acquire(patience)
				err = errors.Join(err, explain(w.path, "close", fold(w.tx)))
			}
			w.side.release()
			err = errors.Join(err, w.shut())
		}
		j.reply <- err
		if j.last {
			return
		}
	}
}

func isBusyError(err error) bool {
	_, ok := errors.AsType[*busyError](err)
	return ok
}

func (w *writer) commitBatch() {
	if w.batch.empty() {
		return
	}
	if w.failure() == nil {
		again := false
		err := w.transact("record", func(_ context.Context, tx *tx) error {
			if again { // the counts of the first attempt are not in the file
				if err := w.batch.recall(tx); err != nil {
					return err
				}
			}
			again = true
			return w.writeBatch(tx)
		})
		if err != nil {
			w.fail(err)
		}
	}
	w.batch.reset()
}

// transact runs f in a transaction while it holds the sidecar. It runs f again when a process without the sidecar was
// faster.
func (w *writer) transact(op string, f func(context.Context, *tx) error) error {
	moved := w.moved()
	started := time.Now()
	for {
		w.side.acquire(patience)
		_, err := w.tx.exec(`BEGIN IMMEDIATE`)
		if err == nil {
			if err = w.checkSchema(); err == nil {
				err = f(context.Background(), w.tx)
			}
			if err = w.tx.finish(err); err != nil {
				w.metrics = metricSets{} // the sets that f has entered are rolled back
			}
			w.sweepUp(err == nil)
		}
		w.side.release()
		waited := time.Since(started)
		switch {
		case isBusy(err) && waited < busyLimit:
			continue
		case isBusy(err):
			return &busyError{Path: w.path, Holder: w.side.holder(), Waited: waited}
		case isFull(err) && w.full.wait(err, started):
			continue
		case err != nil:
			return explain(w.path, op, err)
		case moved:
			return w.rescue()
		}
		return nil
	}
}

// checkSchema stops an old process from writing to a file that a newer one has migrated.
func (w *writer) checkSchema() error {
	var schema int
	if err := w.tx.one(`PRAGMA user_version`, nil, &schema); err != nil {
		return err
	}
	if schema != latestSchema {
		return &schemaError{Path: w.path, Schema: schema, Newest: latestSchema, Reader: w.owner.options.Version}
	}
	return nil
}

// moved reports whether the name no longer leads to the open file. SQLite would write on to a file that nobody can
// find.
func (w *writer) moved() bool {
	now, err := os.Stat(w.path)
	if err != nil || !os.SameFile(now, w.main) {
		return err == nil || errors.Is(err, fs.ErrNotExist)
	}
	wal, err := os.Stat(w.path + "-wal")
	if w.wal == nil {
		w.wal = wal // nil before the first transaction
		return false
	}
	return errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(wal, w.wal)
}

// rescue copies the open file, which has lost its name, to a new file beside its old place.
func (w *writer) rescue() error {
	name := fmt.Sprintf("%s.rescued-%s", w.path, time.Now().UTC().Format("20060102-150405"))
	saved, err := saveCopy(context.Background(), w.tx.conn, name)
	if err != nil {
		saved, err = saveCopy(context.Background(), w.tx.conn, filepath.Join(os.TempDir(), filepath.Base(name)))
	}
	return &movedError{Path: w.path, Rescue: saved, Cause: err}
}

func (w *writer) shut() error {
	var errs []error
	for _, s := range w.tx.stmts {
		errs = append(errs, s.Close())
	}
	return errors.Join(append(errs, w.tx.conn.Close(), w.db.Close(), w.side.close())...)
}
