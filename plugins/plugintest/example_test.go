package plugintest_test

import (
	"context"
	"fmt"
	"os"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/builtin"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/plugins/plugintest"
)

// builtins lets the test binary serve the built-in components, as the xrun binary does.
func builtins() host.Options {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return host.Options{Builtin: []string{self, "serve-builtin"}}
}

func sgd() plugins.Component { return builtin.Manifest("example").Components[0] }

// Check tries a plugin as `xrun plugin check` does. Tests of a plugin in Go call [plugintest.Test].
func ExampleCheck() {
	report, err := plugintest.Check(context.Background(), host.BuiltinRef, plugintest.Options{Components: []string{"sgd"}, Short: true, Host: builtins()})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(report.Plugin, "passed:", report.Passed(), "failed checks:", report.Count(plugintest.Failed))
	// Output: builtin passed: true failed checks: 0
}

// A Bench runs one component without judging it.
func ExampleNewBench() {
	bench, err := plugintest.NewBench(host.BuiltinRef, sgd(), nil, plugintest.Options{Host: builtins()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer bench.Close()
	bowl, err := plugintest.NewLandscape("quadratic", 2, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	all, err := bench.Descend(context.Background(), bowl, plugintest.Rates(0.1, 1), 20)
	if err != nil {
		fmt.Println(err)
		return
	}
	best := plugintest.Best(all)
	fmt.Printf("of %d learning rates, %.3g ends lowest, at %v\n", len(all), best.LR, best.Last())
	// Output: of 3 learning rates, 1 ends lowest, at 0
}

// The test functions are the ones that sweeps train on.
func ExampleLandscape_Gradient() {
	l, err := plugintest.NewLandscape("rosenbrock", 2, 0)
	if err != nil {
		fmt.Println(err)
		return
	}
	grad := make([]float64, 2)
	fmt.Println(l.Gradient([]float64{1, 1}, grad), l.Least)
	// Output: 0 0
}

// A Profile shows what a regularizer makes of one parameter.
func ExampleBench_Profile() {
	for _, c := range builtin.Manifest("example").Components {
		if c.Name != "l1" {
			continue
		}
		settings, err := c.Complete(nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		bench, err := plugintest.NewBench(host.BuiltinRef, c, settings, plugintest.Options{Host: builtins()})
		if err != nil {
			fmt.Println(err)
			return
		}
		defer bench.Close()
		p, err := bench.Profile(context.Background(), []float64{-2, 0, 2}, 1, 1)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(p.Value, p.Gradient, p.Prox)
	}
	// Output: [1 0 1] [-0.5 0 0.5] [-1.5 0 1.5]
}
