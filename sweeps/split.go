package sweeps

import (
	"errors"
	"fmt"
	"math"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/sweeps/document"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// divide reads the column by which the rows are divided.
func (s section) divide(t *runner.Task) {
	t.Schema.Group, t.Schema.Order = s.text("group"), s.text("order")
	switch {
	case t.Schema.Group != "" && t.Schema.Order != "":
		s.report(s.place("order"), document.Problem{Message: "rows are divided by `group` or by `order`, not by both",
			Help: "keep one of them, and name the column of the other in `drop` unless it is an input"})
		t.Schema.Order = ""
	case t.Validation == 0 && t.Test == 0 && t.Folds == 0 && t.ValidationPath == "" && t.TestPath == "": // files may mix groups
		for _, by := range []struct{ key, column string }{{"group", t.Schema.Group}, {"order", t.Schema.Order}} {
			if by.column != "" {
				s.warn(s.place(by.key), document.Problem{Message: fmt.Sprintf("`%s` divides nothing: no share is set aside, and there are no folds", by.key),
					Help: "`drop` leaves a column out as well"})
			}
		}
	}
}

// sizedSeeds are the seeds for which the sizes of parts are told: those that divide the rows unlike, as far as that takes no long time.
func sizedSeeds(seeds []int64, t runner.Task, found Dataset) []int64 {
	const most, draws = 100, 500_000 // of seeds, and of groups in all of them
	if found.Runs != nil {
		return runner.Draws{Known: true, Window: t.Folds > 0, Folds: t.Folds}.Different(seeds)
	}
	return seeds[:min(len(seeds), most, max(2, draws/len(found.Groups)))]
}

// A partRange is the numbers of rows that a part has under the seeds.
type partRange struct {
	key       string
	share     float64
	wish      float64
	low, high int
}

func (p *partRange) add(rows int) { p.low, p.high = min(p.low, rows), max(p.high, rows) }

// off reports whether a part misses its share by a row and by a tenth.
func (p *partRange) off() bool {
	by := max(math.Abs(float64(p.low)-p.wish), math.Abs(float64(p.high)-p.wish))
	return p.share > 0 && by >= 1 && by > p.wish/10
}

// fillDivided reports parts that groups or equal values of an order leave too few rows, and returns the most rows that are trained
// on. ok is false if the rows cannot be divided.
func (s section) fillDivided(t runner.Task, found Dataset) (training int, ok bool) {
	seeds := sizedSeeds(s.spec.Seeds, t, found)
	validation := partRange{key: "validation", share: t.Validation, wish: float64(t.Validation * float64(found.Rows)), low: math.MaxInt}
	test := partRange{key: "test", share: t.Test, wish: float64(t.Test * float64(found.Rows)), low: math.MaxInt}
	if groups, most := found.Largest(); groups > 1 && most == 1 {
		s.warn(s.place("group"), document.Problem{Message: fmt.Sprintf("`group` keeps nothing together: %q has another value in each of the %d rows", found.Column, found.Rows)})
	}
	without, lacking := 0, 0
	for _, seed := range seeds {
		sizes, err := t.Sizes(found.Layout, seed)
		if err != nil {
			s.undivided(found, err)
			return 0, false
		}
		validation.add(sizes.Validation)
		test.add(sizes.Test)
		training = max(training, sizes.Train)
		if sizes.Without > 0 {
			without, lacking = max(without, sizes.Without), lacking+1
		}
	}
	for _, part := range []*partRange{&test, &validation} {
		if part.off() {
			s.warn(s.place(part.key), document.Problem{Message: fmt.Sprintf("`%s` is %v by wish and %s %s: %s instead of %.0f", part.key, part.share,
				part.of(func(n int) string { return fmt.Sprint(stats.Round(float64(n)/float64(found.Rows), 2)) }), withWhat(found), part.rows(), part.wish), Help: largest(found)})
		}
	}
	if t.Folds > 0 {
		pieces := t.Folds
		if found.Runs != nil {
			pieces++
		}
		validation.share, validation.wish = 1, float64(found.Rows-test.high)/float64(pieces)
		if validation.off() {
			s.warn(s.place("validation"), document.Problem{Message: fmt.Sprintf("folds have %s %s instead of about %.0f", validation.rows(), withWhat(found), validation.wish), Help: largest(found)})
		}
		s.again(t, found, s.spec.Seeds)
	}
	if without > 0 {
		under := ""
		if len(seeds) > 1 {
			under = fmt.Sprintf(" under %d of %d seeds", lacking, len(seeds))
		}
		help := "a class is learned where one of its groups trains: more groups of it, or fewer folds"
		if found.Runs != nil {
			help = "a class is learned where the first rows have it: a smaller share, or another order"
		}
		s.warn(s.place("validation"), document.Problem{Message: fmt.Sprintf("%d of %d classes have no row to train on%s", without, found.Classes, under), Help: help})
	}
	return training, true
}

// undivided reports that rows cannot be divided.
func (s section) undivided(found Dataset, err error) {
	if e := (*data.Error)(nil); errors.As(err, &e) && e.File == "" {
		e.File = found.Name
	}
	at := s.place("dataset")
	if e := s.node.Find(aboutOf(err)); e != nil {
		at = e.Value.At
	}
	s.reportError(at, err)
}

// of writes the range in some form: "0.31", or "0.18 to 0.31".
func (p *partRange) of(form func(int) string) string {
	if low, high := form(p.low), form(p.high); low != high {
		return low + " to " + high
	}
	return form(p.low)
}

// rows is "47 rows", or "18 to 47 rows, by seed,".
func (p *partRange) rows() string {
	if p.low == p.high {
		return stats.Count(p.low, "row", "rows")
	}
	return fmt.Sprintf("%d to %d rows, by seed,", p.low, p.high)
}

func withWhat(found Dataset) string {
	if found.Runs != nil {
		return fmt.Sprintf("with equal values of %q on one side", found.Column)
	}
	return "with these groups"
}

// largest says how large the parts are that are not divided.
func largest(found Dataset) string {
	if found.Runs != nil {
		values, most := 0, 0
		for _, run := range found.Runs {
			values, most = values+run[1], max(most, run[0])
		}
		return fmt.Sprintf("%q has %s, the most frequent one in %d of %d rows", found.Column, stats.Count(values, "value", "values"), most, found.Rows)
	}
	groups, most := found.Largest()
	return fmt.Sprintf("%q has %s, the largest with %d of %d rows", found.Column, stats.Count(groups, "group", "groups"), most, found.Rows)
}

// again warns of seeds whose folds are those of other seeds.
func (s section) again(t runner.Task, found Dataset, seeds []int64) {
	if !found.OnePartition() || found.Groups != nil && t.Test > 0 || !t.Draws().Chance() { // copies says the last
		return
	}
	partitions := map[int64]bool{}
	for _, seed := range seeds {
		_, partition := t.Fold(seed)
		partitions[partition] = true
	}
	if len(partitions) < 2 {
		return
	}
	why := "no two groups are alike, so their folds are the same in every partition"
	if found.Runs != nil {
		why = "folds of an order are the same in every partition"
	}
	s.warn(s.place("validation"), document.Problem{Message: fmt.Sprintf("%d seeds validate on %d different folds: %s", len(s.spec.Seeds), t.Folds, why),
		Help: fmt.Sprintf("seeds = %d lets each fold validate once", t.Folds)})
}

// copies warns of seeds whose trials are equal.
func (d *decoder) copies(at document.Span) {
	if len(d.problems) > 0 || d.unsure || len(d.spec.Seeds) < 2 {
		return
	}
	foreign := false
	for _, choices := range [][]runner.Choice{d.spec.Optimizers, d.spec.Regularizers} {
		for _, c := range choices {
			foreign = foreign || runner.Foreign(c.Identity) || c.Base != nil && runner.Foreign(c.Base.Identity)
		}
	}
	for _, v := range d.spec.variants {
		draws := v.task.Draws()
		different := len(draws.Different(d.spec.Seeds))
		if foreign || different == len(d.spec.Seeds) {
			continue
		}
		which := ""
		if len(d.spec.variants) > 1 {
			which = " where " + describeAxes(v.axes)
		}
		if different == 1 {
			d.warn(at, document.Problem{Message: fmt.Sprintf("%d seeds give %d equal runs%s: %s", len(d.spec.Seeds), len(d.spec.Seeds), which, draws.Nothing()),
				Help: "one seed tells as much; folds, shares that are drawn, or mini-batches would show how much chance does"})
		} else {
			d.warn(at, document.Problem{Message: fmt.Sprintf("%d seeds give %d different runs%s: folds of an order are the same in every partition, and nothing else is drawn", len(d.spec.Seeds), different, which),
				Help: fmt.Sprintf("seeds = %d lets each fold validate once", draws.Folds)})
		}
		return
	}
}
