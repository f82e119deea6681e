package authoring

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
)

// A requirement is the part of a new plugin's go.mod that requires xrun.
type requirement struct {
	Go      string // the version of the language
	Version string // of xrun, of a release
	Source  string // folder of its source, as go.work writes paths; empty for a release
}

const modulePath = "github.com/xrun-dev/xrun"

// releaseForm is a version that the go command can fetch.
var releaseForm = regexp.MustCompile(`^v\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$`)

var goForm = regexp.MustCompile(`\d+\.\d+`)

// requireXrun requires the xrun that runs: from its checkout if that still exists, so that nothing must be downloaded, or
// by its version if it is a release. source overrides both.
func requireXrun(source, version string) (r requirement, err error) {
	_, file, _, _ := runtime.Caller(0)
	dir := source
	if dir == "" {
		dir = filepath.Join(filepath.Dir(file), "../../../..")
		if strings.Contains(file, modulePath+"@") || !filepath.IsAbs(file) {
			dir = "" // in the module cache, or built without paths
		}
	}
	if dir != "" {
		r, err = requireSource(dir)
		if err == nil || source != "" {
			return r, err
		}
	}
	if v := version; releaseForm.MatchString(v) {
		return requirement{Go: goVersion(), Version: v}, nil
	}
	return r, advice.Usage(errors.New("this xrun is no release, and its source is not where it was built"), "name the folder of the source: --source DIR")
}

// goVersion is the language version of the Go that built this program: "1.26".
func goVersion() string {
	if v := goForm.FindString(runtime.Version()); v != "" {
		return v
	}
	return "1.26" // what xrun needs
}

// requireSource reads the go.mod of a checkout.
func requireSource(dir string) (r requirement, err error) {
	dir, err = filepath.Abs(dir)
	if err != nil {
		return r, err
	}
	text, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	if err != nil {
		return r, advice.Usage(fmt.Errorf("xrun's source: %w", err), "--source is the directory of xrun's go.mod")
	}
	r = requirement{Source: filepath.ToSlash(dir)}
	if strings.ContainsAny(r.Source, " \t\"'`,()[]{}") {
		r.Source = strconv.Quote(r.Source)
	}
	module := ""
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(line)
		switch {
		case len(fields) < 2:
		case fields[0] == "module":
			module = fields[1]
		case fields[0] == "go":
			r.Go = fields[1]
		}
	}
	if module != modulePath {
		return r, advice.Usage(fmt.Errorf("%s is the source of %q, not of xrun", dir, module), "--source is the directory of xrun's go.mod")
	}
	return r, nil
}
