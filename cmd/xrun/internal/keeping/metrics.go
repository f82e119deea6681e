package keeping

import (
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/score"
)

// metricsOf are the metrics beside losses that a trial is judged by, without the names of parts.
func metricsOf(t runner.Trial) (names []string) {
	for _, name := range append([]string{t.Keep.Metric, t.Stop.Monitor, t.Optimizer.Schedule.Monitor}, t.Task.Report...) {
		for _, part := range []string{runner.PartTrain, runner.PartValidation, runner.PartTest} {
			if rest, ok := strings.CutPrefix(name, part); ok {
				name = rest
				break
			}
		}
		_, quantile := score.Quantile(name)
		known := quantile || slices.Contains([]string{score.AUC, score.AveragePrecision, score.F1, score.BalancedAccuracy, score.Brier, score.LogLoss, score.MAE}, name)
		if known && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	return names
}
