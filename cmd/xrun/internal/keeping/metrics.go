package keeping

import (
	"slices"

	"github.com/xrun-dev/xrun/runner"
)

// metricsOf are the metrics of rows that a trial is judged by and that a sum of losses does not give, without the names of
// parts.
func metricsOf(t runner.Trial) (names []string) {
	for _, name := range append([]string{t.Keep.Metric, t.Stop.Monitor, t.Optimizer.Schedule.Monitor}, t.Task.Report...) {
		part, bare := runner.PartOf(name)
		if m, ok := runner.FindMetric(name); ok && part != "" && m.Rows && (m.OnRequest || bare == "r2") && !slices.Contains(names, bare) {
			names = append(names, bare)
		}
	}
	return names
}
