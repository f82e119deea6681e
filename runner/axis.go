package runner

import (
	"fmt"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/runner/data"
)

// The paths of axes that code names. An axis is named by the full path of its setting; [AxisNames] makes it
// short for people.
const (
	AxisLR          = "lr"
	AxisLambda      = "lambda"
	AxisSeed        = "seed"
	AxisOptimizer   = "optimizer"
	AxisRegularizer = "regularizer"
	AxisDataset     = "task.dataset"
	AxisTarget      = "task.target"
	AxisKind        = "task.kind"
	AxisEpochs      = "task.epochs"
	AxisFolds       = "task.folds"
	AxisCommand     = "task.command"
)

// CommonAxes are the axes that every sweep has, besides the seed.
var CommonAxes = []string{AxisLR, AxisLambda, AxisOptimizer, AxisRegularizer}

// AxisPath is the full path of a setting of an optimizer or a regularizer.
func AxisPath(kind, setting string) string { return kind + "." + setting }

const pathClassWeight = "task.class_weight"

// DefaultOmitted reports whether a setting is left out where it has its default, so that a trial without it has a value all
// the same. Trials without a setting of a model or a plugin have none.
func DefaultOmitted(path string) bool {
	name, ok := strings.CutPrefix(path, "task.")
	return ok && slices.Contains(data.SchemaSettings, name) || path == pathClassWeight
}

// axisPrefixes begin the paths of settings whose last part says enough. The longer one comes first.
var axisPrefixes = []string{"task.objective.", "task.", AxisOptimizer + ".", AxisRegularizer + "."}

// shortAxis is the part of a path that sweep files write.
func shortAxis(path string) string {
	for _, prefix := range axisPrefixes {
		if name, ok := strings.CutPrefix(path, prefix); ok {
			return name
		}
	}
	return path
}

// AxisNames are the names of axes that are shown together: short where that is unique, else the full path.
type AxisNames struct {
	paths []string
	names map[string]string // by path
}

// NewAxisNames names axes by their paths.
func NewAxisNames(paths []string) AxisNames {
	n := AxisNames{names: map[string]string{}}
	uses := map[string]int{}
	for _, path := range CommonAxes {
		uses[path]++
	}
	for _, path := range paths {
		if !slices.Contains(n.paths, path) {
			n.paths = append(n.paths, path)
			uses[shortAxis(path)]++
		}
	}
	for _, path := range n.paths {
		n.names[path] = path
		if short := shortAxis(path); uses[short] == 1 {
			n.names[path] = short
		}
	}
	return n
}

// Of is the name of an axis. A path that is not among those that are shown stands for itself.
func (n AxisNames) Of(path string) string {
	if name, ok := n.names[path]; ok {
		return name
	}
	return path
}

// Path is the path of an axis that is shown by a name. A name that is not shown stands for itself.
func (n AxisNames) Path(name string) string {
	for _, path := range n.paths {
		if n.names[path] == name {
			return path
		}
	}
	return name
}

// Resolve is the path that a user means by a word: a path, the name that is shown, or the end of one path. λ is
// lambda.
func (n AxisNames) Resolve(word string) (string, error) {
	if word == "λ" {
		word = AxisLambda
	}
	known := slices.Clone(CommonAxes)
	for _, path := range n.paths {
		if !slices.Contains(known, path) {
			known = append(known, path)
		}
	}
	if path := n.Path(word); slices.Contains(known, path) {
		return path, nil
	}
	var meant, names []string
	for _, path := range known {
		if strings.HasSuffix(path, "."+word) {
			meant = append(meant, path)
		}
		names = append(names, n.Of(path))
	}
	if len(meant) == 1 {
		return meant[0], nil
	}
	return "", &AxisError{Name: word, Candidates: meant, Known: names}
}

// ShowAxes puts names in the place of the paths of the axes of points.
func ShowAxes(axes map[Key][]Setting) (map[Key][]Setting, AxisNames) {
	var paths []string
	for _, of := range axes {
		for _, axis := range of {
			if !slices.Contains(paths, axis.Path) {
				paths = append(paths, axis.Path)
			}
		}
	}
	slices.Sort(paths) // not in the order of the map
	names := NewAxisNames(paths)
	shown := make(map[Key][]Setting, len(axes))
	for point, of := range axes {
		for _, axis := range of {
			shown[point] = append(shown[point], Setting{names.Of(axis.Path), axis.Value})
		}
	}
	return shown, names
}

// An AxisError is a word that names no axis, or several.
type AxisError struct {
	Name       string
	Candidates []string // the paths that it may mean
	Known      []string // the names of all axes
}

func (e *AxisError) Error() string {
	if len(e.Candidates) > 1 {
		return fmt.Sprintf("%q is the name of several axes", e.Name)
	}
	return fmt.Sprintf("there is no axis %q", e.Name)
}

// Hint lists the axes that may be meant.
func (e *AxisError) Hint() string {
	if len(e.Candidates) > 1 {
		return "write " + strings.Join(e.Candidates, " or ")
	}
	return "the axes are " + strings.Join(e.Known, ", ")
}
