package sweeps

import (
	"context"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/data"
)

// A Catalog resolves what a sweep file names. Its errors may have a method Hint() string, which
// becomes the help of the problem. Calls are made one at a time, each name at most once a table.
type Catalog interface {
	// Component finds an optimizer or regularizer. The plugin and the component are as written,
	// paths resolved relative to the sweep file and with a separator in them. An empty
	// component is the plugin's only one, or for a built-in the one of that name.
	Component(ctx context.Context, kind plugins.Kind, plugin, component string) (Found, error)

	// Try sets a component up as a trial of the task would, on a few parameters. The error says why the
	// component refuses its settings.
	Try(ctx context.Context, kind plugins.Kind, choice runner.Choice, task runner.Task) error

	// Dataset digests a data set. An error may have a method About() string, which names the key
	// of [task] that is wrong, empty for the data set itself.
	Dataset(ctx context.Context, of Source) (Dataset, error)

	// Text reads a small text file, such as one with extra points.
	Text(ctx context.Context, path string) ([]byte, error)

	// Files digests the content of files and folders that are named relative to dir, and of those
	// arguments that name files: it returns the names of all that count, sorted, and the SHA-256,
	// hex; nothing if none does. An error may have a method About() string, which is the name that is
	// wrong.
	Files(ctx context.Context, dir string, arguments, files []string) (names []string, digest string, err error)

	// ReadsConfig reports whether one of the files, named relative to dir, asks for the values of its trial by itself,
	// with xrun.init or xrun.config of the Python package, or by XRUN_CONFIG.
	ReadsConfig(dir string, files []string) bool
}

// A Source says which data set is meant and how it is understood.
type Source struct {
	Name         string // built in, or a resolved path
	Target, Kind string // empty is the data set's own
	// Validation and Test are resolved paths of further rows, or empty.
	Validation, Test string
	Schema           data.Schema // how a table is read
}

// Found is a component that a Catalog has found.
type Found struct {
	Spec     plugins.Spec
	Plugin   string // how the host finds the plugin again: "builtin", a name or a path
	Identity string // the SHA-256 of the plugin, or "builtin:NAME@REVISION"
}

// A Dataset describes a data set.
type Dataset struct {
	Name    string // as trials name it
	Digest  string // SHA-256 of the content, hex
	Target  string // the column to predict
	Kind    string // regression or classification
	Classes int    // 0 for regression
	// Rows and Features count the examples and the numbers in each. Further files for validation and test
	// are not counted.
	Rows, Features int
	// Columns count those of a table that has to be encoded; Features are then the most inputs that they become. Else 0.
	Columns int
	// Bytes is the memory that the data takes.
	Bytes int
	// Layout tells how many examples each part of a split has.
	data.Layout
	// Sparse is set when most of the numbers are 0 and only the others are kept.
	Sparse bool
	// ValidationDigest and TestDigest are the digests of the files for validation and test.
	ValidationDigest, TestDigest string
	// Revision and ScaledRevision are the revisions of the rules by which the content is understood, as it is and when
	// it is standardized; 0 where they give the numbers that they always gave.
	Revision, ScaledRevision int
	// Warnings say what is odd about it. A model can be trained all the same.
	Warnings []string
}
