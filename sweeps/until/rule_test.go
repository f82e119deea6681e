package until

import (
	"math"
	"slices"
	"testing"
)

func TestStages(t *testing.T) {
	for _, c := range []struct {
		rule Rule
		want []int
	}{
		{Rule{First: 3, Max: 30}, []int{3, 5, 8, 12, 18, 30}},
		{Rule{First: 2, Max: 8}, []int{2, 3, 5, 8}},
		{Rule{First: 5, Max: 5}, []int{5}},
		{Rule{First: 5, Max: 6}, []int{5, 6}},
		{Rule{First: 3, Max: 30, Round: 5}, []int{5, 10, 15, 30}}, // whole partitions of five folds
		{Rule{First: 3, Max: 10, Round: 10}, []int{10}},
	} {
		if got := c.rule.Stages(); !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, want %v", c.rule, got, c.want)
		}
	}
}

// The levels of the looks add up to Alpha, and each is above 0. The first one by hand: 0.05·3/30.
func TestLevelsAddUp(t *testing.T) {
	for _, rule := range []Rule{{First: 3, Max: 30}, {First: 2, Max: 100}, {First: 4, Max: 4}, {First: 3, Max: 30, Round: 5}} {
		sum := 0.0
		for stage := range rule.Stages() {
			level := rule.Level(stage + 1)
			if !(level > 0) {
				t.Errorf("%+v: the level of look %d is %v", rule, stage+1, level)
			}
			sum += level
		}
		if math.Abs(sum-Alpha) > 1e-12 {
			t.Errorf("%+v: the levels add up to %v", rule, sum)
		}
	}
	if got := (Rule{First: 3, Max: 30}).Level(1); math.Abs(got-0.005) > 5e-7 {
		t.Errorf("the first level of 3 to 30 seeds is %v", got)
	}
}

func TestConditionsAreReadAndWritten(t *testing.T) {
	for text, want := range map[string]string{
		"decided":                         "decided",
		"  Decided ":                      "decided",
		"ci<0.002":                        "ci < 0.002",
		"ci < 2e-3":                       "ci < 0.002",
		"ci < 7%":                         "ci < 7 %",
		"p < 0.05 or tied within 1 %":     "p < 0.05 or tied within 1 %",
		"p<.05 OR tied within .5%":        "p < 0.05 or tied within 0.5 %",
		"decided and ci < 1 % or p < 0.1": "decided and ci < 1 % or p < 0.1",
	} {
		c, err := Parse(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got := c.String(); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
		if again, err := Parse(c.String()); err != nil || again.String() != want {
			t.Errorf("%q is not read back: %v %v", want, again, err)
		}
	}
}

func TestWrongConditions(t *testing.T) {
	for text, want := range map[string]string{
		"":                   "the condition is empty",
		"sure":               `no condition is called "sure"`,
		"decided or":         "the condition ends too soon",
		"decided ci < 1":     `"ci" follows a whole condition`,
		"ci":                 "the condition ends too soon",
		"ci > 1":             "`ci` is followed by `<`, not by \">\"",
		"ci < x":             `"x" is not a number`,
		"ci < 0":             "the limit of `ci` is a number above 0",
		"ci < nan":           "the limit of `ci` is a number above 0",
		"ci < inf":           "the limit of `ci` is a number above 0",
		"ci < 150 %":         "the limit of `ci` is so large that it always holds",
		"p < 5 %":            "`p <` wants a number, such as 0.05",
		"p < 1":              "the limit of `p` is so large that it always holds",
		"tied within 0.01":   "`tied within` wants a percentage of the value, such as 1 %",
		"tied < 1 %":         "`tied` is followed by `within`, not by \"<\"",
		"decided, or p < .1": `no condition is called "decided,"`,
	} {
		_, err := Parse(text)
		wrong, ok := err.(*Error)
		if !ok || wrong.Message != want {
			t.Errorf("%q: %v, want %s", text, err, want)
			continue
		}
		if wrong.From < 0 || wrong.To > len(text) || wrong.From > wrong.To {
			t.Errorf("%q: the place is %d to %d", text, wrong.From, wrong.To)
		}
	}
}
