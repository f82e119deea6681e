package authoring

import (
	"path/filepath"
	"strings"
	"testing"
)

// Somebody whose xrun is a release gets its version, and has the go command fetch it.
func TestRequirementOfSource(t *testing.T) {
	r, err := requireXrun("../../../..", "v0.0.0-dev")
	if err != nil || r.Version != "" || !filepath.IsAbs(r.Source) || !strings.HasPrefix(r.Go, "1.") {
		t.Errorf("requireXrun = %+v, %v", r, err)
	}
	release := project{Name: "x", requirement: requirement{Go: "1.26", Version: "v0.3.0"}}
	content, err := release.fill(map[string]string{"go.mod": "go/go.mod"})
	if err != nil {
		t.Fatal(err)
	}
	if want := "module example.org/xrun-plugin-x\n\ngo 1.26\n\nrequire github.com/xrun-dev/xrun v0.3.0\n"; string(content["go.mod"]) != want {
		t.Errorf("the go.mod for a release is\n%s\nwant\n%s", content["go.mod"], want)
	}
	for v, want := range map[string]bool{"v0.3.0": true, "v0.3.0-rc.1": true, "v0.0.0-20261124000000-abcdef123456": true, "0.1.0-dev": false, "v0.3.0+dirty": false, "(devel)": false} {
		if releaseForm.MatchString(v) != want {
			t.Errorf("that %s is a release is %v, want %v", v, !want, want)
		}
	}
}
