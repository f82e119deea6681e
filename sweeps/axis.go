package sweeps

import (
	"fmt"
	"math"
	"strconv"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/elementary"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// maxAxis limits the values of one axis.
const maxAxis = 100_000

// axis reads the values of an axis of numbers, each of which the setting must allow: a list, a
// single number, or a table that generates them.
func (s section) axis(setting plugins.Setting) (values []float64) {
	return thin(s.decoder, setting.Name, s.wholeAxis(setting))
}

func (s section) wholeAxis(setting plugins.Setting) (values []float64) {
	e := s.node.Find(setting.Name)
	if e == nil {
		return nil
	}
	switch e.Value.Kind {
	case document.Table:
		return s.generate(setting, e)
	case document.Text:
		if setting.Name == "lr" || setting.Name == "lambda" {
			return s.preset(setting.Name, e.Value)
		}
	case document.Array:
		if len(e.Value.Items) == 0 {
			s.report(e.Value.At, document.Problem{Message: fmt.Sprintf("the axis `%s` is empty", setting.Name)})
		}
		if len(e.Value.Items) > maxAxis {
			s.report(e.At, document.Problem{Message: fmt.Sprintf("`%s` has more than %d values", setting.Name, maxAxis)})
			return nil
		}
		seen := map[float64]bool{}
		for _, n := range e.Value.Items {
			v, ok := s.check(setting, setting.Name, n)
			if !ok {
				continue
			}
			if seen[v.Real] {
				s.report(n.At, document.Problem{Message: fmt.Sprintf("the axis `%s` has %s twice", setting.Name, v)})
				continue
			}
			seen[v.Real] = true
			values = append(values, v.Real)
		}
		return values
	}
	if v, ok := s.check(setting, setting.Name, e.Value); ok {
		values = []float64{v.Real}
	}
	return values
}

// generators are the keys that generate an axis, each with the key that it needs besides its ends.
var generators = map[string]string{"log": "n", "linear": "n", "range": "step", "pow2": ""}

func (s section) generate(setting plugins.Setting, e *document.Entry) []float64 {
	title := fmt.Sprintf("`%s`", setting.Name)
	a := s.section(e, title).of(axisTable)
	a.only()
	var form *document.Entry
	for _, candidate := range e.Value.Entries {
		if _, ok := generators[candidate.Name]; !ok {
			continue
		}
		if form != nil {
			s.report(candidate.At, document.Problem{Message: fmt.Sprintf("%s has both `%s` and `%s`", title, form.Name, candidate.Name)})
			return nil
		}
		form = candidate
	}
	if form == nil {
		s.report(e.Value.At, document.Problem{Message: title + " does not say how its values are made",
			Help: "{ log = [a, b], n = 7 }, { linear = [a, b], n = 5 }, { range = [a, b], step = s } or { pow2 = [a, b] }"})
		return nil
	}
	for _, key := range []string{"n", "step"} {
		extra := e.Value.Find(key)
		switch {
		case key == generators[form.Name] && extra == nil:
			a.missing(key, fmt.Sprintf("`%s` wants its ends and `%s`", form.Name, key))
			return nil
		case key != generators[form.Name] && extra != nil:
			s.report(extra.At, document.Problem{Message: fmt.Sprintf("`%s` means nothing with `%s`", key, form.Name)})
			return nil
		}
	}
	from, to, ok := s.ends(setting, form)
	if !ok {
		return nil
	}
	var values []float64
	switch form.Name {
	case "log", "linear":
		n, given := a.get("n")
		if !given {
			return nil
		}
		values = spaced(from, to, int(n.Integer), form.Name == "log")
	case "range":
		step, given := a.get("step")
		if !given {
			return nil
		}
		if (to-from)/step.Real >= maxAxis {
			s.report(e.Value.At, document.Problem{Message: fmt.Sprintf("%s has more than %d values", title, maxAxis)})
			return nil
		}
		values = stepped(from, to, step.Real)
	case "pow2":
		for x := from; x <= to; x = float64(x * 2) {
			values = append(values, x)
		}
	}
	for i := 1; i < len(values); i++ {
		if values[i] == values[i-1] {
			s.report(e.Value.At, document.Problem{Message: fmt.Sprintf("%s has %v twice: its values agree to %d digits", title, values[i], snapDigits)})
			return nil
		}
	}
	return values
}

// ends reads the two ends of a generated axis.
func (s section) ends(setting plugins.Setting, form *document.Entry) (from, to float64, ok bool) {
	if form.Value.Kind != document.Array || len(form.Value.Items) != 2 {
		s.report(form.Value.At, document.Problem{Message: fmt.Sprintf("`%s` wants its two ends, [from, to]", form.Name)})
		return 0, 0, false
	}
	ok = true
	var ends [2]float64
	for i, n := range form.Value.Items {
		v, valid := s.check(setting, setting.Name, n)
		ok = ok && valid
		if !valid {
			continue
		}
		ends[i] = v.Real
		fraction, _ := math.Frexp(v.Real)
		switch {
		case form.Name == "log" && v.Real <= 0:
			s.report(n.At, document.Problem{Message: fmt.Sprintf("a log axis cannot reach %s", v), Label: "wants a number above 0"})
			ok = false
		case form.Name == "pow2" && fraction != 0.5:
			s.report(n.At, document.Problem{Message: fmt.Sprintf("%s is not a power of two", v)})
			ok = false
		}
	}
	if ok && ends[0] >= ends[1] {
		s.report(form.Value.At, document.Problem{Message: fmt.Sprintf("`%s` goes from %g to %g: the first end must be the lower one", form.Name, ends[0], ends[1])})
		ok = false
	}
	return ends[0], ends[1], ok
}

// spaced is n ≥ 2 values from one end to the other, in equal steps of the value or of its
// logarithm. The ends are exact.
func spaced(from, to float64, n int, log bool) []float64 {
	values := make([]float64, n)
	for i := range values {
		share := float64(i) / float64(n-1)
		if log {
			a, b := elementary.Log(from)/math.Ln10, elementary.Log(to)/math.Ln10
			values[i] = snap(elementary.Pow(10, float64(a*(1-share))+float64(b*share)))
		} else {
			values[i] = snap(float64(from*(1-share)) + float64(to*share))
		}
	}
	values[0], values[n-1] = from, to
	return values
}

// stepped is from, from + step and so on; to is among them if it is hit but for rounding.
func stepped(from, to, step float64) []float64 {
	const rounding = 1e-9
	values := make([]float64, int(math.Floor((to-from)/step+rounding))+1)
	for i := range values {
		values[i] = snap(from + float64(float64(i)*step))
	}
	values[0] = from
	return values
}

// snapDigits is how many significant digits a generated value has at most.
const snapDigits = 12

// snap rounds x to the number that its decimal form of few digits reads back as: 1e-3 and not
// 9.9999999999999e-4, so that filters, other programs and the next run agree on it.
func snap(x float64) float64 {
	snapped, err := strconv.ParseFloat(strconv.FormatFloat(x, 'g', snapDigits, 64), 64)
	if err != nil {
		return x
	}
	return snapped
}
