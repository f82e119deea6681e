package training

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// A place holds the axes of a trial that name it in a sweep. Two trials at one place differ in other settings.
type place struct {
	optimizer, regularizer string
	lr, lambda             float64
	seed                   int64
}

// Because gives the reason why trials are new: what has changed since an earlier form of the sweep ran a trial at the
// same place. Trials at new places are not in the map.
func Because(ctx context.Context, db *store.Store, spec *sweeps.Spec, trials []runner.Trial, status map[runner.Key]store.TrialStatus) (map[runner.Key]string, error) {
	earlier, ok, err := earlierForm(ctx, db, spec)
	if err != nil || !ok {
		return nil, err
	}
	results, err := db.Results(ctx, earlier.ID, earlier.Metric)
	if err != nil {
		return nil, err
	}
	settings, err := db.Settings(ctx, earlier.ID, nil)
	if err != nil {
		return nil, err
	}
	mine := map[runner.Key]bool{}
	for _, t := range trials {
		mine[t.Key()] = true
	}
	before := map[place][]runner.Key{}
	for _, r := range results {
		if r.Status != "" && !mine[r.Trial] {
			at := place{r.Optimizer, r.Regularizer, r.LR, r.Lambda, r.Seed}
			before[at] = append(before[at], r.Trial)
		}
	}
	why := map[runner.Key]string{}
	for _, t := range trials {
		key := t.Key()
		if status[key].Status != "" {
			continue
		}
		at := place{t.Optimizer.Label, "", t.LR, t.Lambda, t.Seed}
		if t.Regularizer != nil {
			at.regularizer = t.Regularizer.Label
		}
		var fewest []string
		for _, old := range before[at] {
			if t.Matches(settings[old]) {
				why[key] = sameTraining(settings[old], earlier, spec)
				break
			}
			changed := difference(runner.TrainingSettings(settings[old]), runner.TrainingSettings(t.Settings()))
			if len(changed) == 1 && changed[0] == limitSet(t) {
				why[key] = sameTraining(settings[old], earlier, spec)
				if why[key] != olderKey {
					why[key] = newLimit
				}
				break
			}
			if fewest == nil || len(changed) < len(fewest) {
				fewest = changed
			}
		}
		if why[key] == "" && len(fewest) > 0 {
			why[key] = causes(fewest)
		}
	}
	return why, nil
}

// olderKey is the reason of a trial that an earlier version of xrun trained.
const olderKey = "the key of its result is of an older version"

// newLimit is the reason of a trial that was trained without a limit of divergence, as earlier versions did by default.
const newLimit = "divergence ends trials by default now; divergence = false at the top of the file takes the results without it"

// limitSet is how [difference] writes that a trial has a limit of divergence and had none.
func limitSet(t runner.Trial) string {
	none, limit := []runner.Setting{{Path: runner.PathDivergence, Value: plugins.Real(0)}}, []runner.Setting{{Path: runner.PathDivergence, Value: plugins.Real(t.Stop.DivergenceFactor)}}
	return strings.Join(difference(none, limit), "")
}

// newMetric begins the reason of a trial that keeps another epoch than before.
const newMetric = "[metric] says what is kept"

// sameTraining is the reason of a new trial that trains as an old one did.
func sameTraining(old []runner.Setting, earlier store.SweepInfo, spec *sweeps.Spec) string {
	if !slices.ContainsFunc(old, func(s runner.Setting) bool { return s.Path == runner.PathKeepAt }) {
		return olderKey
	}
	command := []string{"compare", earlier.Title}
	if earlier.Metric != spec.Metric.Name || earlier.Goal != string(spec.Metric.Goal) {
		command = append(command, "--metric", spec.Metric.Name, "--goal", string(spec.Metric.Goal))
	}
	return newMetric + "; " + advice.Command(append(command, "--at", string(spec.Metric.At))...) + " shows it without training"
}

// keptApart lists the reasons of new trials that train as old ones did, or may do, a line for each.
func keptApart(why map[runner.Key]string) (lines []string) {
	some := map[runner.Key]string{}
	for key, text := range why {
		if text == olderKey || text == otherFiles || text == newLimit || strings.HasPrefix(text, newMetric) {
			some[key] = text
		}
	}
	return ByCause(some)
}

// earlierForm finds the newest sweep of the same name with other content.
func earlierForm(ctx context.Context, db *store.Store, spec *sweeps.Spec) (store.SweepInfo, bool, error) {
	all, err := db.Sweeps(ctx)
	if err != nil {
		return store.SweepInfo{}, false, err
	}
	digest := Digest(spec)
	for _, s := range all {
		if s.Name == spec.Name && s.Digest != digest {
			return s, true, nil
		}
	}
	return store.SweepInfo{}, false, nil
}

// filesDigest is the path of the digest of a program's files.
const filesDigest = "task.files_digest"

// otherFiles is the reason of a trial whose program has other files than before.
const otherFiles = "the content of its files has changed"

// difference lists the differences of two lists of settings.
func difference(old, now []runner.Setting) (changed []string) {
	was, is := map[string]string{}, map[string]string{}
	for _, s := range old {
		was[s.Path] = s.Value.String()
	}
	for _, s := range now {
		is[s.Path] = s.Value.String()
	}
	paths := slices.Collect(maps.Keys(was))
	for path := range is {
		if _, known := was[path]; !known {
			paths = append(paths, path)
		}
	}
	slices.Sort(paths)
	for _, path := range paths {
		before, had := was[path]
		after, has := is[path]
		switch {
		case had && has && before == after:
		case path == "task.digest" || path == "task.validation_digest" || path == "task.test_digest":
			changed = append(changed, "the data has changed")
		case path == runner.PathDataRevision:
			changed = append(changed, "this version of xrun understands the data in another way")
		case path == filesDigest && had && has:
			changed = append(changed, otherFiles)
		case strings.HasSuffix(path, ".identity"):
			changed = append(changed, fmt.Sprintf("the %s has new content", strings.TrimSuffix(path, ".identity")))
		case !had:
			changed = append(changed, fmt.Sprintf("%s %s is new", path, after))
		case !has:
			changed = append(changed, fmt.Sprintf("%s %s is gone", path, before))
		default:
			changed = append(changed, fmt.Sprintf("%s %s → %s", path, before, after))
		}
	}
	return slices.Compact(changed)
}

// causes joins the first changes into one line.
func causes(changed []string) string {
	const most = 3
	text := strings.Join(changed[:min(len(changed), most)], ", ")
	if n := len(changed) - most; n > 0 {
		text += fmt.Sprintf(" and %d more", n)
	}
	return text
}

// ByCause counts new trials by their reason, the most frequent first.
func ByCause(why map[runner.Key]string) (lines []string) {
	counts := map[string]int{}
	for _, text := range why {
		counts[text]++
	}
	texts := slices.Sorted(maps.Keys(counts))
	slices.SortStableFunc(texts, func(a, b string) int { return counts[b] - counts[a] })
	const most = 5
	for i, text := range texts {
		if i == most {
			lines = append(lines, fmt.Sprintf("… and %d other causes", len(texts)-most))
			break
		}
		if text == olderKey {
			lines = append(lines, stats.Count(counts[text], "result of this sweep has a key of an older version and is kept; its trial trains again under the new one",
				"results of this sweep have keys of an older version and are kept; their trials train again under the new one"))
			continue
		}
		line := fmt.Sprintf("%s because %s", stats.Count(counts[text], "trial is new", "trials are new"), text)
		if text == otherFiles {
			line += "; if nothing that matters did, --accept-changes takes the results over"
		}
		lines = append(lines, line)
	}
	return lines
}
