package host

import (
	"bytes"
	"fmt"
	"os"
	"testing"
)

// Variables of a worker go before what its plugins have of our environment, and other workers do not have them.
func TestPluginsHaveTheVariablesOfTheirWorker(t *testing.T) {
	t.Setenv("OMP_NUM_THREADS", "5")
	h := newHost(t, "serve-builtin", Options{})
	for want, given := range map[string][]string{"5": nil, "2": {"OMP_NUM_THREADS=2", "CUDA_VISIBLE_DEVICES=GPU-aaaa"}} {
		w, err := h.Worker(given...)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { w.Close() })
		if _, err := w.Describe(t.Context(), BuiltinRef); err != nil {
			t.Fatal(err)
		}
		env, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", w.PIDs()[0]))
		if err != nil {
			t.Fatal(err)
		}
		threads, device := "", false
		for _, v := range bytes.Split(env, []byte{0}) {
			if value, ok := bytes.CutPrefix(v, []byte("OMP_NUM_THREADS=")); ok {
				threads += string(value)
			}
			device = device || string(v) == "CUDA_VISIBLE_DEVICES=GPU-aaaa"
		}
		if threads != want || device != (given != nil) {
			t.Errorf("with %q its plugin has OMP_NUM_THREADS=%s, and the device: %v", given, threads, device)
		}
	}
}
