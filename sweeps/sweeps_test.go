package sweeps

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/builtin"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/tests"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// shelf is a Catalog of the built-in components, a plugin with two components, and data sets that
// are their descriptions only.
type shelf struct{}

// hinted is an error with a hint.
type hinted struct{ message, hint string }

func (e hinted) Error() string { return e.message }
func (e hinted) Hint() string  { return e.hint }

var pair = []plugins.Spec{
	{Kind: plugins.KindOptimizer, Name: "left", Settings: []plugins.Setting{
		{Name: "rho", Type: plugins.TypeReal, Doc: "how far", Required: true, High: 1, Low: 0}}},
	{Kind: plugins.KindOptimizer, Name: "right"},
}

func (shelf) Try(_ context.Context, kind plugins.Kind, choice runner.Choice, task runner.Task) error {
	local := host.Local{Components: builtin.Manifest("test").Components}
	if !strings.HasPrefix(choice.Identity, "builtin:") {
		return nil
	}
	slot := runner.PluginSlot{Optimizer: choice, LR: 1}
	if kind == plugins.KindRegularizer {
		slot = runner.PluginSlot{Optimizer: runner.Choice{Component: "sgd"}, Regularizer: &choice, LR: 1, Lambda: 1}
	}
	_, err := local.Open(context.Background(), runner.TrialSpec(task, slot))
	var refused *runner.SlotError
	if errors.As(err, &refused) {
		return refused.Err
	}
	return err
}

func (shelf) Component(ctx context.Context, kind plugins.Kind, plugin, component string) (Found, error) {
	if err := ctx.Err(); err != nil {
		return Found{}, err
	}
	if plugin == "pair" || filepath.ToSlash(plugin) == "testdata/valid/plugins/pair" {
		for _, spec := range pair {
			if spec.Name == component {
				return Found{Spec: spec, Plugin: plugin, Identity: "sha256 of pair"}, nil
			}
		}
		return Found{}, hinted{"plugin pair supplies 2 optimizers: say which with component = \"…\"", "it supplies left, right"}
	}
	for _, c := range builtin.Manifest("test").Components {
		if c.Kind == kind && c.Name == plugin && (component == "" || component == c.Name) {
			return Found{Spec: c.Spec, Plugin: "builtin", Identity: fmt.Sprintf("builtin:%s@%d", c.Name, c.Revision)}, nil
		}
	}
	return Found{}, hinted{fmt.Sprintf("%s %s is neither built in nor found", kind, filepath.ToSlash(plugin)), "a path works too"}
}

// wrong is an error about a key of [task].
type wrong struct{ about, message, hint string }

func (e wrong) Error() string { return e.message }
func (e wrong) About() string { return e.about }
func (e wrong) Hint() string  { return e.hint }

// Text reads files with extra points.
func (shelf) Text(_ context.Context, path string) ([]byte, error) {
	text, err := os.ReadFile(filepath.Join("testdata/invalid", path))
	if err != nil {
		text, err = os.ReadFile(filepath.FromSlash(path))
	}
	if err != nil {
		return nil, hinted{filepath.ToSlash(path) + ": cannot be opened: no such file or directory", "paths are relative to the sweep file"}
	}
	return text, nil
}

// Files takes what has a dot for a file, and calls none missing but missing.py.
func (shelf) ReadsConfig(string, []string) bool { return false }

func (shelf) Files(_ context.Context, _ string, arguments, files []string) (names []string, digest string, err error) {
	for _, name := range slices.Concat(files, arguments) {
		if name == "missing.py" {
			return nil, "", wrong{name, "missing.py: no such file", ""}
		}
		if strings.Contains(name, ".") || slices.Contains(files, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	names = slices.Compact(names)
	if len(names) > 0 {
		digest = "digest-of-" + strings.Join(names, "-")
	}
	return names, digest, nil
}

func (shelf) Dataset(ctx context.Context, of Source) (Dataset, error) {
	var d Dataset
	for about, path := range map[string]string{"validation": of.Validation, "test": of.Test} {
		if strings.HasSuffix(path, "missing.csv") {
			return Dataset{}, wrong{about, filepath.ToSlash(path) + ": cannot be opened: no such file or directory", ""}
		}
	}
	name, target, kind := of.Name, of.Target, of.Kind
	switch name {
	case "digits":
		d = Dataset{Target: "digit", Kind: classification, Classes: 10, Rows: 1797, Features: 64}
	case "breast_cancer":
		d = Dataset{Target: "diagnosis", Kind: classification, Classes: 2, Rows: 569, Features: 30}
	case "wine":
		d = Dataset{Target: "cultivar", Kind: classification, Classes: 3, Rows: 178, Features: 13}
	case "diabetes":
		d = Dataset{Target: "progression", Kind: regression, Rows: 442, Features: 10}
	case filepath.FromSlash("testdata/valid/data/points.csv"), filepath.FromSlash("../valid/data/points.csv"):
		if target != "y" {
			return Dataset{}, wrong{"target", fmt.Sprintf("points.csv: there is no target column %q", target), "the columns are a, b, y"}
		}
		d = Dataset{Target: target, Kind: classification, Classes: 2, Rows: 100, Features: 2}
		if kind != "" {
			d.Kind = kind
		}
	case filepath.FromSlash("testdata/valid/data/words.libsvm"), "./words.libsvm":
		d = Dataset{Target: "label", Kind: cmp.Or(kind, classification), Classes: 2, Rows: 1000, Features: 50_000, Sparse: true}
	case filepath.FromSlash("testdata/valid/train-images-idx3-ubyte"):
		d = Dataset{Target: "label", Kind: classification, Classes: 10, Rows: 60_000, Features: 784}
	default:
		return Dataset{}, hinted{fmt.Sprintf("%s: is neither a built-in data set nor a file", name), "the built-in data sets are breast_cancer, diabetes, digits, wine"}
	}
	d.Name, d.Digest = filepath.ToSlash(name), "digest-of-"+filepath.Base(name)
	if of.Validation != "" {
		d.ValidationDigest = "digest-of-" + filepath.Base(of.Validation)
	}
	if of.Test != "" {
		d.TestDigest = "digest-of-" + filepath.Base(of.Test)
	}
	d.Strata = []int{d.Rows}
	return d, nil
}

func cases(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no cases at %s: %v", pattern, err)
	}
	return files
}

func name(file string) string { return strings.TrimSuffix(filepath.Base(file), ".toml") }

func read(t testing.TB, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func load(t testing.TB, text string) *Spec {
	t.Helper()
	s, err := Load(t.Context(), "sweep.toml", []byte(text), shelf{})
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, text)
	}
	return s
}

func TestInvalidFiles(t *testing.T) {
	for _, file := range cases(t, "testdata/invalid/*.toml") {
		t.Run(name(file), func(t *testing.T) {
			_, err := Load(t.Context(), filepath.Base(file), read(t, file), shelf{})
			var problems document.Problems
			if !errors.As(err, &problems) {
				t.Fatalf("got the error %v, want Problems", err)
			}
			tests.Golden(t, strings.TrimSuffix(file, ".toml")+".err", err.Error()+"\n")
		})
	}
}

func TestValidFiles(t *testing.T) {
	for _, file := range cases(t, "testdata/valid/*.toml") {
		t.Run(name(file), func(t *testing.T) {
			s, err := Load(t.Context(), file, read(t, file), shelf{})
			if err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			fmt.Fprintf(&b, "%s\nname %q tags %q run %+v\n\n%s", s.Grid(), s.Name, s.Tags, s.Run, s.Resolved())
			for _, w := range s.Warnings {
				b.WriteString("\n" + w.Warning())
			}
			tests.Golden(t, strings.TrimSuffix(file, ".toml")+".txt", filepath.ToSlash(b.String()))
			if trials := s.Trials(); len(trials) != s.Grid().Trials {
				t.Errorf("%d trials, but the grid counts %d", len(trials), s.Grid().Trials)
			}
		})
	}
}

func TestExamples(t *testing.T) {
	want := map[string]int{"digits": 525, "diabetes": 4 * 4 * 2 * 3, "breast_cancer": 4 * 4 * 2 * 5, "mlp": 4 * 2 * 3, "optimizers": 14 * 5 * 3, "lasso": 13, "command": 3 * 2 * 2 * 2 * 3}
	for _, file := range cases(t, "examples/*.toml") {
		s, err := Load(t.Context(), file, read(t, file), shelf{})
		if err != nil {
			t.Errorf("%s:\n%v", file, err)
			continue
		}
		if got := len(s.Trials()); got != want[name(file)] {
			t.Errorf("%s has %d trials, want %d", file, got, want[name(file)])
		}
		if len(s.Warnings) > 0 {
			t.Errorf("%s: %s", file, s.Warnings[0].Warning())
		}
	}
}

func TestLoadEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cause := errors.New("enough")
	cancel(cause)
	if _, err := Load(ctx, "examples/digits.toml", read(t, "examples/digits.toml"), shelf{}); err != cause {
		t.Errorf("got %v, want the cause", err)
	}
}

func TestInputsThatAreNoSweepFiles(t *testing.T) {
	for _, c := range []struct{ what, text, want string }{
		{"too large", strings.Repeat("#", document.MaxBytes+1), "the file has 1048577 bytes, more than the 1048576 of a sweep file"},
		{"NUL", "name = \"a\"\n\x00", "the file contains a NUL byte"},
		{"not UTF-8", "name = \"a\"\nnotes = \"é\xff\"", "the file is not valid UTF-8"},
		{"deep lists", "seeds = " + strings.Repeat("[", 65) + strings.Repeat("]", 65), "tables and lists are nested more than 64 deep"},
		{"deep keys", strings.Repeat("a.", 65) + "a = 1", "tables and lists are nested more than 64 deep"},
		{"deep headers", "[" + strings.Repeat("a.", 65) + "a]", "tables and lists are nested more than 64 deep"},
		{"very deep lists", "seeds = " + strings.Repeat("[", 500_000), "nested more than the maximum of 10000 levels"},
	} {
		_, err := Load(t.Context(), "sweep.toml", []byte(c.text), shelf{})
		var problems document.Problems
		if !errors.As(err, &problems) || len(problems) != 1 || !strings.Contains(problems[0].Message, c.want) {
			t.Errorf("%s: got %.300v, want one problem %q", c.what, err, c.want)
			continue
		}
		if p := problems[0]; p.Line < 1 || p.Col < 1 {
			t.Errorf("%s: at %d:%d", c.what, p.Line, p.Col)
		}
	}
}

func TestAtMostTwentyProblemsAreShown(t *testing.T) {
	var text strings.Builder
	for i := range 30 {
		fmt.Fprintf(&text, "unknown%d = 1\n", i)
	}
	_, err := Load(t.Context(), "sweep.toml", []byte(text.String()), shelf{})
	var problems document.Problems
	if !errors.As(err, &problems) || len(problems) != 32 { // [task] and [grid] are missing as well
		t.Fatalf("got %d problems, want 32", len(problems))
	}
	shown := err.Error()
	if n := strings.Count(shown, "error: "); n != 20 || !strings.HasSuffix(shown, "\nand 12 more") {
		t.Errorf("shows %d problems and ends in %q", n, shown[len(shown)-20:])
	}
}

func TestALongLineOfProblemsIsReadInTime(t *testing.T) {
	for _, text := range []string{
		"[task]\nmodel = 'quadratic'\n[grid]\nlr = [" + strings.Repeat("0,", 100_000) + "]",
		"[task]\nmodel = 'quadratic'\n[grid]\nlr = {" + strings.Repeat("n=0,", 250_000) + "n=0}",
	} {
		_, err := Load(t.Context(), "sweep.toml", []byte(text), shelf{})
		var problems document.Problems
		if !errors.As(err, &problems) || len(problems) != document.MaxProblems || len(err.Error()) > 20*1000 {
			t.Errorf("got %d problems in %d bytes", len(problems), len(fmt.Sprint(err)))
		}
	}
}

func TestTooManyTables(t *testing.T) {
	var text strings.Builder
	text.WriteString("[task]\nmodel = 'quadratic'\n[grid]\nlr = 1\n[optimizers]\n")
	for i := range maxChoices + 1 {
		fmt.Fprintf(&text, "a%d.plugin = 'sgd'\n", i)
	}
	_, err := Load(t.Context(), "sweep.toml", []byte(text.String()), shelf{})
	if err == nil || !strings.Contains(err.Error(), "more than 1000 optimizers") {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"testdata/*/*.toml", "examples/*.toml"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			f.Add(read(f, file))
		}
	}
	f.Add([]byte("a.b.c = {x.y = [1, {z = 2}, # c ]\n[3]]}\n[[q]]\n[q.r]\n[a]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Load(t.Context(), "sweep.toml", text, shelf{})
		if err == nil {
			if _, err := Load(t.Context(), "sweep.toml", text, shelf{}); err != nil || s.Digest() == "" {
				t.Fatalf("loads once, then %v", err)
			}
			return
		}
		var problems document.Problems
		if !errors.As(err, &problems) || len(problems) == 0 {
			t.Fatalf("got the error %v, want Problems", err)
		}
		lines := strings.Count(string(text), "\n") + 1
		for _, p := range problems {
			if p.Line < 1 || p.Line > lines || p.Col < 1 || p.Message == "" {
				t.Fatalf("the problem %+v has no place", p)
			}
		}
		if !slices.IsSortedFunc(problems, func(a, b document.Problem) int { return a.Line - b.Line }) {
			t.Fatal("problems are not in the order of the file")
		}
		_ = err.Error()
	})
}
