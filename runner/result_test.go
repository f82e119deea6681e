package runner

import "testing"

func TestAtReadsBestLastAndEpochs(t *testing.T) {
	for _, text := range []string{"best", "last", "epoch:0", "epoch:40"} {
		at, err := ParseAt(text)
		if err != nil || string(at) != text {
			t.Errorf("ParseAt(%q) = %q, %v", text, at, err)
		}
	}
	for _, text := range []string{"", "Best", "epoch", "epoch:", "epoch:-1", "epoch:07", "epoch:1.5", "40"} {
		if at, err := ParseAt(text); err == nil {
			t.Errorf("ParseAt(%q) = %q, want an error", text, at)
		}
	}
	if epoch, ok := AtEpoch(40).Epoch(); !ok || epoch != 40 {
		t.Errorf("AtEpoch(40).Epoch() = %d, %v", epoch, ok)
	}
	if _, ok := AtBest.Epoch(); ok {
		t.Error("best names no epoch")
	}
}
