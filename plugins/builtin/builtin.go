// Package builtin holds the optimizers and regularizers that ship with xrun, one method a file.
//
// Where frameworks define a method differently, it has a convention for each; optimizers default to
// PyTorch's, regularizers to λ/(2m). Each file cites its paper. They are components like any other: xrun runs them out of process.
package builtin

import "github.com/xrun-dev/xrun/plugins"

// Manifest describes the plugin that the xrun binary serves.
func Manifest(version string) plugins.Manifest {
	return plugins.Manifest{
		Name:    "builtin",
		Version: version,
		Summary: "optimizers and regularizers that ship with xrun",
		License: "Apache-2.0",
		Components: []plugins.Component{
			sgd,
			adam,
			adamw,
			rmsprop,
			adagrad,
			adadelta,
			amsgrad,
			adamax,
			nadam,
			radam,
			lion,
			rprop,
			ftrl,
			adafactor,
			lamb,
			lars,
			prodigy,
			dadaptAdam,
			scheduleFreeSGD,
			scheduleFreeAdamW,
			adabelief,
			yogi,
			signum,
			polyak,
			muon,
			sam,
			lbfgs,
			armijo,
			l2, l1, elasticNet, groupLasso, huber, maxNorm,
		},
	}
}
