package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/page"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// writePage writes the report of sweeps as one HTML file.
func (p *program) writePage(ctx context.Context, db *store.Store, names []string, r *compare.Report, v report.View, to advice.Target) error {
	from, err := provenance(ctx, db, names, r)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := page.Write(&b, r, from, v); err != nil {
		return err
	}
	return p.deliver(to, b.Bytes())
}

// provenance describes the sweep files, machines and plugins of results.
func provenance(ctx context.Context, db *store.Store, names []string, r *compare.Report) (page.Provenance, error) {
	from := page.Provenance{Version: version(), Runs: statusCounts(r)}
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
		from.Sweeps = append(from.Sweeps, page.Sweep{Name: s.Name, File: s.File, Digest: s.Digest, Created: page.Date(s.CreatedAt), Notes: s.Notes,
			Tags: strings.Join(s.Tags, ", "), Text: string(text.Text), Resolved: text.Resolved, Overrides: text.Overrides})
	}
	of, err := db.Provenance(ctx, ids...)
	if err != nil {
		return from, err
	}
	from.First, from.Last = page.Date(of.First), page.Date(of.Last)
	for _, e := range of.Environments {
		from.Environments = append(from.Environments, fmt.Sprintf("%s: %s, %s, %s/%s, %s, arithmetic %s, xrun %s: %s", e.Host, e.CPU, stats.Count(e.Cores, "core", "cores"),
			e.OS, e.Arch, e.GoVersion, e.BLAS, e.XrunVersion, stats.Count(e.Runs, "run", "runs")))
		commit := e.GitCommit
		if e.GitDirty {
			commit += ", with changes that were not committed"
		}
		if e.GitCommit != "" && !slices.Contains(from.Commits, commit) {
			from.Commits = append(from.Commits, commit)
		}
	}
	for _, u := range of.Plugins {
		from.Plugins = append(from.Plugins, page.Plugin{Role: u.Role, Name: u.Name, Version: u.Version, Digest: u.Digest, Protocol: u.Protocol, Runs: u.Runs})
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
