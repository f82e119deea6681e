// Package planning prints what a sweep would run, and how it is dealt to several machines.
package planning

import (
	"fmt"
	"io"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/showing"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/sweeps"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// JSON is a plan for programs. store is the database.
func JSON(spec *sweeps.Spec, plan *training.Plan, store string) map[string]any {
	out := map[string]any{"xrun_plan": 1, "sweep": spec.Name, "store": store, "grid": spec.Grid().String(), "folded": spec.Grid().Folded, "trials": plan.Trials}
	if plan.AtOnce != "" {
		out["at_once"] = plan.AtOnce
	}
	if plan.Memory != nil {
		out["memory"] = plan.Memory
	}
	if len(plan.Tables) > 0 {
		out["tables"] = plan.Tables
	}
	if plan.Seeds != nil {
		out["seeds"] = plan.Seeds
	}
	if p := plan.Part; p != nil && p.Shard != (training.Shard{}) {
		out["shard"] = map[string]any{"shard": p.Shard.String(), "trials": len(p.Trials), "of": p.All, "chunks": p.Chunks, "of_chunks": p.Cut}
	}
	return out
}

// Text prints a plan with its first top trials; 0 is all.
func Text(w io.Writer, spec *sweeps.Spec, plan *training.Plan, top int) {
	fmt.Fprintf(w, "%s: %s\n", spec.Name, spec.Grid())
	open, pace := len(plan.State.Open), "at the pace of the finished trials"
	if plan.Part != nil {
		fmt.Fprintln(w, plan.Part)
	}
	if plan.Seeds != nil {
		fmt.Fprintln(w, plan.Seeds)
		open, pace = max(plan.Seeds.Likely-plan.State.Done, 0), pace+", for the likely number"
	}
	fmt.Fprintln(w, plan.State.Describe())
	if left := plan.Each * time.Duration(open); left > 0 {
		fmt.Fprintf(w, "about %s, %s\n", report.About(left), pace)
	}
	for _, line := range plan.Machine() {
		fmt.Fprintln(w, line)
	}
	for _, line := range training.ByCause(plan.Why) {
		fmt.Fprintln(w, line)
	}
	if len(plan.Trials) == 0 {
		return
	}
	fmt.Fprintln(w)
	head := []any{"key", "optimizer", "lr", "regularizer", "λ"}
	for _, name := range spec.AxisNames() {
		head = append(head, name)
	}
	t := report.NewTable(append(head, "seed", "state")...)
	for i, row := range plan.Trials {
		if top > 0 && i == top {
			break
		}
		cells := []any{row.Key.Short(), row.Optimizer, showing.Rate(row.LR), showing.OrDash(row.Regularizer), stats.Number(row.Lambda)}
		for _, name := range spec.AxisNames() {
			cells = append(cells, showing.OrDash(row.Axes[name]))
		}
		if row.Because != "" {
			row.State += ": " + row.Because
		}
		t.Row(append(cells, row.Seed, row.State)...)
	}
	t.Write(w)
	if top > 0 && len(plan.Trials) > top {
		fmt.Fprintf(w, "… and %d more: --top 0\n", len(plan.Trials)-top)
	}
}

// ShardsJSON is how a sweep is dealt to shards, for programs.
func ShardsJSON(spec *sweeps.Spec, all *training.Shards) map[string]any {
	return map[string]any{"xrun_shards": 1, "sweep": spec.Name, "grid": spec.Grid().String(), "dealt": all}
}

// ShardsText prints how a sweep is dealt to shards.
func ShardsText(w io.Writer, spec *sweeps.Spec, all *training.Shards) {
	fmt.Fprintf(w, "%s: %s\n", spec.Name, spec.Grid())
	each := ""
	if all.Most > 1 {
		each = fmt.Sprintf(" of at most %d trials", all.Most)
	}
	fmt.Fprintf(w, "%s in %s%s, dealt to %s\n\n", stats.Count(all.Trials, "trial", "trials"), stats.Count(all.Chunks, "chunk", "chunks"), each,
		stats.Count(len(all.Shards), "shard", "shards"))
	t := report.NewTable("shard", "trials", "chunks", "work", "known", "left", "of what is left", "database")
	empty := 0
	for _, s := range all.Shards {
		if s.Trials == 0 {
			empty++
		}
		t.Row(s.Shard, s.Trials, s.Chunks, stats.Percent(s.Share)+" %", s.Known, s.Left, stats.Percent(s.LeftShare)+" %", training.Short(s.Store))
	}
	t.Write(w)
	fmt.Fprintln(w)
	fmt.Fprintf(w, "the largest shard has %s %% more work than the mean, and %s %% more of what is left; work is trials times epochs at most\n",
		stats.Percent(all.Uneven), stats.Percent(all.UnevenLeft))
	if empty > 0 {
		fmt.Fprintf(w, "%s empty: there are fewer chunks than shards, and a chunk is not divided\n", stats.Count(empty, "shard is", "shards are"))
	}
}
