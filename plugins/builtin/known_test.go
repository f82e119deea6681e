package builtin

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
)

// byHand are the components that no other program has in this form, and the test that knows an answer of theirs.
var byHand = map[string]string{
	"lbfgs": "TestPairsMakeLBFGSFast", "armijo": "TestLineSearchesConverge",
	"group_lasso": "TestGroupsByHand", "huber": "TestPenaltyGradientsMatchFiniteDifferences", "max_norm": "TestMaxNormIsAProjection",
}

var testFunction = regexp.MustCompile(`(?m)^func (Test\w+)\(`)

// A component that gives other numbers than the program whose name it has would be found by nobody: each is held against
// numbers of another program, in testdata, or of a calculation by hand.
func TestEveryComponentHasAKnownAnswer(t *testing.T) {
	var known, tests []string
	paths, err := filepath.Glob("testdata/*.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var content any
		if err := json.Unmarshal(text, &content); err != nil {
			t.Fatal(err)
		}
		known = append(known, named(content)...)
	}
	paths, err = filepath.Glob("*_test.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range testFunction.FindAllStringSubmatch(string(text), -1) {
			tests = append(tests, m[1])
		}
	}
	for _, c := range Manifest("test").Components {
		test, hand := byHand[c.Name]
		switch {
		case hand && !slices.Contains(tests, test):
			t.Errorf("%s is known by %s, which is no test", c.Name, test)
		case !hand && !slices.Contains(known, c.Name):
			t.Errorf("%s %s has no known answer: add cases to a script in testdata, or a test by hand and its name to byHand", c.Kind, c.Name)
		}
	}
}

// named lists what is called component or regularizer anywhere in a value of JSON.
func named(v any) (names []string) {
	switch v := v.(type) {
	case []any:
		for _, item := range v {
			names = append(names, named(item)...)
		}
	case map[string]any:
		for key, item := range v {
			if name, ok := item.(string); ok && (key == "component" || key == "regularizer" || key == "optimizer") {
				names = append(names, name)
			}
			names = append(names, named(item)...)
		}
	}
	return names
}
