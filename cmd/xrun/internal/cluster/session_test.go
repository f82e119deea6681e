package cluster

import (
	"strings"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps"
)

// A program that cannot save its state is told of where jobs have an end.
func TestProgramsWithoutAFolderAreToldOf(t *testing.T) {
	spec := func(args ...string) *sweeps.Spec {
		return &sweeps.Spec{Task: runner.Task{Command: &runner.Command{Name: "train.py", Args: args}}}
	}
	for name, c := range map[string]struct {
		spec *sweeps.Spec
		time time.Duration
		told bool
	}{
		"no folder":  {spec("python3", "train.py"), time.Hour, true},
		"a folder":   {spec("python3", "train.py", "{dir}"), time.Hour, false},
		"no end":     {spec("python3", "train.py"), 0, false},
		"no program": {&sweeps.Spec{}, time.Hour, false},
	} {
		texts := strings.Join(doubts(c.spec, sweeps.Cluster{Time: c.time}), "\n")
		if told := strings.Contains(texts, "begins again"); told != c.told {
			t.Errorf("%s: it says %q", name, texts)
		}
	}
}
