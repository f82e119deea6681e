package host

import "testing"

func TestKeysOfPluginsThatRunAlready(t *testing.T) {
	for _, c := range []struct {
		key, ref string
		want     bool
	}{
		{"ngd", "ngd", true},
		{"ngd", "./xrun-plugin-ngd", true},
		{"ngd", "/opt/xrun-plugin-ngd.exe", true},
		{"ngd", "./xrun-plugin-ngd2", false},
		{"./xrun-plugin-ngd", "xrun-plugin-ngd", false}, // a name, and not that path
		{"./xrun-plugin-ngd", "./xrun-plugin-ngd", true},
		{"./xrun-plugin-ngd", "sweeps/xrun-plugin-ngd", true}, // of a sweep file in sweeps
		{"./bin/a", "sweeps/bin/a", true},
		{"./bin/a", "sweeps/cabin/a", false},
		{"/opt/a", "/opt/a", true},
		{"/opt/a", "/srv/opt/a", false},
		{"../a", "b/a", false},
	} {
		if got := names(c.key, c.ref); got != c.want {
			t.Errorf("%q means %q: %v, want %v", c.key, c.ref, got, c.want)
		}
	}
	h := New(Options{Reattach: map[string]Reattachment{"a": {Pid: 1}, "./bin/a": {Pid: 2}}})
	for ref, want := range map[string]int{"a": 1, "./other/a": 1, "./bin/a": 2} {
		if src, err := h.Find(ref); err != nil || !src.Attached() || src.reattach.Pid != want {
			t.Errorf("%s is %+v, %v, want process %d", ref, src, err, want)
		}
	}
}
