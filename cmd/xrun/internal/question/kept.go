package question

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/compare"
)

// A KeptRun is a run with its kept epoch.
type KeptRun struct {
	Run           store.Run
	Sweep, Metric string
	Kept          runner.Kept
	Lacking       string // see [Lacking]; empty for a run that was named
	// Report is the comparison that chose the run, and Point the point that it is a seed of; nil for a run that was named.
	Report *compare.Report
	Point  *compare.Point
}

// ChooseRun is the run with a name, or the best run of a sweep by the sweep's metric.
func ChooseRun(ctx context.Context, db *store.Store, sweep, name string) (KeptRun, error) {
	if name != "" {
		r, err := db.FindRun(ctx, name)
		if err == nil && !r.Keeps {
			err = advice.Nothing(fmt.Errorf("run %d is %s, and keeps nothing", r.ID, r.Status), "runs that finish or are stopped early keep an epoch")
		}
		return KeptRun{Run: r, Sweep: r.SweepTitle, Metric: r.Metric, Kept: r.Kept}, err
	}
	report, err := Answer(ctx, db, []string{sweep}, Question{})
	if err != nil {
		return KeptRun{}, err
	}
	if report.Across != nil {
		var best []string
		for _, sub := range report.Problems {
			if seed, ok := sub.BestSeed(); ok {
				best = append(best, fmt.Sprintf("--run %d for %s", seed.Run, sub.Problem))
			}
		}
		return KeptRun{}, advice.Usage(fmt.Errorf("%s has %s, and each has a best run of its own", report.Sweep, report.ProblemsOf(len(report.Problems))), "it is "+strings.Join(best, ", "))
	}
	seed, ok := report.BestSeed()
	if !ok {
		return KeptRun{}, advice.Nothing(errors.New("no run has a result"), "xrun sweep trains them")
	}
	r, err := db.Run(ctx, seed.Run)
	// Another sweep with another metric may have run it.
	r.Metric, r.Kept = report.Metric, runner.Kept{Epoch: seed.Epoch, Value: seed.Value}
	found := KeptRun{Run: r, Sweep: report.Sweep, Metric: r.Metric, Kept: r.Kept, Report: report}
	at := slices.IndexFunc(report.Points, func(p compare.Point) bool {
		return slices.ContainsFunc(p.Seeds, func(s compare.SeedResult) bool { return s.Run == seed.Run })
	})
	found.Point = &report.Points[at]
	if err == nil && len(report.Parts) > 0 {
		var info store.SweepInfo
		if info, err = db.FindSweep(ctx, report.Arguments[0]); err == nil {
			found.Lacking, err = Lacking(ctx, db, info)
		}
	}
	return found, err
}
