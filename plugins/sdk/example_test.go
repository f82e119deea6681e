package sdk_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/plugins/protocol"
	"github.com/xrun-dev/xrun/plugins/sdk"
)

// TestMain lets the test binary be the plugin of the example where xrun starts it as one.
func TestMain(m *testing.M) {
	if os.Getenv(protocol.Handshake.MagicCookieKey) != "" {
		pluginMain()
		return
	}
	os.Exit(m.Run())
}

type descent[F plugins.Float] struct{}

func newDescent[F plugins.Float](plugins.Instance) (plugins.Optimizer[F], error) {
	return descent[F]{}, nil
}

func (descent[F]) Step(params, grad []F, lr F) error {
	for i, g := range grad {
		params[i] -= lr * g
	}
	return nil
}

// pluginMain is the whole main function of a plugin.
func pluginMain() {
	sdk.Serve(plugins.Manifest{
		Name: "example", Version: "1.0.0", Summary: "gradient descent", License: "Apache-2.0",
		Components: []plugins.Component{plugins.NewOptimizer(plugins.Spec{
			Name: "descent", Summary: "steps against the gradient", Doc: "θ ← θ − lr·g",
		}, newDescent[float32], newDescent[float64])},
	})
}

// The main function of a plugin calls Serve with what it supplies. xrun starts the program and asks.
func ExampleServe() {
	self, err := os.Executable()
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := host.New(host.Options{Version: "example"}).Describe(context.Background(), self)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(d.Name, d.Version, "supplies the", d.Components[0].Kind, d.Components[0].Name)
	// Output: example 1.0.0 supplies the optimizer descent
}
