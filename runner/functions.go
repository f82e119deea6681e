package runner

import "github.com/xrun-dev/xrun/runner/models"

// Functions names the test functions that a task can have as its model.
func Functions() []string {
	var names []string
	for _, f := range models.Functions {
		names = append(names, f.Name)
	}
	return names
}

// Function describes the test function that is a task's model; ok is false for a model of data.
func Function(model string) (f models.Function, ok bool) { return models.FunctionNamed(model) }
