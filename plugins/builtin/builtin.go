// Package builtin holds the optimizers and regularizers that ship with xrun, one method a file.
//
// They follow PyTorch's conventions for optimizers and the λ/(2m) convention for regularizers;
// each file cites its paper. They are components like any other: xrun runs them out of process.
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
			sgd, adam, adamw, rmsprop, adagrad,
			l2, l1, elasticNet, groupLasso, huber, maxNorm,
		},
	}
}
