package store

import (
	"context"
	"os"
	"path/filepath"
)

// Info describes a database as a whole.
type Info struct {
	Path          string
	Schema        int
	Bytes         int64 // of the file
	WAL           int64 // bytes of its log, which the next clean end merges into the file
	ArtifactFiles int
	ArtifactBytes int64
	Sweeps        int
	Trials        int
	Runs          int
	DeletedRuns   int
	Points        int64 // values
	Versions      []string
	Owners        []Owner // processes that have it open for writing
	Free          int64   // bytes that a vacuum would give back
}

// Info describes the database as a whole.
func (s *Store) Info(ctx context.Context) (Info, error) {
	i := Info{Path: s.path}
	const counts = `SELECT (SELECT user_version FROM pragma_user_version), (SELECT count(*) FROM sweep WHERE deleted_at IS NULL), (SELECT count(*) FROM trial),
		(SELECT count(*) FROM present_run), (SELECT count(*) FROM run WHERE deleted_at IS NOT NULL), (SELECT coalesce(sum(points), 0) FROM run),
		(SELECT freelist_count FROM pragma_freelist_count) * (SELECT page_size FROM pragma_page_size)`
	err := s.each(ctx, "read counts", counts, nil, func(scan scanner) error {
		return scan(&i.Schema, &i.Sweeps, &i.Trials, &i.Runs, &i.DeletedRuns, &i.Points, &i.Free)
	})
	if err != nil {
		return i, err
	}
	if info, err := os.Stat(s.path); err == nil {
		i.Bytes = info.Size()
	}
	if info, err := os.Stat(s.path + "-wal"); err == nil {
		i.WAL = info.Size()
	}
	files, _ := filepath.Glob(escapeGlob(s.path) + ".artifacts/*")
	for _, file := range files {
		if info, err := os.Stat(file); err == nil {
			i.ArtifactFiles++
			i.ArtifactBytes += info.Size()
		}
	}
	const versions = `SELECT version FROM owner GROUP BY version ORDER BY max(id) DESC LIMIT 10`
	err = s.each(ctx, "read versions", versions, nil, func(scan scanner) error {
		var version string
		err := scan(&version)
		i.Versions = append(i.Versions, version)
		return err
	})
	if err != nil {
		return i, err
	}
	const owners = `SELECT uuid, host, pid, command, started_at FROM owner WHERE closed_at IS NULL ORDER BY id`
	err = s.each(ctx, "read owners", owners, nil, func(scan scanner) error {
		var o Owner
		var started int64
		err := scan(&o.uuid, &o.Host, &o.PID, &o.Command, &started)
		o.StartedAt = moment(started)
		if err == nil && alive(s.path, o.uuid) {
			i.Owners = append(i.Owners, o)
		}
		return err
	})
	return i, err
}
