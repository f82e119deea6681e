package runner

import (
	"errors"
	"slices"
	"testing"
)

func TestNamesOfAxesAreShortWhereUnique(t *testing.T) {
	for _, c := range []struct{ paths, want []string }{
		{[]string{"optimizer.convention", "task.batch"}, []string{"convention", "batch"}},
		{[]string{"optimizer.convention", "regularizer.convention"}, []string{"optimizer.convention", "regularizer.convention"}},
		{[]string{"optimizer.momentum", "optimizer.base.momentum"}, []string{"momentum", "base.momentum"}},
		{[]string{"task.objective.width", "schedule.kind", "task.kind"}, []string{"width", "schedule.kind", "kind"}},
		{[]string{"lr", "lambda", "task.lr"}, []string{"lr", "lambda", "task.lr"}}, // what every sweep has is not for others
		{[]string{"width", "task.width", "width"}, []string{"width", "task.width", "width"}},
	} {
		names := NewAxisNames(c.paths)
		var got []string
		for _, path := range c.paths {
			got = append(got, names.Of(path))
			if back := names.Path(names.Of(path)); back != path {
				t.Errorf("%s is shown as %s, which is %s", path, names.Of(path), back)
			}
			if resolved, err := names.Resolve(names.Of(path)); err != nil || resolved != path {
				t.Errorf("%s is shown as %s, which resolves to %s, %v", path, names.Of(path), resolved, err)
			}
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%q are shown as %q, want %q", c.paths, got, c.want)
		}
	}
	if none := (AxisNames{}); none.Of("task.batch") != "task.batch" || none.Path("batch") != "batch" {
		t.Error("no names change a path")
	}
}

func TestWordsForAxes(t *testing.T) {
	names := NewAxisNames([]string{"optimizer.convention", "regularizer.convention", "task.batch"})
	for word, want := range map[string]string{
		"batch": "task.batch", "task.batch": "task.batch", "optimizer.convention": "optimizer.convention", "λ": "lambda", "lambda": "lambda", "lr": "lr",
		"convention": "", "width": "", "atch": "",
	} {
		got, err := names.Resolve(word)
		var unknown *AxisError
		if got != want || (err != nil) != (want == "") || err != nil && !errors.As(err, &unknown) {
			t.Errorf("%s is %q, %v; want %q", word, got, err, want)
		}
	}
	_, err := names.Resolve("convention")
	var several *AxisError
	if !errors.As(err, &several) || several.Hint() != "write optimizer.convention or regularizer.convention" || err.Error() != `"convention" is the name of several axes` {
		t.Errorf("%v", err)
	}
	if _, err := names.Resolve("width"); !errors.As(err, &several) || several.Hint() != "the axes are lr, lambda, optimizer, regularizer, optimizer.convention, regularizer.convention, batch" {
		t.Errorf("%v", err)
	}
}
