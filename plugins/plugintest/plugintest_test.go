package plugintest

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/builtin"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/plugins/sdk"
	"github.com/xrun-dev/xrun/runner/tests"
)

const serveBuiltin = "serve-builtin"

// TestMain lets the test binary be the plugins that are checked: the built-in components, and by the
// name it is started under one of those that break the contract.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == serveBuiltin {
		sdk.Serve(builtin.Manifest("test"))
		return
	}
	if name, ok := strings.CutPrefix(filepath.Base(os.Args[0]), host.Prefix); ok {
		serveBroken(name)
		return
	}
	os.Exit(m.Run())
}

func self(t testing.TB) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// builtins are served by the test binary.
func builtins(t testing.TB) host.Options {
	t.Helper()
	return host.Options{Builtin: []string{self(t), serveBuiltin}}
}

func TestBuiltinsPass(t *testing.T) {
	groups := make([][]string, 2) // as many as there are likely to be cores
	for i, c := range builtin.Manifest("test").Components {
		if i%3 > 0 && !tests.Long() { // the equalities have all of them
			continue
		}
		groups[i/3%len(groups)] = append(groups[i/3%len(groups)], c.Name)
	}
	for _, group := range groups {
		t.Run(group[0]+" and others", func(t *testing.T) {
			t.Parallel()
			r, err := Check(t.Context(), host.BuiltinRef, Options{Components: group, Short: !tests.Long(), Host: builtins(t)})
			if err != nil {
				t.Fatal(err)
			}
			if len(r.Components) != len(group) {
				t.Fatalf("%d components, want %d", len(r.Components), len(group))
			}
			for _, c := range r.Checks {
				judge(t, c)
			}
			for _, comp := range r.Components {
				for _, c := range comp.Checks {
					if c.Verdict == Failed {
						t.Errorf("%s: %s: %s", comp.Name, c.ID, c.Message)
					} else if c.Message != "" {
						t.Logf("%s: %s %s: %s", comp.Name, c.ID, c.Verdict, c.Message)
					}
				}
			}
		})
	}
}

func TestExamplesPass(t *testing.T) {
	for _, name := range tests.Either([]string{"poisson"}, []string{"ngd", "poisson"}) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join("..", "examples", name)
			if _, err := os.ReadDir(dir); err != nil { // so that go test runs this again when the example has changed
				t.Fatal(err)
			}
			Test(t, Build(t, dir))
		})
	}
}

func TestUnknownComponentsAreNamed(t *testing.T) {
	_, err := Check(t.Context(), host.BuiltinRef, Options{Components: []string{"nope"}, Host: builtins(t)})
	if err == nil || !strings.Contains(err.Error(), `no component "nope"; it supplies sgd, adam`) {
		t.Errorf("error %v, want one that names the component and those there are", err)
	}
}

func TestACheckEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := Check(ctx, host.BuiltinRef, Options{Host: builtins(t)}); err == nil {
		t.Errorf("a check under a context that has ended gives %v", r)
	}
}

func TestAReportWithoutChecksHasNotPassed(t *testing.T) {
	if (&Report{}).Passed() {
		t.Error("nothing was checked, and it passed")
	}
	advice := &Report{Checks: []Result{{ID: "handshake", Required: true, Verdict: OK}, {ID: "describe/documented", Verdict: Failed}}}
	if !advice.Passed() || advice.Count(Failed) != 1 {
		t.Errorf("advice that is not taken: passed %v, %d failed", advice.Passed(), advice.Count(Failed))
	}
	advice.Components = []Component{{Kind: plugins.KindOptimizer, Checks: []Result{{Required: true, Verdict: Failed}}}}
	if advice.Passed() {
		t.Error("a component failed, and the plugin passed")
	}
}
