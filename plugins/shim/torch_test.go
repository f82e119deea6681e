//go:build unix

package shim_test

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/tests"
)

// An optimizer of torch.optim behind the plugin takes torch's own steps, to the bit, with a rate that
// changes from step to step, and after a pause in the middle.
func TestTorchOptimizersTakeTorchsOwnSteps(t *testing.T) {
	tests.NeedExamples(t, "imports torch")
	if exec.CommandContext(t.Context(), "python3", "-c", "import torch").Run() != nil {
		t.Skip("python3 has no torch: pip install torch")
	}
	path, err := filepath.Abs("../examples/python/torch_optim.py")
	if err != nil {
		t.Fatal(err)
	}
	cases := []struct{ class, arguments string }{
		{"SGD", `{"momentum": 0.9, "nesterov": true}`}, {"Adam", `{}`}, {"AdamW", `{"weight_decay": 0.1}`}, {"RAdam", `{"betas": [0.8, 0.99]}`},
		{"NAdam", `{}`}, {"RMSprop", `{"centered": true}`}, {"Adagrad", `{}`}, {"Adadelta", `{}`}, {"Rprop", `{}`}, {"Adafactor", `{}`},
	}
	args := []string{filepath.Join("testdata", "trajectory.py")}
	for _, c := range cases {
		args = append(args, c.class, c.arguments)
	}
	out, err := exec.CommandContext(t.Context(), "python3", args...).CombinedOutput()
	if err != nil {
		t.Fatalf("torch by itself: %v\n%s", err, out)
	}
	lines := strings.Split(string(out), "\n")
	w := newWorker(t, newHost(t, host.Options{}))
	for i, c := range cases {
		choice := runner.Choice{Plugin: path, Component: "torch_optim", Settings: plugins.Settings{"optimizer": plugins.Text(c.class), "arguments": plugins.Text(c.arguments)}}
		t.Run(c.class+" float64", func(t *testing.T) { torchSteps[float64](t, w, choice, strings.Fields(lines[2*i])) })
		t.Run(c.class+" float32", func(t *testing.T) { torchSteps[float32](t, w, choice, strings.Fields(lines[2*i+1])) })
	}
}

// torchSteps takes the steps of trajectory.py through a plugin and compares where they lead.
func torchSteps[F plugins.Float](t *testing.T, w *host.Worker, choice runner.Choice, want []string) {
	const dim = 11
	if len(want) != dim {
		t.Fatalf("torch by itself gives %d parameters, want %d", len(want), dim)
	}
	s := spec(plugins.DTypeOf[F](), dim, 1, choice, nil)
	s.Layout[0].Shape = []int{2, 4}
	open := func() (runner.PluginSession, []F, []F) {
		session, err := w.Open(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		params, grads, _ := session.Slabs()
		return session, elements[F](params)[:dim], elements[F](grads)
	}
	session, p, g := open()
	for i := range p {
		p[i] = F(i+1) / 4
	}
	for step := range 20 {
		if step == 9 {
			state, err := session.Save(t.Context(), 0)
			if err != nil {
				t.Fatal(err)
			}
			kept := append([]F(nil), p...)
			session.Close()
			session, p, g = open()
			copy(p, kept)
			if err := session.Restore(t.Context(), 0, state); err != nil {
				t.Fatal(err)
			}
		}
		for i := range p {
			g[i] = p[i] * (F(i+1) / 8)
		}
		_, failed, err := session.Step(t.Context(), []int{0}, runner.StepInputs{Rates: []float64{0.05 / float64(1+step%3)}})
		if err != nil || len(failed) > 0 {
			t.Fatalf("step %d: %v %v", step, failed, err)
		}
	}
	session.Close()
	for i, word := range want {
		if theirs, err := strconv.ParseFloat(word, 64); err != nil || float64(p[i]) != theirs {
			t.Errorf("parameter %d is %v, torch has %v (%v)", i, p[i], theirs, err)
		}
	}
}
