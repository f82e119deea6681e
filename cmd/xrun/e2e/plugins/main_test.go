package plugins

import (
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
)

// TestMain lets the test binary be the plugins that misbehave.
func TestMain(m *testing.M) {
	e2e.Main(m, map[string]func(){"xrun-plugin-crasher": serveCrasher, "xrun-plugin-villain": serveVillain})
}
