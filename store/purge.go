package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// purgeRows limits the points that one transaction removes: a large run takes little memory, and others wait briefly.
const purgeRows = 20_000

// settling is the least age of a file without a row that is removed: a sweep may be about to commit the row.
const settling = time.Hour

// Litter counts what Purge removes, or would remove.
type Litter struct {
	Runs   int
	Sweeps int
	Files  int
	Bytes  int64 // of the files
}

// Purge removes for good the runs and sweeps that were deleted before a time, and the files beside the database that
// no row names. A dry one only counts.
func (s *Store) Purge(ctx context.Context, before time.Time, dry bool) (Litter, error) {
	const (
		runs   = `SELECT id FROM run WHERE deleted_at < ?`
		sweeps = `SELECT id FROM sweep WHERE deleted_at < ?`
		drop   = `DELETE FROM sweep WHERE id = ? AND NOT EXISTS (SELECT 1 FROM run WHERE sweep_id = ?1)`
	)
	var l Litter
	doomed, err := s.readIDs(ctx, runs, before.UnixMicro())
	if err != nil {
		return l, err
	}
	l.Runs = len(doomed)
	gone, err := s.readIDs(ctx, sweeps, before.UnixMicro())
	if err != nil {
		return l, err
	}
	l.Sweeps = len(gone)
	if !dry {
		for _, id := range doomed {
			if err := s.purgeRun(ctx, id); err != nil {
				return l, err
			}
		}
		for _, id := range gone {
			err := s.writer.do(ctx, "purge", func(_ context.Context, tx *tx) error {
				related, err := ids(tx, `SELECT id FROM sweep WHERE of_sweep = ?`, id)
				if err != nil {
					return err
				}
				if _, err := tx.exec(drop, id); err != nil {
					return err
				}
				for _, other := range related { // they no longer name it
					if err := sealSweep(tx, other); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return l, err
			}
		}
	}
	err = s.purgeFiles(ctx, &l, dry)
	return l, err
}

func (s *Store) readIDs(ctx context.Context, query string, args ...any) (all []int64, err error) {
	err = s.each(ctx, "read ids", query, args, func(scan scanner) error {
		var id int64
		err := scan(&id)
		all = append(all, id)
		return err
	})
	return all, err
}

// purgeRun removes a run, its points a part at a time.
func (s *Store) purgeRun(ctx context.Context, id int64) error {
	const (
		part = `DELETE FROM point WHERE run_id = ?1 AND step <= coalesce(
			(SELECT step FROM point WHERE run_id = ?1 ORDER BY step LIMIT 1 OFFSET ?2), 9223372036854775807)`
		summaries = `DELETE FROM summary WHERE run_id = ?`
		run       = `DELETE FROM run WHERE id = ?` // with its events, artifacts, coefficients, constants and its checkpoint
	)
	for removed := int64(1); removed > 0; {
		err := s.writer.do(ctx, "purge", func(_ context.Context, tx *tx) (err error) {
			removed, err = affected(tx, part, id, purgeRows)
			return err
		})
		if err != nil {
			return err
		}
	}
	return s.writer.do(ctx, "purge", func(_ context.Context, tx *tx) error {
		for _, query := range []string{summaries, run} {
			if _, err := tx.exec(query, id); err != nil {
				return err
			}
		}
		return nil
	})
}

// purgeFiles removes artifacts and checkpoints that no row names, and files of dead owners.
func (s *Store) purgeFiles(ctx context.Context, l *Litter, dry bool) error {
	const named = `SELECT (SELECT count(*) FROM artifact WHERE digest = ?1) + (SELECT count(*) FROM checkpoint WHERE digest = ?1)`
	remove := func(file string, info fs.FileInfo) error {
		l.Files++
		l.Bytes += info.Size()
		if dry {
			return nil
		}
		if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	artifacts, err := filepath.Glob(escapeGlob(s.path) + ".artifacts/*")
	if err != nil {
		return err
	}
	temporary, _ := filepath.Glob(escapeGlob(s.path) + ".artifacts/.*") // of processes that were killed
	for _, file := range append(artifacts, temporary...) {
		info, err := os.Stat(file)
		if err != nil || time.Since(info.ModTime()) < settling || !info.Mode().IsRegular() {
			continue
		}
		digest, _, _ := strings.Cut(filepath.Base(file), ".")
		n := 0
		err = s.each(ctx, "look for artifacts", named, []any{digest}, func(scan scanner) error { return scan(&n) })
		if err == nil && n == 0 {
			err = remove(file, info)
		}
		if err != nil {
			return err
		}
	}
	owners, _ := filepath.Glob(filepath.Join(escapeGlob(filepath.Dir(s.path)), ".xrun", "owners", "*"))
	for _, file := range owners {
		info, err := os.Stat(file)
		if err != nil || time.Since(info.ModTime()) < settling {
			continue
		}
		uuid, _, _ := strings.Cut(filepath.Base(file), ".")
		if alive(s.path, uuid) {
			continue
		}
		if err := remove(file, info); err != nil {
			return err
		}
	}
	return nil
}

// escapeGlob makes a path match itself only.
func escapeGlob(path string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`).Replace(path)
}
