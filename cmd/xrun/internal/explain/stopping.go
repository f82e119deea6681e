package explain

import (
	"fmt"

	"github.com/xrun-dev/xrun/runner/prune"
	"github.com/xrun-dev/xrun/runner/stop"
)

const prechelt = "Prechelt 1998, Automatic early stopping using cross validation (Neural Networks 11, 761–767)"

func stopping() (all []Fact) {
	for _, name := range stop.Names {
		r := stop.New(name)
		alpha := Setting{"alpha", fmt.Sprintf("%g", r.Alpha), "(0, ∞)", "limit"}
		strip := Setting{"strip", fmt.Sprint(r.Strip), "1 or more", "epochs of a strip"}
		f := Fact{Kind: Stopping, Name: string(name), Page: "early-stopping"}
		switch name {
		case stop.Patience:
			f.Summary = "stops when the metric has not improved for a number of epochs"
			f.Formula = lines("stop at the patience-th watched epoch in a row without an improvement;", "an improvement is E < best − min_delta, or E < best − min_delta·|best| with delta = \"relative\"")
			f.Doc = "A tie is no improvement. With best_update = \"threshold\" the best is the last value that improved by min_delta, with \"any\" the best at all."
			f.Settings = []Setting{{"patience", fmt.Sprint(r.Patience), "0 or more", "epochs; 0 never stops for lack of improvement"}, {"min_delta", "0", "0 or more", "smallest improvement"},
				{"delta", string(r.Delta), "one of absolute, relative", "how min_delta is meant"}, {"best_update", string(r.BestUpdate), "one of threshold, any", "what improvements are measured against"}}
			f.Source = "common; Keras 3.15, EarlyStopping"
		case stop.GL:
			f.Summary = "stops when the generalization loss is too large"
			f.Formula = "stop after the first epoch with GL = 100·(E/E_opt − 1) > alpha"
			f.Doc = "E is the monitored value, E_opt its least so far. For errors above 0 that become small; with E_opt ≤ 0 it never stops."
			alpha.Doc = "percent"
			f.Settings, f.Source = []Setting{alpha}, prechelt
		case stop.PQ:
			f.Summary = "stops when the generalization loss is too large for the progress in training"
			f.Formula = lines("stop at the end of the first strip with GL/P > alpha,", "P = 1000·(mean E_tr / min E_tr − 1) over the strip")
			f.Doc = "E_tr is the training loss. Without progress any GL above 0 is enough. Prechelt's second criterion, P < 0.1, is not applied."
			alpha.Doc, strip.Range = "percent for a thousandth of progress", "2 or more"
			f.Settings, f.Source = []Setting{alpha, strip}, prechelt
		case stop.UP:
			f.Summary = "stops when the metric became worse in several strips in a row"
			f.Formula = "stop at the end of a strip when E was worse than at the end of the strip before, at each of the last strips ends"
			f.Doc = "A tie begins the count again. It needs no ratios, so it works for metrics that become large as well."
			f.Settings, f.Source = []Setting{{"strips", fmt.Sprint(r.Strips), "1 or more", "in a row"}, strip}, prechelt
		}
		f.Settings = append(f.Settings, Setting{"start_from", "0", "0 or more", "epochs before this one are not watched"}, Setting{"target", "–", "", "stop as soon as the metric reaches it"})
		all = append(all, f)
	}
	return all
}

func pruning() []Fact {
	const judged = "A point is judged by the mean over its seeds of the best value so far. Ties with the last one that goes on go on too; a point that diverged never does."
	every := []Setting{{"first", "a fifth of the epochs", "1 or more", "epoch of the first comparison"}, {"every", "a fifth of the epochs", "1 or more", "epochs between comparisons"}}
	of := func(name, summary, formula, source string, settings ...Setting) Fact {
		return Fact{Kind: Pruning, Name: name, Summary: summary, Formula: formula, Doc: judged, Settings: settings, Source: source, Page: "early-stopping"}
	}
	return []Fact{
		of(prune.Halving, "goes on with the best share of the points", "at the epochs first·eta^k the best ⌊n/eta⌋ of n points go on, at least one",
			"Jamieson, Talwalkar 2016 (AISTATS), successive halving", Setting{"eta", "3", "2 or more", "one of eta goes on"}, Setting{"first", "epochs/eta³, at least 1", "1 or more", "epoch of the first comparison"}),
		of(prune.Median, "drops what is worse than the median", "at the epochs first, first + every, … points worse than the median are dropped", "as Golovin et al. 2017 (KDD), 3.2.2, but at fixed epochs and by the best value so far", every...),
		of(prune.Percentile, "drops all but the best percent", "at the epochs first, first + every, … points worse than the percentile are dropped",
			"Hyndman, Fan 1996, type 7, for the percentile", append([]Setting{{"percent", "25", "(0, 100)", "how many of a hundred go on"}}, every...)...),
	}
}
