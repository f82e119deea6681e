package export

import (
	"io/fs"
	"math"
	"path/filepath"
	"strings"
	"testing"
)

// The reader that TensorBoard itself has finds every value, in single precision, under its run's name.
func TestTensorBoardReadsEveryValue(t *testing.T) {
	db, sweep, want := sample(t)
	dir := t.TempDir()
	if err := source(t, db, sweep).TensorBoard(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	out := python(t, "tensorboard.backend.event_processing.event_accumulator", emit+`
import os
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
for folder, _, files in sorted(os.walk(sys.argv[1])):
    for name in files:
        run = folder.rsplit("-", 1)[1]
        wall = 0
        for event in EventFileLoader(os.path.join(folder, name)).Load():
            assert event.wall_time >= wall or event.summary.value and event.summary.value[0].tag.startswith("_hparams_"), (event, wall)
            wall = event.wall_time
        a = EventAccumulator(folder, size_guidance={"scalars": 0})
        a.Reload()
        for tag in a.Tags()["scalars"]:
            for s in a.Scalars(tag): emit(run, tag, s.step, s.value)
`, dir)
	single := func(a, b float64) bool { return sameBits(a, float64(float32(b))) }
	compare(t, readBack(t, out), want, single)
}

func TestTensorBoardShowsHyperparameters(t *testing.T) {
	db, sweep, _ := sample(t)
	dir := t.TempDir()
	if err := source(t, db, sweep).TensorBoard(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	out := python(t, "tensorboard.plugins.hparams.backend_context, tensorboard.backend.event_processing.data_provider", `
import sys
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.plugins.hparams import api_pb2, backend_context, list_session_groups
from tensorboard.plugins import base_plugin
from tensorboard import context
m = plugin_event_multiplexer.EventMultiplexer()
m.AddRunsFromDirectory(sys.argv[1])
m.Reload()
p = data_provider.MultiplexerDataProvider(m, sys.argv[1])
b = backend_context.Context(base_plugin.TBContext(data_provider=p))
ctx = context.RequestContext()
meta = b.hparams_metadata(ctx, "")
e = b.experiment_from_metadata(ctx, "", True, meta, [])
print(sorted(h.name for h in e.hparam_infos))
request = api_pb2.ListSessionGroupsRequest(slice_size=100, allowed_statuses=[api_pb2.STATUS_UNKNOWN, api_pb2.STATUS_SUCCESS, api_pb2.STATUS_FAILURE, api_pb2.STATUS_RUNNING])
groups = list_session_groups.Handler(ctx, b, "", request).run().session_groups
print(len(groups), sorted(g.hparams["seed"].number_value for g in groups), {g.hparams["optimizer"].string_value for g in groups}, {g.sessions[0].status for g in groups})
`, dir)
	// What is the same for all is left out by the tab itself.
	if want := "8 [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0] {'adam'}"; !strings.Contains(out, want) || !strings.Contains(out, "'regularizer'") || !strings.Contains(out, "'optimizer.steps'") {
		t.Errorf("the tab has\n%s, want %s", out, want)
	}
}

// Whatever a sweep and its components are called, the files stay below the folder, and no two runs share one.
func TestTensorBoardFoldersAreNamedForPeople(t *testing.T) {
	db, sweep, _ := sample(t)
	dir := t.TempDir()
	if err := source(t, db, sweep).TensorBoard(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	files := 0
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() {
			files++
			below, _ := filepath.Rel(dir, path)
			if n := len(strings.Split(filepath.ToSlash(below), "/")); n != 3 || !strings.Contains(entry.Name(), "tfevents") {
				t.Errorf("there is %s", below)
			}
		}
		return err
	})
	if err != nil || files != 8 {
		t.Errorf("%d files, %v; want 8", files, err)
	}
	s := source(t, db, sweep)
	paths, err := s.TensorBoardPaths(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got, want := filepath.Base(filepath.Dir(paths[1])), "adam_lr1e-3_amsgradfalse_steps1_batch8_seed1-2"; got != want {
		t.Errorf("a run is called %s, want %s", got, want)
	}
	for text, want := range map[string]string{"": "_", "..": "_", ".git": "_git", "a/b\\c:d": "a_b_c_d", "-rf": "_rf", "λ=1": "λ=1", "a. .": "a._", "\xff": "_"} {
		if got := fileName(text, 80); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
	for x, want := range map[float64]string{0.001: "1e-3", 0.1: "0.1", 250: "250", 0.0146779: "0.01468", 3.1623e-5: "3.162e-5", 0: "0", 1e7: "1e7", math.Inf(1): "+Inf"} {
		if got := short(x); got != want {
			t.Errorf("%v becomes %q, want %q", x, got, want)
		}
	}
}
