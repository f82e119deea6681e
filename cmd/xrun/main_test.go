package main

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/xrun-dev/xrun/plugins/builtin"
	"github.com/xrun-dev/xrun/runner/tests"
)

var components = builtin.Manifest("test").Components

// TestMain lets the test binary be xrun: in scripts by its name, for the host as the plugin of
// the built-in components and as what else xrun starts itself as.
func TestMain(m *testing.M) {
	if serve(os.Args[1:], "test") {
		return
	}
	testscript.Main(m, map[string]func(){"xrun": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: tests.Update(),
		Setup: func(env *testscript.Env) error {
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// exits is the script command "exits CODE PROGRAM ARG...": the program has to end with that code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code program [arg...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	err = ts.Exec(args[1], args[2:]...)
	got := 0
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		got = ended.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
