package protocol

import (
	"fmt"
	"strings"
	"testing"
	"unicode"

	"google.golang.org/protobuf/proto"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/protocol/pluginv1"
)

// Whatever a plugin says it is: either that is refused, or it is a manifest that survives being sent on.
func FuzzManifestFromWire(f *testing.F) {
	for _, m := range []plugins.Manifest{
		{Name: "a", Version: "1"},
		{Name: "b", Version: "1", Components: []plugins.Component{{Spec: plugins.Spec{Kind: plugins.KindOptimizer, Name: "c", Settings: []plugins.Setting{
			plugins.RealSetting("beta", 0.9, "decay").Within(0, 1), plugins.ChoiceSetting("mode", "doc", "x", "y")}}}}},
	} {
		content, err := proto.Marshal(ManifestToWire(m))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		var wire pluginv1.Manifest
		if proto.Unmarshal(content, &wire) != nil {
			return
		}
		m, err := ManifestFromWire(&wire)
		if err != nil {
			return
		}
		again, err := ManifestFromWire(ManifestToWire(m))
		if err != nil || fmt.Sprintf("%+v", again) != fmt.Sprintf("%+v", m) { // NaN is a bound that is not there
			t.Errorf("%+v becomes %+v, %v", m, again, err)
		}
	})
}

func TestASettingIsDeclaredOnceAndUnderANameOfItsOwn(t *testing.T) {
	for _, c := range []struct {
		kind     plugins.Kind
		settings []string
		want     string
	}{
		{plugins.KindOptimizer, []string{"beta", "gamma"}, ""},
		{plugins.KindOptimizer, []string{"beta", "beta"}, "component c of plugin p declares the setting beta twice"},
		{plugins.KindOptimizer, []string{"grid"}, "component c of plugin p has a setting called grid, which is a key of sweep files: give it another name"},
		{plugins.KindOptimizer, []string{"schedule"}, "component c of plugin p has a setting called schedule, which is a key of sweep files: give it another name"},
		{plugins.KindRegularizer, []string{"base", "schedule"}, ""},
		{plugins.KindRegularizer, []string{"component"}, "component c of plugin p has a setting called component, which is a key of sweep files: give it another name"},
	} {
		spec := plugins.Spec{Kind: c.kind, Name: "c"}
		for _, name := range c.settings {
			spec.Settings = append(spec.Settings, plugins.RealSetting(name, 0, "doc"))
		}
		_, err := ManifestFromWire(ManifestToWire(plugins.Manifest{Name: "p", Version: "1", Components: []plugins.Component{{Spec: spec}}}))
		if got := fmt.Sprint(err); got != c.want && (err != nil || c.want != "") {
			t.Errorf("%s with %q: %s, want %q", c.kind, c.settings, got, c.want)
		}
	}
}

func FuzzProblemFromWire(f *testing.F) {
	content, err := proto.Marshal(ProblemToWire(plugins.Problem{Examples: 3, Batches: 2}))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(content)
	f.Fuzz(func(t *testing.T, content []byte) {
		var wire pluginv1.Problem
		if proto.Unmarshal(content, &wire) == nil {
			ProblemFromWire(&wire) // refused or taken, but it never crashes
		}
	})
}

// The shared memory that a plugin writes may hold anything.
func FuzzReply(f *testing.F) {
	f.Add(uint64(1), []byte{1, 2, 3})
	f.Add(^uint64(0), []byte{255, 255, 255, 255, 255, 255, 255, 255})
	f.Fuzz(func(t *testing.T, seed uint64, pattern []byte) {
		if len(pattern) == 0 {
			return
		}
		region := Aligned(SlabsOffset)
		for i := range region {
			region[i] = pattern[(i+int(seed%1024))%len(pattern)]
		}
		for i := range MaxCommands {
			if r := GetReply(region, i); len(r.Message) > MaxText {
				t.Errorf("a message of %d bytes", len(r.Message))
			}
			GetResult(region, i, MaxSlots-1)
		}
		GetMetrics(make([]float64, plugins.MaxMetrics), region, MaxSlots-1)
	})
}

// What a plugin prints can do nothing to a terminal.
func FuzzClean(f *testing.F) {
	f.Add("\x1b[2Jhello\tworld\r\n\u202eevil\x00\xff")
	f.Fuzz(func(t *testing.T, text string) {
		clean := Clean(text)
		for _, r := range clean {
			if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
				t.Errorf("%q is left in %q", r, clean)
			}
		}
		if again := Clean(clean); again != clean {
			t.Errorf("%q is cleaned to %q", clean, again)
		}
		if strings.Count(clean, "\n") != strings.Count(text, "\n") {
			t.Errorf("%q has other lines than %q", clean, text)
		}
	})
}
