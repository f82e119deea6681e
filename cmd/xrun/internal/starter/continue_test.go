package starter

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
)

func TestAxesOfWhatWasSearched(t *testing.T) {
	many := make([]plugins.Value, 40)
	for i := range many {
		many[i] = plugins.Integer(int64(1 + i*10))
	}
	for want, a := range map[string]Axis{
		"{ log = [0.0001, 1.0], n = 5 }":    {Low: 1e-4, High: 1, Log: true},
		"{ linear = [-1.0, 2.0], n = 5 }":   {Low: -1, High: 2},
		"[0.5]":                             {Low: 0.5, High: 0.5},
		"[1, 2, 3]":                         {Low: 1, High: 3, Whole: true},
		"[1, 26, 51, 75, 100]":              {Low: 1, High: 100, Whole: true},
		"[1, 4, 16, 64, 256]":               {Low: 1, High: 256, Whole: true, Log: true},
		"[1, 4, 20, 88, 391]":               {Values: many}, // 391 times the first: in ratios
		`["adam", "3", "true"]`:             {Values: []plugins.Value{plugins.Text("adam"), plugins.Integer(3), plugins.Flag(true)}},
		"[1, 0.5, 1e-05]":                   {Values: []plugins.Value{plugins.Integer(1), plugins.Real(0.5), plugins.Real(1e-5)}},
		`["a \"b\" \\ \u000A", "{c}", "ü"]`: {Values: []plugins.Value{plugins.Text("a \"b\" \\ \n"), plugins.Text("{c}"), plugins.Text("ü")}},
	} {
		if got := a.text(5); got != want {
			t.Errorf("%+v is %s, want %s", a, got, want)
		}
	}
}

func TestNamesOfAxes(t *testing.T) {
	names := []string{"lr", "opt/lr", "opt.lr", "+lr", "seed", "9", "größe", strings.Repeat("x", 100), "a b"}
	var axes []Axis
	for _, name := range names {
		axes = append(axes, Axis{Name: name})
	}
	as := axisNames(append(axes, Axis{Name: "learning_rate", As: "lambda"}))
	seen := map[string]bool{}
	for _, name := range names {
		short := as[name]
		if !axisName.MatchString(short) || taken[short] || seen[short] {
			t.Errorf("%q is the axis %q", name, short)
		}
		seen[short] = true
	}
	if as["lr"] != "lr" || as["opt/lr"] != "opt_lr" || as["+lr"] != "lr_2" || as["learning_rate"] != "lambda" {
		t.Errorf("%v", as)
	}
}

func TestHydrasGrammar(t *testing.T) {
	for text, want := range map[string][]string{
		"1,2":              {"1", "2"},
		"choice(a, b)":     {"a", "b"},
		"range(1,4)":       {"1", "2", "3"},
		"range(0,1,0.5)":   {"0", "0.5"},
		"range(3)":         {"0", "1", "2"},
		"[1,2],[3,4]":      {"[1,2]", "[3,4]"},
		"'a,b','c'":        {"'a,b'", "'c'"},
		"interval(0,1)":    nil,
		"glob(*)":          nil,
		"range(0,1,-1)":    nil,
		"range(0,1e9,0.1)": nil,
		"a,,b":             nil,
	} {
		got, ok := choices(text)
		if ok != (want != nil) || ok && !slices.Equal(got, want) {
			t.Errorf("%s: %q, %v", text, got, ok)
		}
	}
}

func TestAMultirunWithoutJobs(t *testing.T) {
	path := filepath.Join(t.TempDir(), MultirunFile)
	text := "hydra:\n  job: {name: train}\n  overrides:\n    task: ['lr=0.1,0.2', '+model.width=range(1,3)', 'seed=1,2,3,4', 'db=mysql', 'x=interval(0,1)', '~gone']\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	got, err := FromHydra(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"python3", "train.py", "db=mysql"`, `"lr={lr}"`, `"+model.width={model_width}"`, `"seed={seed}"`, "seeds  = 4", "lr          = [0.1, 0.2]", "model_width = [1, 2]",
		"x=interval(0,1)", "Not taken over: ~gone"} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %s in\n%s", want, got)
		}
	}
	if err := os.WriteFile(path, []byte("hydra: ["), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := FromHydra(path); err == nil {
		t.Error("what is no YAML is read")
	}
}
