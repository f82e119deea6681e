package explain

import (
	"github.com/xrun-dev/xrun/runner/prune"
	"github.com/xrun-dev/xrun/runner/stop"
)

const prechelt = "Prechelt 1998, Automatic early stopping using cross validation (Neural Networks 11, 761–767)"

var stoppingByName = map[stop.Name]Fact{
	stop.Patience: {Summary: "stops when the metric has not improved for a number of epochs",
		Formula: lines("stop at the patience-th watched epoch in a row without an improvement;", "an improvement is E < best − min_delta, or E < best − min_delta·|best| with delta = \"relative\""),
		Doc:     "E is the monitored value. A tie is no improvement. With best_update = \"threshold\" the best is the last value that improved by min_delta, with \"any\" the best at all.",
		Source:  "common; Keras 3.15, EarlyStopping"},
	stop.GL: {Summary: "stops when the generalization loss is too large", Formula: "stop after the first epoch with GL = 100·(E/E_opt − 1) > alpha",
		Doc: "E is the monitored value, E_opt its least so far. For errors above 0 that become small; with E_opt ≤ 0 it never stops.", Source: prechelt},
	stop.PQ: {Summary: "stops when the generalization loss is too large for the progress in training",
		Formula: lines("stop at the end of the first strip with GL/P > alpha,", "P = 1000·(mean E_tr / min E_tr − 1) over the strip"),
		Doc:     "GL is that of the rule gl, E_tr the training loss. Without progress any GL above 0 is enough. Prechelt's second criterion, P < 0.1, is not applied.", Source: prechelt},
	stop.UP: {Summary: "stops when the metric became worse in several strips in a row",
		Formula: "stop at the end of a strip when E was worse than at the end of the strip before, at each of the last strips ends",
		Doc:     "E is the monitored value. A tie begins the count again. It needs no ratios, so it works for metrics that become large as well.", Source: prechelt},
}

func stopping() (all []Fact) {
	for _, name := range stop.Names {
		f := stoppingByName[name]
		f.Kind, f.Name, f.Page = Stopping, string(name), "early-stopping"
		f.Settings = settings("[early_stop]", f.Name, true)
		all = append(all, f)
	}
	return all
}

func pruning() []Fact {
	const judged = "A point is judged by the mean over its seeds of the best value so far. Ties with the last one that goes on go on too; a point that diverged never does."
	of := func(name, summary, formula, source string) Fact {
		return Fact{Kind: Pruning, Name: name, Summary: summary, Formula: formula, Doc: judged, Settings: settings("[prune]", name, true), Source: source, Page: "early-stopping"}
	}
	return []Fact{
		of(prune.Halving, "goes on with the best share of the points", "at the epochs first·eta^k the best ⌊n/eta⌋ of n points go on, at least one", "Jamieson, Talwalkar 2016 (AISTATS), successive halving"),
		of(prune.Median, "drops what is worse than the median", "at the epochs first, first + every, … points worse than the median are dropped",
			"as Golovin et al. 2017 (KDD), 3.2.2, but at fixed epochs and by the best value so far"),
		of(prune.Percentile, "drops all but the best percent", "at the epochs first, first + every, … points worse than the percentile are dropped", "Hyndman, Fan 1996 (Am. Stat. 50), type 7, for the percentile"),
	}
}
