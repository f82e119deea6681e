package plugintest

import (
	"math"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/builtin"
	"github.com/xrun-dev/xrun/plugins/host"
)

func benchOf(t *testing.T, name string, settings plugins.Settings) *Bench {
	t.Helper()
	for _, c := range builtin.Manifest("test").Components {
		if c.Name != name {
			continue
		}
		b, err := NewBench(host.BuiltinRef, c, settings, Options{Host: builtins(t)})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(b.Close)
		return b
	}
	t.Fatalf("no component %q", name)
	return nil
}

// Gradient descent on a quadratic by hand: θ − 1 shrinks by 1 − lr·d in each direction.
func TestDescendByHand(t *testing.T) {
	const condition, lr, steps = 4, 0.5, 3
	l, err := NewLandscape("quadratic", 2, condition)
	if err != nil {
		t.Fatal(err)
	}
	all, err := benchOf(t, "sgd", nil).Descend(t.Context(), l, []float64{lr, 10}, steps)
	if err != nil {
		t.Fatal(err)
	}
	want, regret := 0.0, 0.0
	for step := range steps + 1 {
		want = 0
		for i, d := range []float64{1, 1. / condition} {
			away := (l.Start[i] - 1) * math.Pow(1-lr*d, float64(step))
			want += d * away * away / 2
		}
		if got := all[0].Losses[step]; math.Abs(got-want) > 1e-14 {
			t.Errorf("after %d steps f = %v, want %v", step, got, want)
		}
		if step > 0 {
			regret += want / all[0].Losses[0]
		}
	}
	if math.Abs(all[0].Regret-regret) > 1e-14 {
		t.Errorf("regret %v, want %v", all[0].Regret, regret)
	}
	if best := Best(all); best.LR != lr {
		t.Errorf("the best rate is %v, want %v: 10 goes astray", best.LR, lr)
	}
}

func TestProfileByHand(t *testing.T) {
	p, err := benchOf(t, "l1", nil).Profile(t.Context(), []float64{-2, 0.25, 2}, 3, 0.5)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct{ value, gradient, prox float64 }{{3, -1.5, -1.25}, {0.375, 1.5, 0}, {3, 1.5, 1.25}} {
		if p.Value[i] != want.value || p.Gradient[i] != want.gradient || p.Prox[i] != want.prox {
			t.Errorf("at %v: R %v, gradient %v, prox %v, want %v", p.Theta[i], p.Value[i], p.Gradient[i], p.Prox[i], want)
		}
	}
}

func TestTrainLowersTheLoss(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the test binary is started under other names by symbolic links")
	}
	path := filepath.Join(t.TempDir(), host.Prefix+"nothing-wrong")
	if err := os.Symlink(self(t), path); err != nil {
		t.Fatal(err)
	}
	d, err := host.New(builtins(t)).Describe(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewBench(path, d.Components[0], nil, Options{Host: builtins(t)})
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	epochs := 0
	all, err := b.Train(t.Context(), []float64{1e-9, 0.1}, 20, func(int) { epochs++ })
	if err != nil {
		t.Fatal(err)
	}
	best := Best(all)
	if best.LR != 0.1 || len(best.Losses) != 21 || epochs != 20 || best.Last() > best.Losses[0]/10 {
		t.Errorf("the best is lr %v with %d losses from %v to %v after %d epochs", best.LR, len(best.Losses), best.Losses[0], best.Last(), epochs)
	}
}
