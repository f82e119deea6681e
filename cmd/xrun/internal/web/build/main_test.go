package main

import (
	"bytes"
	"compress/gzip"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/evanw/esbuild/pkg/api"
)

const dir = ".."

// needLibraries skips a test where npm or its registry cannot be reached.
func needLibraries(t *testing.T) {
	t.Helper()
	if err := libraries(dir); errors.Is(err, errNoLibraries) {
		t.Skip(err)
	} else if err != nil {
		t.Fatal(err)
	}
}

func TestDistIsBuiltFromTheSource(t *testing.T) {
	needLibraries(t)
	files, err := bundle(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 2 {
		t.Errorf("%d files are built, want app.js and app.css", len(files))
	}
	for _, f := range files {
		committed, err := os.ReadFile(filepath.Join(dir, "dist", f.name))
		if err != nil {
			t.Error(err)
		} else if !bytes.Equal(committed, f.content) {
			t.Errorf("dist/%s is not what its source gives: go generate ./cmd/xrun/internal/web", f.name)
		}
	}
}

func TestTypesAreRight(t *testing.T) {
	needLibraries(t)
	if err := types(dir); err != nil {
		t.Fatal(err)
	}
}

// The policy of the page allows no eval and no style attribute, and texts of a store are never read as HTML. So the
// script must hold nothing that would make one of them.
func TestTheScriptHoldsNothingUnsafe(t *testing.T) {
	script, err := os.ReadFile(filepath.Join(dir, "dist", "app.js"))
	if err != nil {
		t.Fatal(err)
	}
	for _, unsafe := range []string{`\beval\(`, `new Function\b`, `\.insertAdjacentHTML\b`, `\.outerHTML\s*=`, `document\.write\b`, `setAttribute\("style"`, `</script`, `<!--`} {
		if at := regexp.MustCompile(unsafe).FindIndex(script); at != nil {
			t.Errorf("%s: …%s…", unsafe, script[max(0, at[0]-80):min(len(script), at[1]+80)])
		}
	}
	// Preact sets it for dangerouslySetInnerHTML alone, which no source of ours uses.
	sources, err := filepath.Glob(filepath.Join(dir, "src", "*.ts*"))
	if err != nil || len(sources) == 0 {
		t.Fatal(sources, err)
	}
	pages, _ := filepath.Glob(filepath.Join(dir, "src", "pages", "*.tsx"))
	for _, name := range append(sources, pages...) {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if regexp.MustCompile(`(?i)innerHTML\s*[=:]`).Match(text) {
			t.Errorf("%s: innerHTML reads text as HTML", name)
		}
	}
}

// 150 kB may go over the wire before data, for everything.
func TestTheScriptIsSmall(t *testing.T) {
	for name, limit := range map[string]int{"app.js": 60_000, "app.css": 6_000} {
		text, err := os.ReadFile(filepath.Join(dir, "dist", name))
		if err != nil {
			t.Fatal(err)
		}
		var packed bytes.Buffer
		w := gzip.NewWriter(&packed)
		w.Write(text)
		w.Close()
		t.Logf("%s: %d bytes, %d packed", name, len(text), packed.Len())
		if packed.Len() > limit {
			t.Errorf("%s: %d bytes packed, want at most %d", name, packed.Len(), limit)
		}
	}
}

// The tests of what needs no browser are TypeScript too, run by node.
func TestPureParts(t *testing.T) {
	needLibraries(t)
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not on PATH")
	}
	o := options(dir)
	if o.AbsWorkingDir, err = filepath.Abs(dir); err != nil {
		t.Fatal(err)
	}
	o.EntryPoints = []string{"src/test/all.ts"}
	o.Outfile = filepath.Join(t.TempDir(), "tests.mjs")
	o.Platform, o.Format, o.Write = api.PlatformNode, api.FormatESModule, true
	if result := api.Build(o); len(result.Errors) > 0 {
		t.Fatal(strings.Join(api.FormatMessages(result.Errors, api.FormatMessagesOptions{}), ""))
	}
	if out, err := exec.Command(node, "--test", o.Outfile).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
