package question

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A Provenance describes the origin of the results.
type Provenance struct {
	Version      string // of xrun, which asks
	Sweeps       []SweepSource
	Runs         string   // by status
	First, Last  string   // when runs began and ended
	Environments []string // each with its number of runs
	Commits      []string
	Plugins      []UsedPlugin
}

// A SweepSource is what a sweep was read from.
type SweepSource struct {
	Name, File, Digest, Created, Notes, Tags string
	Text, Resolved                           string // the file as written, and all of its points
	Overrides                                []string
}

// A UsedPlugin is a component that runs used.
type UsedPlugin struct {
	Role, Name, Version, Digest, Protocol string
	Runs                                  int
}

// ProvenanceOf describes the sweep files, machines and plugins of results.
func ProvenanceOf(ctx context.Context, db *store.Store, names []string, r *compare.Report, version string) (Provenance, error) {
	from := Provenance{Version: version, Runs: statusCounts(r)}
	if len(names) == 0 {
		names = []string{""}
	}
	var ids []int64
	for _, name := range names {
		s, err := db.FindSweep(ctx, name)
		if err != nil {
			return from, err
		}
		if slices.Contains(ids, s.ID) {
			continue
		}
		text, err := db.SweepText(ctx, s.ID)
		if err != nil {
			return from, err
		}
		ids = append(ids, s.ID)
		from.Sweeps = append(from.Sweeps, SweepSource{Name: s.Title, File: filepath.Base(s.File), Digest: s.Digest, Created: date(s.CreatedAt), Notes: s.Notes,
			Tags: strings.Join(s.Tags, ", "), Text: string(text.Text), Resolved: text.Resolved, Overrides: text.Overrides})
	}
	of, err := db.Provenance(ctx, ids...)
	if err != nil {
		return from, err
	}
	from.First, from.Last = date(of.First), date(of.Last)
	for _, e := range of.Environments {
		arithmetic := ""
		if e.BLAS != "" { // of earlier versions of xrun
			arithmetic = "arithmetic " + e.BLAS + ", "
		}
		from.Environments = append(from.Environments, fmt.Sprintf("%s: %s, %s, %s/%s, %s, %sxrun %s: %s", e.Host, e.CPU, stats.Count(e.Cores, "core", "cores"),
			e.OS, e.Arch, e.GoVersion, arithmetic, e.XrunVersion, stats.Count(e.Runs, "run", "runs")))
		commit := e.GitCommit
		if e.GitDirty {
			commit += ", with changes that were not committed"
		}
		if e.GitCommit != "" && !slices.Contains(from.Commits, commit) {
			from.Commits = append(from.Commits, commit)
		}
	}
	for _, u := range of.Plugins {
		from.Plugins = append(from.Plugins, UsedPlugin{Role: u.Role, Name: u.Name, Version: u.Version, Digest: u.Digest, Protocol: u.Protocol, Runs: u.Runs})
	}
	return from, nil
}

// statusCounts counts the trials of a report by status.
func statusCounts(r *compare.Report) string {
	var parts []string
	for _, status := range []runner.Status{runner.StatusFinished, runner.StatusStopped, runner.StatusPruned, runner.StatusDiverged, runner.StatusFailed, runner.StatusInterrupted, runner.StatusRunning} {
		if n := r.Counts[status]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, status))
		}
	}
	if r.Missing > 0 {
		parts = append(parts, fmt.Sprintf("%d not run", r.Missing))
	}
	return strings.Join(parts, ", ")
}

// date writes a time for a page.
func date(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format("2006-01-02 15:04 UTC")
}
