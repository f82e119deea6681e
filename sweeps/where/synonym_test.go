package where

import (
	"testing"

	"github.com/xrun-dev/xrun/plugins"
)

// A condition holds for a choice by whatever name it is stored.
func TestChoicesHaveSynonyms(t *testing.T) {
	schema := Schema{Names: map[string]Type{"regularizer.convention": Text, "optimizer": Text}}
	for _, c := range []struct {
		text string
		want map[string]bool
	}{
		{"regularizer.convention == 'seed'", map[string]bool{"seed": true, "mean_squares": true, "keras": false}},
		{"'mean_squares' == regularizer.convention", map[string]bool{"seed": true, "mean_squares": true, "keras": false}},
		{"regularizer.convention != 'mean_squares'", map[string]bool{"seed": false, "mean_squares": false, "keras": true}},
		{"regularizer.convention in ['keras', 'seed']", map[string]bool{"seed": true, "mean_squares": true, "keras": true, "torch": false}},
		{"regularizer.convention not in ['seed', 'mean_squares']", map[string]bool{"seed": false, "mean_squares": false, "torch": true}},
		{"optimizer == 'seed'", map[string]bool{"seed": true, "mean_squares": false}},
	} {
		x, err := Compile(c.text, schema)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Compile(x.String(), schema)
		if err != nil || again.String() != x.String() {
			t.Errorf("%s is written %s and then %s, %v", c.text, x, again, err)
		}
		for value, want := range c.want {
			if got := x.Evaluate(func(string) (plugins.Value, bool) { return plugins.Text(value), true }); got != want {
				t.Errorf("%s is %v for %s", c.text, got, value)
			}
		}
	}
}
