package stop

import (
	"errors"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	with := func(r Rule, change func(*Rule)) Rule {
		change(&r)
		return r
	}
	for text, want := range map[string]Rule{
		"patience":    New(Patience),
		"patience:10": New(Patience),
		"gl:5":        New(GL),
		"gl":          New(GL),
		"gl:alpha=2":  with(New(GL), func(r *Rule) { r.Alpha = 2 }),
		"pq:0.75,strip=3,start_from=4": with(New(PQ), func(r *Rule) {
			r.Alpha, r.Strip, r.StartFrom = 0.75, 3, 4
		}),
		"up:5": with(New(UP), func(r *Rule) { r.Strips = 5 }),
		"patience:3,min_delta=1e-4,delta=relative,best_update=any,target=-2": with(New(Patience), func(r *Rule) {
			r.Patience, r.MinDelta, r.Delta, r.BestUpdate, r.Target, r.HasTarget = 3, 1e-4, Relative, OnAny, -2, true
		}),
	} {
		got, err := Parse(text)
		if err != nil || got != want {
			t.Errorf("%s is read as %+v, %v, want %+v", text, got, err, want)
			continue
		}
		again, err := Parse(got.String())
		if err != nil || again != want {
			t.Errorf("%s is written as %s, which is read as %+v, %v", text, got, again, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"":                        `there is no rule ""`,
		"gl5":                     `there is no rule "gl5"`,
		"gl:0":                    `alpha is "0", but wants a number above 0`,
		"gl:NaN":                  "but wants a number above 0",
		"gl:+Inf":                 "but wants a number above 0",
		"gl:":                     `alpha is "", but wants`,
		"gl:5,strip=3":            `gl has no option "strip"`,
		"pq:1,strip=1":            "an integer of at least 2",
		"up:0":                    "an integer of at least 1",
		"up:1.5":                  "an integer of at least 1",
		"patience:-1":             "an integer of at least 0",
		"patience:3,7":            `"7" is not of the form key=value`,
		"patience:3,patience=4":   "patience is given twice",
		"patience:3,delta=rel":    `delta is "rel", but wants absolute or relative`,
		"gl:5,target=Inf":         "a number that is finite",
		"patience:3,min_delta=-1": "a number of at least 0",
	} {
		_, err := Parse(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q gives the error %v, want one with %q", text, err, want)
			continue
		}
		var wrong *optionError
		if !errors.As(err, &wrong) || !strings.Contains(wrong.Hint(), ":") {
			t.Errorf("%q: %v does not say what is allowed", text, err)
		}
	}
}

func TestRulesForMax(t *testing.T) {
	for _, name := range Names {
		r := New(name)
		if r.NoMeaning() != "" {
			t.Errorf("%s has no meaning for min", name)
		}
		r.Goal = Max
		if got, want := r.NoMeaning() != "", name == GL || name == PQ; got != want {
			t.Errorf("%s is refused for max: %v, want %v", name, got, want)
		}
	}
}
