package sweeps

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// visits has a table of 100 rows with two classes, and columns to divide it by.
type visits struct{ shelf }

func (v visits) Dataset(ctx context.Context, of Source) (Dataset, error) {
	of.Name = "testdata/valid/data/points.csv"
	d, err := v.shelf.Dataset(ctx, of)
	d.Strata = []int{60, 40}
	switch {
	case of.Schema.Group == "patient": // unlike sizes
		d.Column, d.Groups = "patient", []data.GroupRows{{0, 40, 1, 10}, {0, 10, 1, 15}, {0, 6, 1, 5}, {0, 3, 1, 7}, {0, 1, 1, 3}}
	case of.Schema.Group == "visit": // as many groups as rows
		d.Column = "visit"
		for row := range int32(100) {
			d.Groups = append(d.Groups, data.GroupRows{row / 60, 1})
		}
	case of.Schema.Group == "class":
		d.Column, d.Groups = "class", []data.GroupRows{{0, 60}, {1, 40}}
	case of.Schema.Order == "date":
		d.Column, d.Runs, d.First = "date", [][2]int{{1, 100}}, []int{0, 3}
	case of.Schema.Order == "year":
		d.Column, d.Runs, d.First = "year", [][2]int{{50, 1}, {25, 2}}, []int{0, 50}
	}
	return d, err
}

func TestRowsDividedByColumns(t *testing.T) {
	for name, c := range map[string]struct {
		keys     string
		seeds    string
		warnings []string
		problem  string
	}{
		"by rows":              {keys: ``, seeds: "3"},
		"many groups":          {keys: `group = "visit"`, seeds: "3", warnings: []string{"`group` keeps nothing together: \"visit\" has another value in each of the 100 rows|"}},
		"large groups":         {keys: "group = \"patient\"\nvalidation = 0.08", seeds: "4", warnings: []string{"`validation` is 0.08 by wish and 0.04 to 0.11 with these groups: 4 to 11 rows, by seed, instead of 8|\"patient\" has 5 groups, the largest with 50 of 100 rows"}},
		"group folds":          {keys: "group = \"patient\"\nvalidation = { folds = 3 }", seeds: "3", warnings: []string{"folds have 25 to 50 rows, by seed, with these groups instead of about 33|\"patient\" has 5 groups, the largest with 50 of 100 rows"}},
		"folds again":          {keys: "group = \"patient\"\nvalidation = { folds = 2 }", seeds: "4", warnings: []string{"folds have 40 to 60 rows, by seed, with these groups instead of about 50|\"patient\" has 5 groups, the largest with 50 of 100 rows", "4 seeds validate on 2 different folds: no two groups are alike, so their folds are the same in every partition|seeds = 2 lets each fold validate once"}},
		"folds of one class":   {keys: "group = \"class\"\nvalidation = { folds = 2 }", seeds: "2", warnings: []string{"folds have 40 to 60 rows, by seed, with these groups instead of about 50|\"class\" has 2 groups, the largest with 60 of 100 rows", "1 of 2 classes have no row to train on under 2 of 2 seeds|a class is learned where one of its groups trains: more groups of it, or fewer folds"}},
		"more folds":           {keys: "group = \"patient\"\nvalidation = { folds = 6 }", seeds: "6", problem: "testdata/valid/data/points.csv: 5 groups of \"patient\" cannot be divided into 6 folds|folds = 5 is the most; fewer folds, or a share, divide them as well"},
		"no group to spare":    {keys: "group = \"class\"", seeds: "1", problem: "testdata/valid/data/points.csv: validation is 0.2 of 100 rows, but sets none aside: each class keeps a group to train on, and no group can be spared|groups need rows of several classes; rows of a file of their own can judge as well"},
		"both":                 {keys: "group = \"patient\"\norder = \"date\"", seeds: "1", problem: "rows are divided by `group` or by `order`, not by both|keep one of them, and name the column of the other in `drop` unless it is an input"},
		"nothing to divide":    {keys: "order = \"date\"\nvalidation = 0", seeds: "1", warnings: []string{"`order` divides nothing: no share is set aside, and there are no folds|`drop` leaves a column out as well"}},
		"order":                {keys: `order = "date"`, seeds: "2"},
		"few values":           {keys: "order = \"year\"\nvalidation = 0.4", seeds: "1", warnings: []string{"`validation` is 0.4 by wish and 0.5 with equal values of \"year\" on one side: 50 rows instead of 40|\"year\" has 3 values, the most frequent one in 50 of 100 rows", "1 of 2 classes have no row to train on|a class is learned where the first rows have it: a smaller share, or another order"}},
		"too few values":       {keys: "order = \"year\"\nvalidation = { folds = 3 }", seeds: "3", problem: "testdata/valid/data/points.csv: 3 values of \"year\" cannot be divided into 3 folds, which take 4 pieces in their order|folds = 2 is the most; a share validates on the last rows"},
		"folds of an order":    {keys: "order = \"date\"\nvalidation = { folds = 4 }", seeds: "4"},
		"their seeds again":    {keys: "order = \"date\"\nvalidation = { folds = 4 }", seeds: "8", warnings: []string{"8 seeds validate on 4 different folds: folds of an order are the same in every partition|seeds = 4 lets each fold validate once"}},
		"equal seeds":          {keys: "order = \"date\"\nbatch = \"full\"", seeds: "3", warnings: []string{"3 seeds give 3 equal runs: the rows are divided by the order of \"date\", each step takes the same ones, and training begins at 0|one seed tells as much; folds, shares that are drawn, or mini-batches would show how much chance does"}},
		"equal seeds by files": {keys: "validation = \"v.csv\"\nbatch = \"full\"", seeds: "3", warnings: []string{"3 seeds give 3 equal runs: the rows are those of files, each step takes the same ones, and training begins at 0|one seed tells as much; folds, shares that are drawn, or mini-batches would show how much chance does"}},
		"one seed":             {keys: "order = \"date\"\nbatch = \"full\"", seeds: "1"},
		"equal windows": {keys: "order = \"date\"\nbatch = \"full\"\nvalidation = { folds = 2 }", seeds: "3", warnings: []string{
			"3 seeds give 2 different runs: folds of an order are the same in every partition, and nothing else is drawn|seeds = 2 lets each fold validate once",
			"the seeds leave some of the 2 folds out, so that some rows never validate|seeds = 2 lets each fold validate once, seeds = 4 goes on with another partition"}},
		"batches of the past": {keys: "order = \"date\"\nbatch = 90", seeds: "2", warnings: []string{"`batch` is 90, but only 80 rows are trained on, so each step takes all of them|batch = \"full\" says so"}},
	} {
		t.Run(name, func(t *testing.T) {
			text := "seeds = " + c.seeds + "\n[task]\nmodel = \"logistic\"\ndataset = \"points.csv\"\ntarget = \"y\"\n" + c.keys + "\n[metric]\nname = \"train_loss\"\n[grid]\nlr = [0.1]\n"
			spec, err := Load(t.Context(), "sweep.toml", []byte(text), visits{})
			var problems document.Problems
			if c.problem != "" {
				if !errors.As(err, &problems) || len(problems) != 1 || problems[0].Message+"|"+problems[0].Help != c.problem {
					t.Fatalf("problems are %v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, w := range spec.Warnings {
				got = append(got, w.Message+"|"+w.Help)
			}
			slices.Sort(got)
			slices.Sort(c.warnings)
			if !slices.Equal(got, c.warnings) {
				t.Errorf("warnings are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.warnings, "\n"))
			}
			for _, s := range spec.Trials()[0].Settings() {
				if s.Path == "task.group" && !strings.Contains(c.keys, "group = \""+s.Value.Text) || s.Path == "task.order" && !strings.Contains(c.keys, "order = \""+s.Value.Text) {
					t.Errorf("a trial has %s = %s", s.Path, s.Value)
				}
			}
		})
	}
}

// Every task of a grid is told about its own sizes.
func TestGroupsAsAnAxis(t *testing.T) {
	text := "seeds = 2\n[task]\nmodel = \"logistic\"\ndataset = \"points.csv\"\ntarget = \"y\"\nbatch = \"full\"\n[metric]\nname = \"train_loss\"\n[grid]\nlr = [0.1]\norder = [\"date\", \"year\"]\n"
	spec, err := Load(t.Context(), "sweep.toml", []byte(text), visits{})
	if err != nil {
		t.Fatal(err)
	}
	points := map[string]bool{}
	for _, trial := range spec.Trials() {
		points[string(trial.Point())] = true
	}
	if len(points) != 2 || len(spec.Warnings) != 2 || !strings.Contains(spec.Warnings.Error(), "2 equal runs where order date") || !strings.Contains(spec.Warnings.Error(), `equal values of "year" on one side`) {
		t.Errorf("%d points, and the warnings\n%v", len(points), spec.Warnings)
	}
}
