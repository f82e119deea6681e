package store

import (
	"context"
	"strconv"
	"strings"
)

// settled is the SQL of a run's status in which a running run of a dead process is interrupted. The next writer
// records that; until then readers test the locks of owners, and change nothing. The query calls the table of runs r.
func (s *Store) settled(ctx context.Context, query string) (string, error) {
	const open = `SELECT id, uuid FROM owner WHERE closed_at IS NULL`
	var dead []string
	err := s.each(ctx, "read owners", open, nil, func(scan scanner) error {
		var id int64
		var uuid string
		err := scan(&id, &uuid)
		if err == nil && !alive(s.path, uuid) {
			dead = append(dead, strconv.FormatInt(id, 10))
		}
		return err
	})
	if err != nil || len(dead) == 0 {
		return query, err
	}
	return strings.ReplaceAll(query, "r.status",
		"(CASE WHEN r.status = 'running' AND r.owner_id IN ("+strings.Join(dead, ",")+") THEN 'interrupted' ELSE r.status END)"), nil
}
