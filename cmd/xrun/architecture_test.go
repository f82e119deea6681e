package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/xrun-dev/xrun/"

// imports is the architecture: what each package may import of ours, and of others beyond the
// standard library. A package that is not listed here does not belong. Do not widen a line to
// make a build pass.
var imports = map[string]string{
	"migrations": "",

	"plugins":                   "",
	"plugins/slots":             "plugins",
	"plugins/builtin":           "plugins",
	"plugins/protocol":          "plugins plugins/protocol/pluginv1 | github.com/hashicorp/go-plugin google.golang.org/grpc",
	"plugins/protocol/pluginv1": "| google.golang.org/grpc google.golang.org/protobuf",
	"plugins/sdk":               "plugins plugins/protocol plugins/protocol/pluginv1 plugins/slots | github.com/hashicorp/go-hclog github.com/hashicorp/go-plugin golang.org/x/sys google.golang.org/grpc",
	"plugins/plugintest":        "plugins plugins/host runner runner/data runner/models",
	"plugins/sandbox":           "plugins/python | github.com/landlock-lsm/go-landlock golang.org/x/sys",
	"plugins/lock":              "| github.com/pelletier/go-toml/v2",
	"plugins/python":            "",
	"plugins/shim":              "plugins/protocol plugins/protocol/pluginv1 plugins/python plugins/sdk | google.golang.org/grpc google.golang.org/protobuf",
	"plugins/process":           "plugins/protocol plugins/python runner | golang.org/x/sys",
	"plugins/host":              "plugins plugins/process plugins/protocol plugins/protocol/pluginv1 plugins/python plugins/slots runner | github.com/hashicorp/go-hclog github.com/hashicorp/go-plugin golang.org/x/sys google.golang.org/grpc",

	"runner":           "plugins runner/blas runner/data runner/models runner/prune runner/reference runner/schedule runner/stop runner/streams",
	"runner/blas":      "plugins | github.com/ebitengine/purego gonum.org/v1/gonum",
	"runner/data":      "plugins",
	"runner/models":    "plugins runner/blas runner/data",
	"runner/prune":     "runner/stop",
	"runner/reference": "plugins runner/data",
	"runner/schedule":  "",
	"runner/stop":      "",
	"runner/streams":   "",
	"runner/tests":     "",
	"runner/trained":   "",

	"sweeps":                     "plugins runner runner/prune runner/schedule runner/stop sweeps/document sweeps/where",
	"sweeps/compare":             "plugins runner runner/stop sweeps/stats",
	"sweeps/compare/comparetest": "runner",
	"sweeps/document":            "| github.com/pelletier/go-toml/v2",
	"sweeps/next":                "plugins runner runner/stop sweeps sweeps/compare sweeps/document sweeps/stats",
	"sweeps/stats":               "| gonum.org/v1/gonum",
	"sweeps/where":               "plugins",

	"store":          "migrations plugins runner runner/stop | github.com/pressly/goose/v3 golang.org/x/sys modernc.org/sqlite",
	"store/export":   "plugins runner store | github.com/parquet-go/parquet-go google.golang.org/protobuf",
	"store/imported": "plugins runner store/export",

	"cmd/xrun/internal/explain": "cmd/xrun/internal/help cmd/xrun/internal/report sweeps/stats plugins runner runner/models runner/prune runner/schedule runner/stop sweeps",
	"cmd/xrun/internal/help":    "",

	"cmd/xrun": "cmd/xrun/internal/explain cmd/xrun/internal/help cmd/xrun/internal/advice cmd/xrun/internal/authoring cmd/xrun/internal/exporting cmd/xrun/internal/figure cmd/xrun/internal/importing cmd/xrun/internal/live cmd/xrun/internal/page cmd/xrun/internal/question cmd/xrun/internal/report cmd/xrun/internal/scoring cmd/xrun/internal/starter cmd/xrun/internal/training cmd/xrun/internal/watching" +
		" plugins plugins/builtin plugins/host plugins/lock plugins/plugintest plugins/process plugins/sandbox plugins/sdk plugins/shim" +
		" runner runner/blas runner/stop runner/trained store store/export store/imported sweeps sweeps/compare sweeps/document sweeps/next sweeps/stats | github.com/urfave/cli/v2 golang.org/x/term",
	"cmd/xrun/internal/advice":    "",
	"cmd/xrun/internal/figure":    "cmd/xrun/internal/report runner/stop sweeps/compare sweeps/stats | codeberg.org/go-fonts/liberation codeberg.org/go-pdf/fpdf golang.org/x/image gonum.org/v1/plot",
	"cmd/xrun/internal/live":      "runner runner/stop sweeps/compare sweeps/stats",
	"cmd/xrun/internal/page":      "cmd/xrun/internal/figure cmd/xrun/internal/report sweeps/compare",
	"cmd/xrun/internal/question":  "cmd/xrun/internal/advice plugins runner runner/stop store sweeps sweeps/compare sweeps/document sweeps/stats sweeps/where",
	"cmd/xrun/internal/training":  "cmd/xrun/internal/advice cmd/xrun/internal/question plugins plugins/builtin plugins/host plugins/lock plugins/process plugins/protocol runner runner/blas runner/data store sweeps sweeps/stats",
	"cmd/xrun/internal/report":    "cmd/xrun/internal/advice runner runner/stop sweeps/compare sweeps/stats | github.com/jedib0t/go-pretty/v6",
	"cmd/xrun/internal/authoring": "cmd/xrun/internal/advice cmd/xrun/internal/report cmd/xrun/internal/training plugins plugins/builtin plugins/host plugins/lock plugins/plugintest sweeps/stats",
	"cmd/xrun/internal/importing": "cmd/xrun/internal/advice cmd/xrun/internal/question runner runner/stop store store/imported sweeps/stats",
	"cmd/xrun/internal/scoring":   "cmd/xrun/internal/advice runner/trained sweeps/stats",
	"cmd/xrun/internal/starter":   "runner/data",
	"cmd/xrun/internal/watching":  "cmd/xrun/internal/live runner store",
	"cmd/xrun/e2e":                "runner runner/tests store | github.com/rogpeppe/go-internal/testscript",
	"cmd/xrun/internal/exporting": "cmd/xrun/internal/advice cmd/xrun/internal/question store store/export sweeps/stats",
}

// forbidden says which packages of the standard library are for a few of ours only.
var forbidden = map[string][]string{
	"database/sql": {"store"},
	"os/exec":      {"plugins/host", "plugins/process", "plugins/sandbox", "plugins/shim", "plugins/plugintest", "cmd/xrun", "cmd/xrun/e2e", "cmd/xrun/internal/training"},
	"net/http":     {"store/export"},
}

type listed struct {
	ImportPath string
	Doc        string
	GoFiles    []string
	Imports    []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the go command is not on PATH")
	}
	out, err := exec.Command("go", "list", "-json=ImportPath,Doc,GoFiles,Imports", module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	var all []listed
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles) > 0 { // others are tests only
			all = append(all, p)
		}
	}
}

func TestImportsFollowTheArchitecture(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		seen[name] = true
		line, ok := imports[name]
		if !ok {
			t.Errorf("package %s is not in the table", name)
			continue
		}
		ours, others, _ := strings.Cut(line, "|")
		allowed, libraries := strings.Fields(ours), strings.Fields(others)
		for _, path := range p.Imports {
			if users, ok := forbidden[path]; ok && !slices.Contains(users, name) {
				t.Errorf("%s imports %s, which is for %v", name, path, users)
			}
			own, isOurs := strings.CutPrefix(path, module)
			switch {
			case isOurs && !slices.Contains(allowed, own):
				t.Errorf("%s imports %s", name, own)
			case !isOurs && strings.Contains(strings.Split(path, "/")[0], "."):
				if !slices.ContainsFunc(libraries, func(l string) bool { return path == l || strings.HasPrefix(path, l+"/") }) {
					t.Errorf("%s imports %s", name, path)
				}
			}
		}
	}
	for name := range imports {
		if !seen[name] {
			t.Errorf("the table names %s, which does not exist", name)
		}
	}
}

func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	for _, p := range packages(t) {
		if p.Doc == "" && !strings.HasSuffix(p.ImportPath, "/pluginv1") { // generated
			t.Errorf("%s has no doc comment", p.ImportPath)
		}
	}
}
