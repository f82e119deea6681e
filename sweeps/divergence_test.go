package sweeps

import (
	"strings"
	"testing"
)

// The limit is on where there is a training loss that starts at a value of its own, and a file can set or end it.
func TestDivergenceIsOn(t *testing.T) {
	const (
		data     = "[task]\ndataset = 'digits'\nmodel = 'softmax'\n[grid]\nlr = 0.1\n"
		function = "[task]\nmodel = 'rosenbrock'\n[grid]\nlr = 0.1\n"
		program  = "[task]\ncommand = ['train', '{lr}']\nmetrics = ['val_loss']\n[grid]\nlr = 0.1\n"
		loss     = "[task]\ncommand = ['train', '{lr}']\nmetrics = ['val_loss', 'train_loss']\n[grid]\nlr = 0.1\n"
	)
	for _, c := range []struct {
		text string
		want float64
	}{
		{data, 1000}, {data + "[early_stop]\n", 1000}, {function, 0}, {function + "[early_stop]\n", 0}, {program, 0}, {loss, 1000},
		{"divergence = false\n" + data, 0}, {"divergence = true\n" + data, 1000}, {"divergence = { factor = 50 }\n" + data, 50},
		{data + "[divergence]\nfactor = 50\n", 50}, {"divergence = { factor = 50 }\n" + data + "[early_stop]\nrule = 'up'\n", 50},
		{data + "[early_stop]\ndivergence = { factor = 50 }\n", 50}, {data + "[early_stop]\ndivergence = false\n", 0},
		{"divergence = { factor = 50 }\n" + function, 50}, {"divergence = true\n" + function, 1000},
		{"divergence = false\n" + loss, 0}, {"divergence = false\n" + program, 0}, {"divergence = { factor = 50 }\n" + loss, 50},
	} {
		if got := load(t, c.text).Trials()[0].Stop.DivergenceFactor; got != c.want {
			t.Errorf("the factor is %g, want %g, of\n%s", got, c.want, c.text)
		}
	}
	for text, want := range map[string]string{
		"divergence = false\n" + data + "[early_stop]\ndivergence = false\n": "stands here and at the top",
		"divergence = 100\n" + data:                 "wants false or a table, got an integer",
		"divergence = {}\n" + data:                  "missing key `factor`",
		"divergence = { factor = 1 }\n" + data:      "its range is (1, ∞)",
		"divergence = { factor = 100 }\n" + program: "which the command does not report",
	} {
		if _, err := Load(t.Context(), "f.toml", []byte(text), shelf{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want one with %q, of\n%s", err, want, text)
		}
	}
}
