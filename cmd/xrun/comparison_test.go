package main

import (
	"slices"
	"testing"

	"github.com/xrun-dev/xrun/sweeps"
	"github.com/xrun-dev/xrun/sweeps/compare"
)

// What a sweep file may ask for in [compare] is what a comparison can do.
func TestSweepFilesAskForTestsThatThereAre(t *testing.T) {
	var tests, stats, outcomes []string
	for _, outcome := range compare.Outcomes {
		outcomes = append(outcomes, string(outcome))
	}
	if !slices.Equal(outcomes, sweeps.Outcomes) {
		t.Errorf("comparisons have the outcomes %v, checks %v", outcomes, sweeps.Outcomes)
	}
	for _, test := range compare.Tests {
		tests = append(tests, string(test))
	}
	for _, stat := range compare.Stats {
		stats = append(stats, string(stat))
	}
	slices.Sort(tests)
	if want := slices.Sorted(slices.Values(sweeps.Tests)); !slices.Equal(tests, want) {
		t.Errorf("comparisons have the tests %v, sweep files %v", tests, want)
	}
	if !slices.Equal(stats, sweeps.Stats) {
		t.Errorf("comparisons have the statistics %v, sweep files %v", stats, sweeps.Stats)
	}
	var scales []string
	for _, scale := range compare.Differs {
		scales = append(scales, string(scale))
	}
	if !slices.Equal(scales, sweeps.Scales) {
		t.Errorf("comparisons have the scales %v, sweep files %v", scales, sweeps.Scales)
	}
}
