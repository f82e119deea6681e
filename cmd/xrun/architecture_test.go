package main

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
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
	"plugins/elementary":        "plugins",
	"plugins/slots":             "plugins",
	"plugins/builtin":           "plugins plugins/elementary",
	"plugins/protocol":          "plugins plugins/protocol/pluginv1 | github.com/hashicorp/go-plugin google.golang.org/grpc",
	"plugins/protocol/pluginv1": "| google.golang.org/grpc google.golang.org/protobuf",
	"plugins/sdk":               "plugins plugins/protocol plugins/protocol/pluginv1 plugins/slots | github.com/hashicorp/go-hclog github.com/hashicorp/go-plugin golang.org/x/sys google.golang.org/grpc",
	"plugins/plugintest":        "plugins plugins/host runner runner/data runner/models",
	"plugins/sandbox":           "plugins/content plugins/python | github.com/landlock-lsm/go-landlock golang.org/x/net golang.org/x/sys",
	"plugins/lock":              "plugins/shell | github.com/pelletier/go-toml/v2",
	"plugins/content":           "",
	"plugins/python":            "plugins/content",
	"plugins/shell":             "",
	"plugins/shim":              "plugins/process plugins/protocol plugins/protocol/pluginv1 plugins/python plugins/sdk | google.golang.org/grpc google.golang.org/protobuf",
	"plugins/process":           "plugins/protocol plugins/python runner | golang.org/x/sys",
	"plugins/host":              "plugins plugins/content plugins/process plugins/protocol plugins/protocol/pluginv1 plugins/python plugins/slots runner | github.com/hashicorp/go-hclog github.com/hashicorp/go-plugin golang.org/x/sys google.golang.org/grpc",

	"runner":           "plugins runner/data runner/models runner/prune runner/reference runner/schedule runner/score runner/stop runner/streams",
	"runner/data":      "plugins | github.com/parquet-go/parquet-go golang.org/x/text",
	"runner/gemm":      "plugins plugins/elementary | golang.org/x/sys",
	"runner/models":    "plugins plugins/elementary runner/data runner/gemm runner/passes runner/streams",
	"runner/passes":    "plugins plugins/elementary | golang.org/x/sys",
	"runner/prune":     "runner/stop",
	"runner/reference": "plugins plugins/elementary runner/data",
	"runner/schedule":  "plugins/elementary",
	"runner/score":     "plugins/elementary",
	"runner/stop":      "",
	"runner/streams":   "plugins/elementary",
	"runner/tests":     "",
	"runner/trained":   "plugins runner/data runner/models",

	"sweeps":                     "plugins plugins/elementary runner runner/data runner/prune runner/schedule runner/stop sweeps/document sweeps/stats sweeps/until sweeps/where",
	"sweeps/compare":             "plugins runner runner/stop sweeps/stats",
	"sweeps/compare/comparetest": "runner",
	"sweeps/document":            "| github.com/pelletier/go-toml/v2",
	"sweeps/next":                "plugins runner runner/stop sweeps sweeps/compare sweeps/document sweeps/stats",
	"sweeps/stats":               "| gonum.org/v1/gonum",
	"sweeps/until":               "runner sweeps/compare sweeps/stats",
	"sweeps/where":               "plugins sweeps/stats",

	"sweeps/examples/tables":      "plugins/elementary runner/streams",
	"sweeps/examples/tables/make": "sweeps/examples/tables",

	"store":          "migrations plugins runner runner/stop plugins/shell store/whole | github.com/pressly/goose/v3 golang.org/x/sys modernc.org/sqlite",
	"store/export":   "plugins runner store store/tfrecord store/whole | github.com/parquet-go/parquet-go google.golang.org/protobuf",
	"store/imported": "plugins runner store/export",
	"store/journal":  "",
	"store/tfrecord": "",
	"store/whole":    "",

	"cmd/xrun/internal/explain": "cmd/xrun/internal/help cmd/xrun/internal/report sweeps/stats plugins runner runner/models runner/prune runner/schedule runner/score runner/stop sweeps",
	"cmd/xrun/internal/help":    "",

	"cmd/xrun": "cmd/xrun/internal/explain cmd/xrun/internal/help cmd/xrun/internal/advice cmd/xrun/internal/authoring cmd/xrun/internal/cluster cmd/xrun/internal/commandline cmd/xrun/internal/exporting cmd/xrun/internal/figure cmd/xrun/internal/importing cmd/xrun/internal/keeping cmd/xrun/internal/live cmd/xrun/internal/page cmd/xrun/internal/planning cmd/xrun/internal/question cmd/xrun/internal/recording cmd/xrun/internal/refining cmd/xrun/internal/report cmd/xrun/internal/scoring cmd/xrun/internal/serving cmd/xrun/internal/sheet cmd/xrun/internal/showing cmd/xrun/internal/starter cmd/xrun/internal/trackers cmd/xrun/internal/training cmd/xrun/internal/ui cmd/xrun/internal/watching cmd/xrun/internal/web cmd/xrun/internal/weights" +
		" plugins plugins/builtin plugins/host plugins/lock plugins/plugintest plugins/process plugins/python plugins/sandbox plugins/sdk plugins/shim" +
		" runner runner/stop runner/trained store store/export store/imported sweeps sweeps/compare sweeps/document sweeps/next sweeps/stats | github.com/urfave/cli/v2 golang.org/x/term",
	"cmd/release": "plugins/python",

	"cmd/xrun/internal/advice":      "plugins/shell store/whole",
	"cmd/xrun/internal/figure":      "cmd/xrun/internal/report runner/stop sweeps/compare sweeps/stats | codeberg.org/go-fonts/liberation codeberg.org/go-pdf/fpdf golang.org/x/image gonum.org/v1/plot",
	"cmd/xrun/internal/live":        "runner runner/stop sweeps/compare sweeps/stats | golang.org/x/term",
	"cmd/xrun/internal/keeping":     "cmd/xrun/internal/advice cmd/xrun/internal/question cmd/xrun/internal/training plugins/host runner runner/schedule runner/stop runner/trained store sweeps sweeps/stats",
	"cmd/xrun/internal/page":        "cmd/xrun/internal/figure cmd/xrun/internal/question cmd/xrun/internal/report cmd/xrun/internal/sheet runner sweeps/compare",
	"cmd/xrun/internal/sheet":       "cmd/xrun/internal/advice cmd/xrun/internal/question cmd/xrun/internal/report runner runner/stop sweeps/compare sweeps/stats",
	"cmd/xrun/internal/question":    "cmd/xrun/internal/advice plugins runner runner/stop store sweeps sweeps/compare sweeps/document sweeps/stats sweeps/until sweeps/where",
	"cmd/xrun/internal/training":    "cmd/xrun/internal/advice cmd/xrun/internal/mlflow cmd/xrun/internal/question plugins plugins/builtin plugins/host plugins/lock plugins/process plugins/protocol runner runner/data runner/gemm store store/whole sweeps sweeps/stats sweeps/until | golang.org/x/sys",
	"cmd/xrun/internal/planning":    "cmd/xrun/internal/report cmd/xrun/internal/showing cmd/xrun/internal/training sweeps sweeps/stats",
	"cmd/xrun/internal/refining":    "cmd/xrun/internal/advice cmd/xrun/internal/question cmd/xrun/internal/training plugins/host store sweeps sweeps/next",
	"cmd/xrun/internal/report":      "cmd/xrun/internal/advice runner runner/stop sweeps/compare sweeps/stats | github.com/jedib0t/go-pretty/v6",
	"cmd/xrun/internal/authoring":   "cmd/xrun/internal/advice cmd/xrun/internal/report cmd/xrun/internal/training plugins plugins/builtin plugins/host plugins/lock plugins/plugintest plugins/protocol sweeps/stats",
	"cmd/xrun/internal/importing":   "cmd/xrun/internal/advice cmd/xrun/internal/question cmd/xrun/internal/starter cmd/xrun/internal/trackers plugins runner runner/stop store store/imported sweeps/stats",
	"cmd/xrun/internal/trackers":    "cmd/xrun/internal/advice plugins plugins/python runner runner/stop store store/export store/imported store/journal store/tfrecord | github.com/goccy/go-yaml google.golang.org/protobuf",
	"cmd/xrun/internal/cluster":     "cmd/xrun/internal/advice cmd/xrun/internal/recording cmd/xrun/internal/training plugins/host runner runner/data runner/prune store store/journal store/whole sweeps sweeps/document sweeps/stats",
	"cmd/xrun/internal/commandline": "cmd/xrun/internal/advice cmd/xrun/internal/help plugins/host store sweeps/document | github.com/urfave/cli/v2",
	"cmd/xrun/internal/recording":   "cmd/xrun/internal/advice cmd/xrun/internal/question plugins plugins/process plugins/python runner runner/stop store store/imported store/journal sweeps/stats",
	"cmd/xrun/internal/door":        "",
	"cmd/xrun/internal/mlflow":      "cmd/xrun/internal/door runner store/imported store/journal",
	"cmd/xrun/internal/serving":     "cmd/xrun/internal/advice cmd/xrun/internal/mlflow cmd/xrun/internal/question cmd/xrun/internal/recording plugins runner store store/imported store/journal store/whole",
	"cmd/xrun/internal/scoring":     "cmd/xrun/internal/advice plugins runner/data runner/models runner/score runner/trained store/export sweeps/stats",
	"cmd/xrun/internal/showing":     "cmd/xrun/internal/live cmd/xrun/internal/question cmd/xrun/internal/report runner store sweeps/compare sweeps/stats",
	"cmd/xrun/internal/starter":     "cmd/xrun/internal/advice plugins runner/data store/imported sweeps/stats | github.com/goccy/go-yaml",
	"cmd/xrun/internal/watching":    "cmd/xrun/internal/live cmd/xrun/internal/question runner store sweeps/compare",
	"cmd/xrun/internal/web":         "",
	"cmd/xrun/internal/weights":     "cmd/xrun/internal/advice cmd/xrun/internal/figure cmd/xrun/internal/keeping cmd/xrun/internal/question cmd/xrun/internal/report runner/trained store sweeps/compare sweeps/stats",
	"cmd/xrun/internal/web/build":   "| github.com/evanw/esbuild",
	"cmd/xrun/e2e/browser":          "| github.com/chromedp",
	"cmd/xrun/e2e":                  "runner runner/tests store | github.com/rogpeppe/go-internal/testscript",
	"cmd/xrun/internal/ui":          "cmd/xrun/internal/advice cmd/xrun/internal/door cmd/xrun/internal/exporting cmd/xrun/internal/live cmd/xrun/internal/question cmd/xrun/internal/refining cmd/xrun/internal/report cmd/xrun/internal/sheet cmd/xrun/internal/training cmd/xrun/internal/watching plugins plugins/host plugins/process runner store sweeps/compare sweeps/document sweeps/stats sweeps/where",
	"cmd/xrun/internal/exporting":   "cmd/xrun/internal/advice cmd/xrun/internal/question store store/export sweeps/stats",

	"cmd/xrun/internal/sheet/sheettest": "cmd/xrun/internal/question plugins runner runner/stop sweeps/compare | golang.org/x/net",

	"cmd/xrun/e2e/slurm/slurmtest": "",
}

// forbidden says which packages of the standard library are for a few of ours only.
var forbidden = map[string][]string{
	"database/sql": {"store"},
	// trackers asks a tracker's own Python package, in the user's interpreter, where no other reader of its files exists.
	"os/exec":  {"cmd/release", "plugins/host", "plugins/process", "plugins/sandbox", "plugins/shim", "plugins/plugintest", "cmd/xrun/e2e", "cmd/xrun/e2e/browser", "cmd/xrun/e2e/slurm/slurmtest", "cmd/xrun/internal/cluster", "cmd/xrun/internal/recording", "cmd/xrun/internal/trackers", "cmd/xrun/internal/training", "cmd/xrun/internal/ui", "cmd/xrun/internal/web/build"},
	"net/http": {"store/export", "cmd/xrun/internal/door", "cmd/xrun/internal/mlflow", "cmd/xrun/internal/ui"},
}

type listed struct {
	ImportPath string
	Dir        string
	Doc        string
	GoFiles    []string
	Imports    []string
}

func packages(t *testing.T) []listed {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the go command is not on PATH")
	}
	out, err := exec.Command("go", "list", "-json=ImportPath,Dir,Doc,GoFiles,Imports", module+"...").Output()
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

// The command has flags and wiring; what it does is below cmd/xrun/internal.
func TestTheCommandStaysThin(t *testing.T) {
	const most = 5000
	lines := 0
	for _, p := range packages(t) {
		if p.ImportPath != module+"cmd/xrun" {
			continue
		}
		for _, name := range p.GoFiles {
			text, err := os.ReadFile(filepath.Join(p.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			lines += strings.Count(string(text), "\n")
		}
	}
	if lines == 0 || lines > most {
		t.Errorf("package main has %d lines, want some and at most %d", lines, most)
	}
}
