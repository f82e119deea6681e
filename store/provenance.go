package store

import (
	"context"
	"time"
)

// A Provenance lists the environments and plugins of runs.
type Provenance struct {
	Environments []EnvironmentUse // most runs first
	Plugins      []PluginCount    // by role and name
	First, Last  time.Time        // when the first run began and the last one ended; zero without runs
}

// An EnvironmentUse is an environment with its number of runs.
type EnvironmentUse struct {
	Environment
	Runs int
}

// A PluginCount is a component with the number of runs that used it.
type PluginCount struct {
	PluginUse // without its features
	Runs      int
}

// Provenance reads the provenance of all attempts at the trials of sweeps, including attempts of other sweeps.
func (s *Store) Provenance(ctx context.Context, sweepIDs ...int64) (p Provenance, err error) {
	of := `WITH these AS (SELECT DISTINCT r.id, r.environment_id, r.started_at, coalesce(r.ended_at, r.started_at) AS ended_at
		FROM present_run r JOIN member m ON m.trial_id = r.trial_id WHERE m.sweep_id IN (` + list(len(sweepIDs), "?") + `)) `
	const environments = `SELECT e.host, e.cpu, e.cores, e.os, e.arch, e.go_version, e.blas, e.xrun_version, e.git_commit, e.git_dirty,
		count(*), min(t.started_at), max(t.ended_at)
		FROM these t JOIN environment e ON e.id = t.environment_id GROUP BY e.id ORDER BY count(*) DESC, e.id`
	err = s.each(ctx, "read environments", of+environments, anys(sweepIDs), func(scan scanner) error {
		var e EnvironmentUse
		var first, last int64
		err := scan(&e.Host, &e.CPU, &e.Cores, &e.OS, &e.Arch, &e.GoVersion, &e.BLAS, &e.XrunVersion, &e.GitCommit, &e.GitDirty, &e.Runs, &first, &last)
		if from := moment(first); p.First.IsZero() || from.Before(p.First) {
			p.First = from
		}
		if to := moment(last); to.After(p.Last) {
			p.Last = to
		}
		p.Environments = append(p.Environments, e)
		return err
	})
	if err != nil {
		return p, err
	}
	const plugins = `SELECT u.role, p.name, p.version, p.digest, p.protocol, count(*)
		FROM these t JOIN run_plugin u ON u.run_id = t.id JOIN plugin p ON p.id = u.plugin_id
		GROUP BY u.role, p.name, p.version, p.digest, p.protocol ORDER BY u.role, p.name, p.version, p.digest`
	err = s.each(ctx, "read plugins", of+plugins, anys(sweepIDs), func(scan scanner) error {
		var c PluginCount
		err := scan(&c.Role, &c.Name, &c.Version, &c.Digest, &c.Protocol, &c.Runs)
		p.Plugins = append(p.Plugins, c)
		return err
	})
	return p, err
}
