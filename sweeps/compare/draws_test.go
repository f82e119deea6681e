package compare

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps/compare/comparetest"
)

// settings writes "task.model=mlp" as a setting.
func settings(texts ...string) (all []runner.Setting) {
	for _, text := range texts {
		path, value, _ := strings.Cut(text, "=")
		all = append(all, runner.Setting{Path: path, Value: plugins.Text(value)})
	}
	return all
}

var drawing = map[string][]runner.Setting{
	"rows":      settings("task.digest=d", "task.model=mlp", "task.hidden=32", "task.validation=0.2", "task.batch=32", "task.sampling=shuffle", "optimizer.identity=builtin:sgd@1"),
	"convex":    settings("task.digest=d", "task.model=softmax", "task.validation=0.2", "task.batch=full"),
	"groups":    settings("task.digest=d", "task.model=softmax", "task.validation=0.2", "task.batch=full", "task.group=patient"),
	"order":     settings("task.digest=d", "task.model=mlp", "task.hidden=32", "task.validation=0.2", "task.batch=full", "task.order=date"),
	"nothing":   settings("task.digest=d", "task.model=linear", "task.validation=0.2", "task.batch=full", "task.order=date"),
	"files":     settings("task.digest=d", "task.model=linear", "task.validation=0", "task.validation_path=v.csv", "task.batch=32", "task.sampling=sequential"),
	"untouched": settings("task.digest=d", "task.model=linear", "task.validation=0", "task.batch=32", "task.sampling=shuffle"),
	"windows":   settings("task.digest=d", "task.model=linear", "task.validation=0", "task.folds=2", "task.batch=full", "task.order=date"),
	"batches":   settings("task.digest=d", "task.model=linear", "task.validation=0", "task.folds=2", "task.batch=32", "task.sampling=shuffle", "task.order=date"),
	"function":  settings("task.model=rosenbrock", "task.batch=full"),
	"noise":     settings("task.model=noisy_quadratic", "task.noise=1", "task.batch=1"),
	"plugin":    settings("task.digest=d", "task.model=linear", "task.validation=0.2", "task.batch=full", "task.order=date", "optimizer.identity=9f3a"),
	"objective": settings("task.objective.component=o", "task.objective.identity=9f3a"),
	"program":   settings("task.command=[]"),
}

func TestReportsSayWhatTheSeedDecides(t *testing.T) {
	results := comparetest.Join(comparetest.Results("sgd", 1, 0, 1, 2, 3, 1.5), comparetest.Results("adam", 1, 0, 2, 3.5, 4, 2))
	for name, c := range map[string]struct{ did, about, fixed string }{
		"rows":      {", sharing data split, initial weights and batch order by seed,", "are about other seeds on this data set, and so about other splits of the same rows", ""},
		"convex":    {", sharing data split by seed,", "are about other seeds on this data set, and so about other splits of the same rows", ""},
		"groups":    {", sharing split of groups by seed,", "and so about other groups of \"patient\" among those that it has. New groups may differ more", ""},
		"order":     {", sharing initial weights by seed,", "are about other seeds, which change the initial weights. The validation data is the same under all of them. They say nothing about other rows.", "validation data"},
		"nothing":   {", by which nothing is drawn,", "Nothing is drawn by seed: the rows are divided by the order of \"date\", each step takes the same ones, and training begins at 0. Differences are exact on these rows", "validation data"},
		"files":     {", by which nothing is drawn,", "Nothing is drawn by seed: the rows are those of files", ""},
		"untouched": {", sharing batch order by seed,", "are about other seeds, which change the batch order. The rows are the same under all of them.", ""},
		"windows":   {", sharing fold by seed,", "are about the folds of the order of \"date\", each of which trains on the rows before it. Training rows grow", ""},
		"batches":   {", sharing fold and batch order by seed,", "about the folds of the order of \"date\", each of which trains on the rows before it, with other batch order.", ""},
		"function":  {", sharing starting point by seed,", "are about other seeds, which change the starting point. They say nothing about other functions.", ""},
		"noise":     {", sharing starting point and noise by seed,", "are about other seeds, which change the starting point and noise.", ""},
		"plugin":    {", sharing what plugins draw by seed,", "are about other seeds, and the validation data is the same", "validation data"},
		"objective": {", sharing data split, initial weights and batch order by seed,", "other splits of the same rows", ""},
	} {
		q := question
		q.Draws = runner.DrawsOf(drawing[name])
		if q.Fixed = q.FixedByOrder(); q.Fixed != c.fixed {
			t.Errorf("%s: the rows of %q are the same, want %q", name, q.Fixed, c.fixed)
		}
		text := strings.Join(Build(q, results, nil).Methods(), "\n")
		if !strings.Contains(text, c.did) || !strings.Contains(text, c.about) {
			t.Errorf("%s:\n%s", name, text)
		}
	}
}

// Runs that are equal by what their seeds decide are no more evidence than one.
func TestCopiesAreNoEvidence(t *testing.T) {
	q := question
	q.Draws = runner.DrawsOf(drawing["windows"])
	results := comparetest.Join(comparetest.Results("sgd", 1, 0, 1, 2, 1, 2, 1, 2), comparetest.Results("adam", 1, 0, 1.1, 2.3, 1.1, 2.3, 1.1, 2.3))
	r := Build(q, results, nil)
	if !slices.Equal(r.Seeds, []int64{0, 1}) || r.Points[0].Interval.N != 2 {
		t.Errorf("seeds %v are compared, %d of the best point", r.Seeds, r.Points[0].Interval.N)
	}
	if notes := lines(r); !strings.Contains(notes, `8 runs left out, equal to others: there are 2 folds of the order of "date", and nothing else is drawn by seed`) || strings.Contains(notes, "raise seeds") || strings.Contains(notes, "confirm") {
		t.Errorf("the notes are\n%s", notes)
	}
	// A fold whose first seed has not run is that of another seed.
	open := slices.Clone(results)
	open[0].RunID, open[0].Status, open[0].Found, open[0].Keeps = 0, "", false, false
	if r := Build(q, open, nil); !r.Points[0].Complete || !r.Points[1].Complete {
		t.Errorf("points are complete: %v, %v", r.Points[0].Complete, r.Points[1].Complete)
	}
	q.Draws = runner.DrawsOf(drawing["batches"])
	if r := Build(q, results, nil); len(r.Seeds) != 6 {
		t.Errorf("seeds %v are compared where batches are drawn", r.Seeds)
	}
}

func TestEqualRunsAreNoCertainty(t *testing.T) {
	for _, metric := range []string{"val_loss", "val_accuracy"} {
		q := question
		q.Metric, q.Draws = metric, runner.DrawsOf(drawing["nothing"])
		q.Keep.Metric = metric
		results := comparetest.Join(comparetest.Results("sgd", 1, 0, 0.5, 0.5, 0.5), comparetest.Results("adam", 1, 0, 0.6, 0.6, 0.6))
		r := Build(q, results, nil)
		if notes := lines(r); !r.seedless || !strings.Contains(notes, `3 seeds are 3 equal runs of each point: the rows are divided by the order of "date", each step takes the same ones, and training begins at 0. Differences are exact on these rows, and nothing here tells how they are on others`) ||
			strings.Contains(notes, "raise seeds") || strings.Contains(notes, "confirm") {
			t.Errorf("%s: the notes are\n%s", metric, notes)
		}
		if v := r.Verdict(); strings.Contains(v, "p =") || strings.Contains(v, "CI") {
			t.Errorf("%s: the verdict is %s", metric, v)
		}
		// One seed tells as much.
		one := Build(q, comparetest.Join(comparetest.Results("sgd", 1, 0, 0.5), comparetest.Results("adam", 1, 0, 0.6)), nil)
		if notes := lines(one); !strings.Contains(notes, "one seed shows no spread, and others would be equal") {
			t.Errorf("%s: the notes are\n%s", metric, notes)
		}
	}
}

// Points may differ in what they draw: a report says what any of them does.
func TestPointsThatDrawUnlikeThings(t *testing.T) {
	q := question
	results := comparetest.Join(comparetest.Results("sgd", 1, 0, 1, 2, 3), comparetest.Results("adam", 1, 0, 2, 3, 4))
	q.DrawsOf = map[runner.Key]runner.Draws{results[0].Point: runner.DrawsOf(drawing["nothing"]), results[3].Point: runner.DrawsOf(drawing["order"])}
	q.Fixed = q.FixedByOrder()
	r := Build(q, results, nil)
	if text := fmt.Sprint(r.methods(), r.about()); q.Fixed != "validation data" || !strings.Contains(text, "sharing initial weights by seed") || !strings.Contains(text, "change the initial weights") {
		t.Errorf("%q: %s", q.Fixed, text)
	}
}
