package imports

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/tests"
	"github.com/xrun-dev/xrun/store"
)

func TestMain(m *testing.M) { e2e.Main(m, nil) }

// trackersPython is the interpreter that has the trackers of .ci/trackers.txt.
const trackersPython = "xrun-trackers-python"

// interpreter is a Python that has some modules. The test is skipped without it.
func interpreter(t *testing.T, name, modules string) string {
	t.Helper()
	tests.NeedExamples(t, "the real tracker writes what is imported")
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("%s is not on PATH: it is the Python with the packages of .ci/trackers.txt", name)
	}
	if text, err := exec.CommandContext(t.Context(), path, "-c", "import "+modules).CombinedOutput(); err != nil {
		t.Skipf("%s cannot import %s: %v\n%s", name, modules, err, text)
	}
	return path
}

// pythonTools are what every script of these tests may use: told describes a run as its tracker's own reader tells it, and say prints all.
const pythonTools = `
import json, math, sys

def typed(v):
    if isinstance(v, bool):
        return "flag " + str(v).lower()
    if isinstance(v, int):
        return "integer %d" % v
    if isinstance(v, float):
        return "real " + v.hex()
    return "text " + str(v)

def told(id, status, settings, curves, name="", started=None, wall=None):
    return dict(id=str(id), name=name, status=status, settings={k: typed(v) for k, v in settings.items()},
                curves={k: [[int(s), float(x).hex()] for s, x in c] for k, c in curves.items()},
                started=None if started is None else float(started), wall=None if wall is None else float(wall))

def say(runs):
    json.dump(runs, sys.stdout)
    print(flush=True)
`

// A told is a run as its tracker's own reader tells it.
type told struct {
	ID, Name string
	Status   runner.Status
	Settings map[string]string   // as typed writes them
	Curves   map[string][][2]any // step and hexadecimal value
	Started  *float64            // in seconds since 1970
	Wall     *float64            // in seconds
}

// python runs a script, with pythonTools before it, and returns what it prints.
func python(t *testing.T, interpreter, dir, script string, args ...string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "script.py")
	e2e.Write(t, path, pythonTools+script)
	cmd := exec.CommandContext(t.Context(), interpreter, append([]string{path}, args...)...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), "TF_CPP_MIN_LOG_LEVEL=3", "PYTHONWARNINGS=ignore")
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the script ended: %v\n%s%s", err, out, errs.String())
	}
	return string(out)
}

// toldBy runs a script that ends with say.
func toldBy(t *testing.T, interpreter, dir, script string, args ...string) (runs []told) {
	t.Helper()
	out := strings.TrimSpace(python(t, interpreter, dir, script, args...))
	if err := json.Unmarshal([]byte(out[strings.LastIndex(out, "\n")+1:]), &runs); err != nil {
		t.Fatalf("%v in what the script printed:\n%s", err, out)
	}
	return runs
}

// importing runs `xrun import` in a folder.
func importing(t *testing.T, dir string, args ...string) (stdout, stderr string) {
	t.Helper()
	return e2e.Run(t, 0, e2e.Xrun(t, dir, append([]string{"import"}, args...)...))
}

// measured runs `xrun import`, and prints the time and the memory that it takes. Memory has a limit, in MB.
func measured(t *testing.T, limit int64, dir string, args ...string) (stdout, stderr string) {
	t.Helper()
	cmd := e2e.Xrun(t, dir, append([]string{"import"}, args...)...)
	began := time.Now()
	stdout, stderr = e2e.Run(t, 0, cmd)
	peak := peakMB(cmd.ProcessState)
	t.Logf("xrun import %s: %.1f s, %.1f s of a processor, at most %d MB", args[0], time.Since(began).Seconds(), (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), peak)
	if peak > limit {
		t.Errorf("it took %d MB, more than %d", peak, limit)
	}
	return stdout, stderr
}

// A kept is a run as the database has it.
type kept struct {
	store.Run
	what   string // in the tracker: the message of its event
	events []store.Event
}

// imported are the runs of a sweep, by what they were in the tracker.
func imported(t *testing.T, dir, sweep string) map[string]kept {
	t.Helper()
	db := e2e.OpenStore(t, filepath.Join(dir, "xrun.db"))
	info, err := db.FindSweep(t.Context(), sweep)
	if err != nil {
		t.Fatal(err)
	}
	runs, err := db.Runs(t.Context(), store.RunQuery{Sweep: info.ID})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]kept{}
	for _, r := range runs {
		events, err := db.Events(t.Context(), r.ID)
		if err != nil {
			t.Fatal(err)
		}
		k := kept{Run: r, events: events}
		for _, e := range events {
			if e.Kind == "imported" {
				k.what, _, _ = strings.Cut(e.Message, " of "+info.Name+" in ")
			}
		}
		if _, twice := all[k.what]; twice || k.what == "" {
			t.Errorf("run %d is %q, as another is or none", r.ID, k.what)
		}
		all[k.what] = k
	}
	return all
}

// what is the message of the event of a run.
func (r told) what() string {
	if r.Name == "" || r.Name == r.ID {
		return "it is run " + r.ID
	}
	return fmt.Sprintf("it is %s (%s)", r.Name, r.ID)
}

// same compares the runs of a sweep with what the tracker's own reader says: each run, setting, value, status and time. Settings that xrun
// calls otherwise are named by their meaning there: lr, lambda, optimizer, seed.
func same(t *testing.T, dir, sweep string, want []told) {
	t.Helper()
	got := imported(t, dir, sweep)
	first := 0.0
	if info, err := e2e.OpenStore(t, filepath.Join(dir, "xrun.db")).FindSweep(t.Context(), sweep); err != nil {
		t.Fatal(err)
	} else if strings.Contains(info.Notes, "steps from 0 there are epochs from 1 here") {
		first = 1
	}
	if len(got) != len(want) {
		t.Errorf("there are %d runs, want %d: %q", len(got), len(want), slices.Sorted(maps.Keys(got)))
	}
	db := e2e.OpenStore(t, filepath.Join(dir, "xrun.db"))
	reader, err := db.Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range want {
		run, ok := got[w.what()]
		if !ok {
			t.Errorf("%q is missing", w.what())
			continue
		}
		if run.Status != w.Status {
			t.Errorf("%s is %s, want %s", w.what(), run.Status, w.Status)
		}
		settings, err := db.TrialSettings(t.Context(), run.Trial)
		if err != nil {
			t.Fatal(err)
		}
		has := map[string]string{}
		for _, s := range settings {
			has[s.Path] = typed(s.Value)
		}
		if run.Optimizer != sweep {
			has["optimizer"] = "text " + run.Optimizer
		}
		has["seed"] = fmt.Sprintf("integer %d", run.Seed)
		for name, value := range w.Settings {
			number, isInteger := strings.CutPrefix(value, "integer ")
			if n, err := strconv.ParseFloat(number, 64); isInteger && err == nil && name == "lr" {
				value = typed(plugins.Real(n)) // it always is a real number
			}
			if normal(has[name]) != normal(value) {
				t.Errorf("%s has %s = %q, want %q", w.what(), name, has[name], value)
			}
		}
		curves := map[string][][2]any{}
		if _, err := reader.Points(t.Context(), run.ID, func(step int, metrics []string, values []float64) error {
			for i, metric := range metrics {
				curves[metric] = append(curves[metric], [2]any{float64(step), values[i]})
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if g, w := slices.Sorted(maps.Keys(curves)), slices.Sorted(maps.Keys(w.Curves)); !slices.Equal(g, w) {
			t.Errorf("run %d has values of %q, want %q", run.ID, g, w)
		}
		for metric, points := range w.Curves {
			if len(points) != len(curves[metric]) {
				t.Errorf("%s has %d values of %s, want %d", w.what(), len(curves[metric]), metric, len(points))
				continue
			}
			for i, p := range points {
				x, err := strconv.ParseFloat(p[1].(string), 64)
				if err != nil {
					t.Fatal(err)
				}
				if got := curves[metric][i]; got[0] != p[0].(float64)+first || !equal(got[1].(float64), x) {
					t.Errorf("%s has %s = %v, want %v at step %v", w.what(), metric, got, x, p[0])
				}
			}
		}
		if w.Started != nil && math.Abs(float64(run.StartedAt.UnixMicro())-*w.Started*1e6) > 1.5 {
			t.Errorf("%s began at %v, want %.6f", w.what(), run.StartedAt, *w.Started)
		}
		if w.Wall != nil && math.Abs(run.Cost.Wall.Seconds()-*w.Wall) > 2e-6 {
			t.Errorf("%s took %v, want %v s", w.what(), run.Cost.Wall, *w.Wall)
		}
	}
}

// equal compares to the bit. All NaN are one.
func equal(a, b float64) bool {
	return math.Float64bits(a) == math.Float64bits(b) || math.IsNaN(a) && math.IsNaN(b)
}

// typed is a setting as pythonTools write it.
func typed(v plugins.Value) string {
	switch v.Type {
	case plugins.TypeReal:
		return fmt.Sprintf("real %x", v.Real)
	case plugins.TypeInteger:
		return fmt.Sprintf("integer %d", v.Integer)
	case plugins.TypeFlag:
		return fmt.Sprintf("flag %t", v.Flag)
	}
	return "text " + v.Text
}

// normal writes hexadecimal numbers as Go does.
func normal(text string) string {
	if digits, ok := strings.CutPrefix(text, "real "); ok {
		if x, err := strconv.ParseFloat(digits, 64); err == nil {
			return typed(plugins.Real(x))
		}
	}
	return text
}

// said fails the test unless a text has all parts.
func said(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("it does not say %q:\n%s", part, text)
		}
	}
}

// judged fails the test unless the sweep gets a verdict and the database is whole.
func judged(t *testing.T, dir, sweep string, parts ...string) {
	t.Helper()
	out, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "compare", sweep))
	said(t, out, parts...)
	e2e.Run(t, 0, e2e.Xrun(t, dir, "db", "check"))
}

// content is what lies at a path: files by their names, with their digests and times.
func content(t *testing.T, path string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			all[path] = e2e.Digest(t, path) + " " + info.ModTime().Format(time.RFC3339Nano)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// untouched fails the test if something has changed at a path since content was called.
func untouched(t *testing.T, path string, before map[string]string) {
	t.Helper()
	if after := content(t, path); !maps.Equal(before, after) {
		t.Errorf("the source has changed: it was\n%v\nand is\n%v", before, after)
	}
}
