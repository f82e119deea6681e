package plugins

import (
	"fmt"
	"os"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/sdk"
)

// serveCrasher serves gradient descent whose process ends at the step that its setting says.
func serveCrasher() {
	sdk.Serve(plugins.Manifest{Name: "crasher", Version: "0", Components: []plugins.Component{
		plugins.NewOptimizer(plugins.Spec{Name: "crasher", Settings: []plugins.Setting{
			plugins.IntegerSetting("at", 0, "the step at which the process ends; 0 is never"),
		}}, newCrasher[float32], newCrasher[float64]),
	}})
}

type crasher[F plugins.Float] struct{ left int64 }

func newCrasher[F plugins.Float](in plugins.Instance) (plugins.Optimizer[F], error) {
	return &crasher[F]{in.Settings.Integer("at")}, nil
}

func (c *crasher[F]) Step(params, grad []F, lr F) error {
	if c.left--; c.left == 0 {
		fmt.Fprintln(os.Stderr, "the crasher says goodbye")
		os.Exit(7)
	}
	for i, g := range grad {
		params[i] -= F(lr * g)
	}
	return nil
}
