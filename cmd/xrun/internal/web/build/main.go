// Build makes the script and the styles of the page from their source: go generate ./cmd/xrun/internal/web.
//
// It needs npm for the libraries that package-lock.json names, and only if they are not there yet. The same source gives
// the same bytes on every machine, so a test can compare what is committed with what is built.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

func main() {
	err := write(".")
	if err != nil {
		fmt.Fprintln(os.Stderr, "web:", err)
		os.Exit(1)
	}
}

// write builds the page of the package in dir into its dist.
func write(dir string) error {
	if err := libraries(dir); err != nil {
		return err
	}
	if err := types(dir); err != nil {
		return err
	}
	files, err := bundle(dir)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := os.WriteFile(filepath.Join(dir, "dist", f.name), f.content, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// errNoLibraries wraps the reason why the libraries of npm cannot be had.
var errNoLibraries = errors.New("the libraries of package-lock.json cannot be installed")

// libraries installs what package-lock.json names, unless it is there: npm leaves a copy of the lock that it installed,
// beside which ours is put.
func libraries(dir string) error {
	lock, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		return err
	}
	mark := filepath.Join(dir, "node_modules", ".xrun-lock.json")
	if done, err := os.ReadFile(mark); err == nil && bytes.Equal(done, lock) {
		return nil
	}
	npm, err := exec.LookPath("npm")
	if err != nil {
		return fmt.Errorf("%w: npm is not on PATH", errNoLibraries)
	}
	// Scripts of packages are not needed, and would run with our rights.
	install := exec.Command(npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--fetch-retries=1", "--fetch-timeout=60000")
	install.Dir = dir
	switch out, err := install.CombinedOutput(); {
	case bytes.Contains(out, []byte("EUSAGE")): // package-lock.json and package.json disagree, which no network mends
		return fmt.Errorf("npm ci: %w: %s", err, said(out))
	case err != nil:
		return fmt.Errorf("%w: npm ci: %v: %s", errNoLibraries, err, said(out))
	}
	return os.WriteFile(mark, lock, 0o644)
}

// types checks the types of the source with tsc, if it runs here: its program is another one for each system.
func types(dir string) error {
	tsc := filepath.Join(dir, "node_modules", ".bin", "tsc")
	if runtime.GOOS == "windows" {
		tsc += ".cmd"
	}
	tsc, err := filepath.Abs(tsc)
	if err != nil {
		return err
	}
	if exec.Command(tsc, "--version").Run() != nil {
		fmt.Fprintln(os.Stderr, "web: types are not checked: tsc does not run here")
		return nil
	}
	check := exec.Command(tsc, "--project", "tsconfig.json", "--pretty", "false")
	check.Dir = dir
	if out, err := check.CombinedOutput(); err != nil {
		return fmt.Errorf("tsc: %w\n%s", err, out)
	}
	return nil
}

type file struct {
	name    string
	content []byte
}

// options are the same for the page and its tests.
func options(dir string) api.BuildOptions {
	return api.BuildOptions{
		AbsWorkingDir: dir,
		Bundle:        true,
		Target:        api.ES2023,
		JSX:           api.JSXAutomatic, JSXImportSource: "preact",
		Charset:       api.CharsetUTF8,
		LegalComments: api.LegalCommentsEndOfFile,
		TsconfigRaw:   `{"compilerOptions":{"strict":true}}`,
	}
}

// bundle returns the files of dist.
func bundle(dir string) ([]file, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, err
	}
	o := options(dir)
	o.EntryPoints = []string{"src/app.tsx"}
	o.Outdir = filepath.Join(dir, "dist")
	o.Format = api.FormatIIFE
	o.MinifyWhitespace, o.MinifyIdentifiers, o.MinifySyntax = true, true, true
	result := api.Build(o)
	if len(result.Errors) > 0 {
		return nil, errors.New(strings.Join(api.FormatMessages(result.Errors, api.FormatMessagesOptions{Kind: api.ErrorMessage}), ""))
	}
	var files []file
	for _, f := range result.OutputFiles {
		files = append(files, file{filepath.Base(f.Path), f.Contents})
	}
	return files, nil
}

// said is what npm printed, without the lines that only name its log.
func said(out []byte) string {
	var lines []string
	for line := range strings.Lines(string(out)) {
		if line = strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(line), "npm error")); line != "" && !strings.Contains(line, "complete log") && len(lines) < 6 {
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, " · ")
}
