package protocol

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/protocol/pluginv1"
)

func TestCut(t *testing.T) {
	for _, c := range []struct{ name, text string }{
		{"letters", "begin" + strings.Repeat("x", 5_000_000) + "end"},
		{"characters of three bytes", "begin" + strings.Repeat("€", 100_000) + "end"},
		{"one more than the limit", "begin" + strings.Repeat("y", MaxText-7) + "end"},
		{"no characters", "begin" + strings.Repeat("\x80", 100_000) + "end"},
	} {
		got := Cut(c.text)
		if len(got) > MaxText || len(got) < MaxText/2 || !strings.HasPrefix(got, "begin") || !strings.Contains(got, " bytes left out …\n") {
			t.Errorf("%s: %d bytes that begin with %.20q", c.name, len(got), got)
		}
		if utf8.ValidString(c.text) && (!utf8.ValidString(got) || !strings.HasSuffix(got, "end")) {
			t.Errorf("%s: the end is %q", c.name, got[len(got)-20:])
		}
		if again := Cut(got); again != got {
			t.Errorf("%s: it is cut a second time", c.name)
		}
	}
	if whole := strings.Repeat("z", MaxText); Cut(whole) != whole {
		t.Error("a text of the limit's length is cut")
	}
}

// No part of what a plugin says of itself is longer than the limit, and neither is an error about it.
func TestManifestsAreOfLimitedLength(t *testing.T) {
	long := strings.Repeat("x", 1<<20)
	name := strings.Repeat("A", 1<<20)
	sound := func(change func(m *pluginv1.Manifest, s *pluginv1.Setting)) error {
		s := &pluginv1.Setting{Name: "s", Type: "text", Doc: long, DefaultValue: &pluginv1.Value{Kind: &pluginv1.Value_Text{Text: long}}}
		m := &pluginv1.Manifest{Name: "p", Version: long, Summary: long, Components: []*pluginv1.Component{{
			Kind: pluginv1.Kind_KIND_OBJECTIVE, Name: "c", Doc: long, Settings: []*pluginv1.Setting{s}, Metrics: []string{plugins.MetricTrainLoss},
		}}}
		change(m, s)
		got, err := ManifestFromWire(m)
		if err != nil {
			return err
		}
		c := got.Components[0]
		for _, text := range []string{got.Version, got.Summary, c.Doc, c.Settings[0].Doc, c.Settings[0].Default.Text} {
			if len(text) > MaxText {
				t.Errorf("a text of %d bytes is kept", len(text))
			}
		}
		return nil
	}
	if err := sound(func(*pluginv1.Manifest, *pluginv1.Setting) {}); err != nil {
		t.Fatal(err)
	}
	for what, change := range map[string]func(m *pluginv1.Manifest, s *pluginv1.Setting){
		"plugin":    func(m *pluginv1.Manifest, _ *pluginv1.Setting) { m.Name = name },
		"component": func(m *pluginv1.Manifest, _ *pluginv1.Setting) { m.Components[0].Name = name },
		"setting":   func(_ *pluginv1.Manifest, s *pluginv1.Setting) { s.Name = name },
		"metric": func(m *pluginv1.Manifest, _ *pluginv1.Setting) {
			m.Components[0].Metrics = append(m.Components[0].Metrics, name)
		},
		"type":    func(_ *pluginv1.Manifest, s *pluginv1.Setting) { s.Type = name },
		"default": func(_ *pluginv1.Manifest, s *pluginv1.Setting) { s.Type, s.Choices = "choice", []string{"a"} },
	} {
		if err := sound(change); err == nil || len(err.Error()) > 2*MaxText {
			t.Errorf("a wrong %s gives an error of %d bytes", what, len([]byte(errText(err))))
		}
	}
	if _, err := ProblemFromWire(&pluginv1.Problem{Layout: []*pluginv1.Tensor{{Name: long, Shape: []int64{-1}, Role: name}}, Loss: name}); err == nil || len(err.Error()) > 2*MaxText {
		t.Errorf("a wrong problem gives an error of %d bytes", len(errText(err)))
	}
}

func TestCoefficientsHaveNames(t *testing.T) {
	wire := func(names ...string) *pluginv1.Coefficients {
		parts := map[string]float64{}
		for i, name := range names {
			parts[name] = float64(i + 1)
		}
		return &pluginv1.Coefficients{Parts: parts}
	}
	if got := CoefficientsFromWire(wire("l1", "l2", "group.lasso")); len(got) != 3 || got["l2"] != 2 {
		t.Errorf("the coefficients are %v", got)
	}
	for _, wrong := range []*pluginv1.Coefficients{nil, wire("l1", strings.Repeat("x", 1<<20)), wire("\x1b[2J"), wire(strings.Split("abcdefghijklmnopqrst", "")...)} {
		if got := CoefficientsFromWire(wrong); got != nil {
			t.Errorf("%d coefficients are kept", len(got))
		}
	}
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
