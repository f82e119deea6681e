package store

import "context"

// Arithmetic describes what computed the numbers of each attempt at the trials of sweeps, by run: the BLAS and the
// architecture of the machine. Runs of which neither is known are left out. It is nil if the database knows only one.
func (s *Store) Arithmetic(ctx context.Context, sweepIDs ...int64) (map[int64]string, error) {
	var kinds int
	const count = `SELECT count(*) FROM (SELECT DISTINCT blas, arch FROM environment)`
	if err := s.each(ctx, "read environments", count, nil, func(scan scanner) error { return scan(&kinds) }); err != nil || kinds < 2 {
		return nil, err
	}
	query := `SELECT DISTINCT r.id, e.blas, e.arch FROM present_run r JOIN member m ON m.trial_id = r.trial_id
		JOIN environment e ON e.id = r.environment_id WHERE m.sweep_id IN (` + list(len(sweepIDs), "?") + `)`
	all := map[int64]string{}
	shared := names{}
	err := s.each(ctx, "read environments", query, anys(sweepIDs), func(scan scanner) error {
		var run int64
		var blas, arch string
		err := scan(&run, &blas, &arch)
		text := blas
		if blas != "" && arch != "" {
			text += " on " + arch
		}
		if text != "" {
			all[run] = shared.of([]byte(text))
		}
		return err
	})
	return all, err
}
