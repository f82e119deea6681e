package runner

import (
	"errors"
	"testing"
)

func TestTemplates(t *testing.T) {
	values := map[string]string{"lr": "0.01", "optimizer.momentum": "0.9"}
	value := func(name string) (string, bool) { v, ok := values[name]; return v, ok }
	for text, want := range map[string]string{
		"train.py":                       "train.py",
		"":                               "",
		"{lr}":                           "0.01",
		"--lr={lr},{optimizer.momentum}": "--lr=0.01,0.9",
		`{{"lr": {lr}}}`:                 `{"lr": 0.01}`,
		"{{lr}}":                         "{lr}",
		"λ={lr}µ":                        "λ=0.01µ",
		"{lr}{lr}":                       "0.010.01",
	} {
		parsed, err := ParseTemplate(text)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got, err := parsed.expand(value); got != want || err != nil {
			t.Errorf("%q is %q, %v, want %q", text, got, err, want)
		}
	}
	for text, place := range map[string][2]int{"a {lr": {2, 3}, "lr}": {2, 3}, "{}": {0, 2}, "{ lr }": {0, 6}, "{l{r}": {0, 1}, "{lr}}": {4, 5}, "µ{": {2, 3}} {
		_, err := ParseTemplate(text)
		var wrong *TemplateError
		if !errors.As(err, &wrong) {
			t.Errorf("%q is accepted", text)
		} else if wrong.From != place[0] || wrong.To != place[1] {
			t.Errorf("%q is wrong at %d to %d, want %v: %v", text, wrong.From, wrong.To, place, err)
		}
	}
	parsed, err := ParseTemplate("{dropout}")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := parsed.expand(value); err == nil {
		t.Errorf("a placeholder without a value becomes %q", got)
	}
}
