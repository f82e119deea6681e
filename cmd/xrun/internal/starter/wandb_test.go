package starter

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
)

const wandbSweep = `
program: train.py
project: digits
method: bayes
run_cap: 50
metric: {name: val/loss, goal: minimize}
parameters:
  learning_rate: {distribution: log_uniform_values, min: 1e-4, max: 0.1}
  weight_decay: {distribution: log_uniform, min: -9.210340371976182, max: -4.605170185988091}
  batch: {values: [16, 32, 64]}
  layers: {min: 1, max: 4}
  dropout: {min: 0.0, max: 0.5}
  width: {distribution: q_log_uniform_values, q: 8, min: 16, max: 256}
  momentum: {distribution: normal, mu: 0.9, sigma: 0.02}
  optimizer:
    parameters:
      name: {values: [adam, sgd], probabilities: [0.7, 0.3]}
  epochs: {value: 20}
  seed: {values: [1, 2, 3, 4]}
early_terminate: {type: hyperband, min_iter: 3}
command:
  - ${env}
  - python3
  - -u
  - ${program}
  - --fixed={a}
  - ${args}
`

func TestFromASweepOfWandb(t *testing.T) {
	got, err := FromWandb([]byte(wandbSweep), "sweep.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"digits"`, `seeds  = 4`, `"python3", "-u", "train.py", "--fixed={{a}}", "--epochs=20"`, `"--learning_rate={learning_rate}"`, `"--seed={seed}"`,
		`"--optimizer.name={optimizer_name}"`, `metrics = ["val/loss"]`, `goal = "min"`,
		"learning_rate  = { log = [0.0001, 0.1], n = 3 }", "weight_decay   = { log = [0.0001, 0.01], n = 3 }", "batch          = [16, 32, 64]", "layers         = [1, 2, 3, 4]",
		"dropout        = { linear = [0.0, 0.5], n = 3 }", "width          = [16, 64, 256]   # there in steps of 8", "momentum       = { linear = [0.86, 0.94], n = 3 }", "two sigma to each side",
		`optimizer_name = ["adam", "sgd"]   # there with probabilities [0.7 0.3]`, "# method bayes:", "# run_cap 50", "# early_terminate (min_iter 3, type hyperband)", "is nested",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("there is no %s in\n%s", want, got)
		}
	}
	var file map[string]any
	if err := toml.Unmarshal([]byte(got), &file); err != nil {
		t.Errorf("it is no TOML: %v\n%s", err, got)
	}
}

func TestSweepsOfWandbThatAreNone(t *testing.T) {
	var bomb strings.Builder // each anchor has ten times the one before
	bomb.WriteString("a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n")
	for i := 1; i < 9; i++ {
		fmt.Fprintf(&bomb, "a%d: &a%d [%s]\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*a%d, ", i-1), 10), ", "))
	}
	bomb.WriteString("parameters: {lr: {values: *a8}}\n")
	for text, want := range map[string]string{
		"parameters: [":                                         "sweep.yaml",
		"method: grid":                                          "has no parameters",
		"parameters: {lr: 3}":                                   "the parameter lr has no values",
		"parameters: {lr: {min: 1}}":                            "neither values nor a range",
		"parameters: {lr: {min: 2, max: 1}}":                    "neither values nor a range",
		"parameters: {lr: {min: a, max: 1}}":                    "min is a, which is no number",
		"parameters: {lr: {values: []}}":                        "it has no values",
		"parameters: {lr: {distribution: odd, min: 0, max: 1}}": `"odd" is no distribution`,
		"parameters: {lr: {distribution: log_uniform_values, min: 0, max: 1}}": "begins at 0",
		"parameters: {a: {parameters: {b: {min: .nan, max: 1}}}}":              "the parameter a.b",
		"- 1":         "sweep.yaml",
		bomb.String(): "larger than a person writes",
	} {
		if got, err := FromWandb([]byte(text), "sweep.yaml"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q; it is\n%s", text, err, want, got)
		}
	}
	for _, text := range []string{"parameters: {lr: {value: 1}}", "parameters: {a: &one {values: [1, 2]}, b: *one}", "parameters: {lr: {values: [1e-4, true, null, text, [1, 2], {a: 1}]}}",
		"command: ['${args_json}', '${envvar:X}', '${args_no_hyphens}', behind]\nparameters: {lr: {values: [1, 2]}}"} {
		got, err := FromWandb([]byte(text), "sweep.yaml")
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if !strings.Contains(got, "[grid]") {
			t.Errorf("%s gives\n%s", text, got)
		}
	}
}
