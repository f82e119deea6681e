//go:build unix

package shim_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
)

const toldInputs = `from xrun_plugin import optimizer, regularizer, serve

@regularizer("asks", features=["inputs"])
class Asks:
    def __init__(self, layout):
        assert [t["inputs"] for t in layout] == [["age", "port=Genoa «è»"], []], layout
    def value(self, theta): return 0.0
    def add_gradient(self, theta, grad): pass

@regularizer("does_not_ask")
class DoesNotAsk(Asks):
    def __init__(self, layout):
        assert not any("inputs" in t for t in layout), layout

@optimizer("steps", features=["inputs"])
class Steps:
    def __init__(self, layout):
        assert [t["inputs"] for t in layout] == [["age", "port=Genoa «è»"], [], []], layout
    def step(self, theta, grad, lr): pass

serve()
`

// A component in Python that asks is told what the columns of the first weights are called, and no other is.
func TestPythonIsToldTheInputsItAsksFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "told.py")
	if err := os.WriteFile(path, []byte(toldInputs), 0o600); err != nil {
		t.Fatal(err)
	}
	layout := plugins.NewLayout(
		plugins.Tensor{Name: "W1", Shape: []int{3, 2}, Role: plugins.RoleWeight, Penalized: true, Inputs: []string{"age", "port=Genoa «è»"}},
		plugins.Tensor{Name: "b1", Shape: []int{3}, Role: plugins.RoleBias},
		plugins.Tensor{Name: "W2", Shape: []int{1, 3}, Role: plugins.RoleWeight, Penalized: true},
	)
	for _, inline := range []bool{false, true} {
		h := newHost(t, host.Options{Inline: inline})
		d, err := h.Describe(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		choice := func(kind plugins.Kind, name string) runner.Choice {
			c, err := d.Component(kind, name)
			if err != nil {
				t.Fatal(err)
			}
			return runner.Choice{Plugin: path, Component: name, Features: c.Features}
		}
		steps, asks, other := choice(plugins.KindOptimizer, "steps"), choice(plugins.KindRegularizer, "asks"), choice(plugins.KindRegularizer, "does_not_ask")
		session, err := newWorker(t, h).Open(t.Context(), runner.PluginSpec{DType: plugins.Float64, Layout: layout, Examples: 1, Loss: plugins.LossLog,
			Slots: []runner.PluginSlot{{Optimizer: steps, Regularizer: &asks}, {Optimizer: steps, Regularizer: &other}}})
		if err != nil {
			t.Fatal(err)
		}
		session.Close()
	}
}
