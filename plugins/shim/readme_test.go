//go:build unix

package shim_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
)

// The examples that authors begin with train together as they stand.
func TestTheExamplesOfTheReadmeTrain(t *testing.T) {
	if !withNumpy(t) {
		t.Skip("the examples want numpy, which python3 cannot import")
	}
	text, err := os.ReadFile(filepath.Join("..", "python", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	h, dir := newHost(t, host.Options{}), t.TempDir()
	chosen := map[plugins.Kind]runner.Choice{}
	for _, block := range strings.Split(string(text), "```python\n")[1:] {
		code, _, _ := strings.Cut(block, "```")
		name, _, isFile := strings.Cut(strings.TrimPrefix(code, "# "), "\n")
		if !isFile || !strings.HasSuffix(name, ".py") {
			continue
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(code), 0o600); err != nil {
			t.Fatal(err)
		}
		d, err := h.Describe(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		c := d.Components[0]
		settings, err := c.Complete(nil)
		if err != nil {
			t.Fatal(err)
		}
		if d.Name != strings.TrimSuffix(name, ".py") {
			t.Errorf("%s describes itself as %s", name, d.Name)
		}
		chosen[c.Kind] = runner.Choice{Plugin: path, Component: c.Name, Settings: settings, Features: c.Features}
	}
	if len(chosen) != 3 {
		t.Fatalf("the examples are %v, want one of each kind", chosen)
	}
	objective, ridge := chosen[plugins.KindObjective], chosen[plugins.KindRegularizer]
	session, err := newWorker(t, h).Open(t.Context(), runner.PluginSpec{DType: plugins.Float64, Objective: &objective, Slots: []runner.PluginSlot{
		{Optimizer: chosen[plugins.KindOptimizer], Regularizer: &ridge, LR: 0.02, Lambda: 1},
	}})
	if err != nil {
		t.Fatal(err)
	}
	slot, metrics := []int{0}, [][]float64{make([]float64, 2)}
	check := func(failed []*runner.SlotError, err error) {
		t.Helper()
		if err != nil || len(failed) > 0 {
			t.Fatal(failed, err)
		}
	}
	check(session.Init(t.Context(), slot))
	check(session.Metrics(t.Context(), slot, metrics))
	before, losses := metrics[0][1], make([]float64, 1)
	for epoch := 1; epoch <= 30; epoch++ {
		for batch := range session.Problem().Batches {
			check(session.Gradient(t.Context(), slot, epoch, batch, losses))
			_, failed, err := session.Step(t.Context(), slot, runner.StepInputs{Rates: []float64{0.02}})
			check(failed, err)
		}
	}
	check(session.Metrics(t.Context(), slot, metrics))
	if after := metrics[0][1]; !(after < before/20) {
		t.Errorf("30 epochs bring the loss on held-out data from %v to %v, want a twentieth", before, after)
	}
}
