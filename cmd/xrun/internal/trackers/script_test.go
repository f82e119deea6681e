package trackers

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/store/imported"
)

// What a script tells comes back as it was told.
func TestAShelfKeepsWhatIsTold(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	s, err := newShelf()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var notices []string
	h := &hearing{shelf: s, notice: func(text string) { notices = append(notices, text) }}
	for _, line := range []string{
		`{"experiment":{"id":"e","name":"an ☃","identity":"i"}}`,
		`{"run":{"of":"e","id":"late","name":"n","status":"finished","start":20.5,"end":30,"config":{"lr":0.1,"deep":{"a":[1,2],"b":{}},"nan":NaN}}}`,
		`{"values":{"metric":"m","steps":[0,1,2],"times":[1.5,2,3],"values":[0.1,NaN,-Infinity]}}`,
		`{"values":{"metric":"m","steps":[3],"times":[],"values":[5e-324]}}`,
		`{"run":{"of":"e","id":"early","status":"failed","reason":"why","start":1}}`,
		`{"left":{"of":"e","what":"texts","n":2}}`, `{"left":{"of":"e","what":"texts","n":3}}`,
		`{"notice":"look\u0007"}`, `{"done":true}`,
	} {
		if err := h.line(finite([]byte(line))); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	s.sort()
	all, err := s.Experiments(t.Context())
	if err != nil || len(all) != 1 || all[0].Name != "an ☃" || fmt.Sprint(all[0].Left) != "[{texts 5}]" || !h.done || fmt.Sprint(notices) != "[look�]" {
		t.Fatalf("%+v, %v, %v", all, notices, err)
	}
	var runs []*Run
	if err := s.Runs(t.Context(), all[0], func(r *Run) error { runs = append(runs, r); return nil }); err != nil || len(runs) != 2 {
		t.Fatalf("%v, %v", runs, err)
	}
	if runs[0].ID != "early" || runs[1].Start.UnixMilli() != 20500 || fmt.Sprint(runs[1].Metrics) != "[m]" || len(runs[1].Settings) != 4 || !runs[0].End.IsZero() {
		t.Errorf("the runs are %+v and %+v", runs[0], runs[1])
	}
	values, err := s.Values(t.Context(), all[0], runs[1])
	want := []imported.Logged{{Step: 0, At: 1_500_000, Value: 0.1}, {Step: 1, At: 2_000_000, Value: math.NaN()}, {Step: 2, At: 3_000_000, Value: math.Inf(-1)}, {Step: 3, Value: 5e-324}}
	if err != nil || fmt.Sprint(values["m"]) != fmt.Sprint(want) || len(values) != 1 {
		t.Errorf("the values are %v, %v", values, err)
	}
}

func TestWhatAScriptMayNotTell(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	for text, want := range map[string]string{
		"nothing":                     "none of its lines",
		`{"run":{"of":"e","id":"a"}}`: "is no status",
		`{"run":{"of":"none","id":"a","status":"finished"}}`:                                                                              "there is no experiment none",
		`{"values":{"metric":"m","steps":[1],"values":[1]}}`:                                                                              "values of no run",
		"{\"run\":{\"of\":\"e\",\"id\":\"a\",\"status\":\"finished\"}}\n{\"run\":{\"of\":\"e\",\"id\":\"a\",\"status\":\"failed\"}}":      "told twice",
		"{\"run\":{\"of\":\"e\",\"id\":\"a\",\"status\":\"finished\"}}\n{\"values\":{\"metric\":\"m\",\"steps\":[1],\"values\":[]}}":      "without steps",
		"{\"run\":{\"of\":\"e\",\"id\":\"a\",\"status\":\"finished\"}}\n{\"values\":{\"metric\":\"m\",\"steps\":[1],\"values\":[\"x\"]}}": "is no number",
		`{"left":{"of":"none","what":"x","n":1}}`:                                                                                         "there is no experiment none",
		`{"error":"broken","help":"mend it"}`:                                                                                             "broken",
	} {
		s, err := newShelf()
		if err != nil {
			t.Fatal(err)
		}
		h := &hearing{shelf: s}
		h.experiment("e", func() Experiment { return Experiment{} })
		for line := range strings.SplitSeq(text, "\n") {
			err = errors.Join(err, h.line([]byte(line)))
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", text, err, want)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
