package sweeps

import (
	"fmt"
	"math"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// part reads where the rows for validation or test come from: a share of the data, or a file. Folds
// are read by themselves.
func (s section) part(key string) (share float64, path string) {
	e := s.node.Find(key)
	switch {
	case e != nil && e.Value.Kind == document.Text:
		if s.readable(key, e.Value) {
			path = s.resolve(e.Value.Text)
		}
		return 0, path
	case e != nil && e.Value.Kind == document.Table && key == "validation":
		return 0, ""
	case e != nil && e.Value.Kind == document.Table && e.Value.Find("folds") != nil:
		s.report(e.Value.Find("folds").At, document.Problem{Message: fmt.Sprintf("`folds` means nothing to `%s`", key),
			Help: "validation = { folds = 5 } divides the data; the test rows are a share of it, or a file"})
		return s.key(key).Default.Real, ""
	}
	return s.real(key), ""
}

// folds reads validation = { folds = 5 }; 0 is none.
func (s section) folds() int {
	e := s.node.Find("validation")
	if e == nil || e.Value.Kind != document.Table {
		return 0
	}
	table := s.open(e, foldsTable)
	table.only()
	if table.node.Find("folds") == nil {
		table.missing("folds", "for instance validation = { folds = 5 }")
		return 0
	}
	k := table.integer("folds")
	if k >= 2 && s.spec.Until == nil && !whole(s.spec.Seeds, runner.Supervised{Folds: k}) {
		s.warn(table.place("folds"), document.Problem{Message: fmt.Sprintf("the seeds leave some of the %d folds out, so that some rows never validate", k),
			Help: fmt.Sprintf("seeds = %d lets each fold validate once, seeds = %d goes on with another partition", k, 2*k)})
	}
	return k
}

// whole reports whether the seeds have all folds of each partition that they touch.
func whole(seeds []int64, t runner.Supervised) bool {
	folds := map[int64]int{}
	for _, seed := range seeds {
		_, partition := t.Fold(seed)
		folds[partition]++
	}
	for _, n := range folds {
		if n < t.Folds {
			return false
		}
	}
	return true
}

// fill reports parts of the data that have too few rows.
func (s section) fill(t runner.Task, found Dataset) {
	training, ok := 0, false
	if found.Groups != nil || found.Runs != nil {
		training, ok = s.fillDivided(t, found)
	} else {
		training, ok = s.fillDrawn(t, found)
	}
	if ok && s.node.Find("batch") != nil && t.Batch > training {
		s.warn(s.place("batch"), document.Problem{Message: fmt.Sprintf("`batch` is %d, but only %d rows are trained on, so each step takes all of them", t.Batch, training),
			Help: "batch = \"full\" says so"})
	}
}

// fillDrawn is fill for rows that are drawn one by one.
func (s section) fillDrawn(t runner.Task, found Dataset) (training int, ok bool) {
	rows := found.Rows
	validations, tests := data.PartSizes(found.Strata, t.Validation, t.Test)
	for _, part := range []struct {
		key   string
		share float64
		rows  int
	}{{"validation", t.Validation, validations}, {"test", t.Test, tests}} {
		switch want := int(math.Round(float64(part.share * float64(rows)))); {
		case part.share > 0 && part.rows == 0:
			problem, hint := data.NoRow("`"+part.key+"`", part.share, found.Strata)
			s.report(s.place(part.key), document.Problem{Message: problem, Help: hint})
		case part.rows < want:
			s.warn(s.place(part.key), document.Problem{Message: fmt.Sprintf("`%s` is %v of %d rows, but sets %d aside instead of %d: classes give rows in proportion, and each of the %d keeps one to train on",
				part.key, part.share, rows, part.rows, want, found.Classes)})
		}
	}
	rest := rows - tests
	if t.Folds > rest {
		s.report(s.place("validation"), document.Problem{Message: fmt.Sprintf("`folds` is %d, but there are only %d rows to divide", t.Folds, rest)})
		return 0, false
	}
	if t.Folds > 0 {
		return rest - rest/t.Folds, true
	}
	return rest - validations, true
}
