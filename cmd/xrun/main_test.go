package main

import (
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/xrun-dev/xrun/plugins/builtin"
	"github.com/xrun-dev/xrun/plugins/sdk"
)

var components = builtin.Manifest("test").Components

// TestMain lets the test binary be xrun: in scripts by its name, for the host as the plugin of
// the built-in components.
func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == serveBuiltin {
		sdk.Serve(builtin.Manifest("test"))
		return
	}
	testscript.Main(m, map[string]func(){"xrun": main})
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", UpdateScripts: os.Getenv("UPDATE") != ""})
}
