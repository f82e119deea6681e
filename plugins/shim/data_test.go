//go:build unix

package shim_test

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
)

const givenData = `import struct, zlib
from xrun_plugin import objective, serve, tensor

@objective("sums", metrics=["train_loss", "test_sum"])
class Sums:
    """What it reports are checksums of what it is given."""
    loss, batches = "function", 1

    def __init__(self, data):
        self.data, self.examples = data, len(data.train)

    def layout(self):
        return [tensor("W", (1, len(self.data.inputs)))]

    def initial(self, theta):
        theta[:] = [0.0] * len(self.data.inputs)

    def gradient(self, theta, grad, epoch, batch):
        return 0.0

    def evaluate(self, theta):
        def sum(rows):
            assert len(rows.x) == len(rows.y) == len(rows)
            numbers = [float(v) for x in rows.x for v in x] + [float(y) for y in rows.y]
            return float(zlib.crc32(struct.pack("<%dd" % len(numbers), *numbers)))
        assert self.data.classes == ["no", "ja «è»"] and len(self.data.validation) == 0, self.data.classes
        return {"train_loss": sum(self.data.train), "test_sum": sum(self.data.test)}

serve()
`

// An objective in Python is given the bits of its data, in pieces, by numpy and without. What comes later replaces what was
// there.
func TestPythonIsGivenData(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sums.py")
	if err := os.WriteFile(path, []byte(givenData), 0o600); err != nil {
		t.Fatal(err)
	}
	made := func(rows, columns int) *plugins.Data {
		d := &plugins.Data{Classes: []string{"no", "ja «è»"}}
		for range columns {
			d.Inputs = append(d.Inputs, "x")
		}
		for _, part := range []*plugins.Rows{&d.Train, &d.Test} {
			for i := range rows * columns {
				part.X = append(part.X, math.Sin(float64(i)))
			}
			for i := range rows {
				part.Y = append(part.Y, float64(i%2))
			}
			rows = 3
		}
		return d
	}
	sum := func(rows plugins.Rows) float64 {
		var b []byte
		for _, v := range [][]float64{rows.X, rows.Y} {
			for _, x := range v {
				b = binary.LittleEndian.AppendUint64(b, math.Float64bits(x))
			}
		}
		return float64(crc32.ChecksumIEEE(b))
	}
	for _, numpy := range []bool{true, false} {
		if numpy && !withNumpy(t) {
			continue
		}
		if !numpy {
			t.Setenv("PYTHONPATH", withoutNumpy(t))
		}
		for _, inline := range []bool{false, true} {
			h := newHost(t, host.Options{Inline: inline})
			d, err := h.Describe(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			w := newWorker(t, h)
			small := made(5, 2)
			for _, of := range []*plugins.Data{small, small, made(90_000, 6), small} { // the large one takes two pieces
				choice := runner.Choice{Plugin: path, Component: "sums", Features: d.Components[0].Features}
				session, err := w.Open(t.Context(), runner.PluginSpec{DType: plugins.Float32, Objective: &choice, Data: of, Slots: make([]runner.PluginSlot, 2)})
				if err != nil {
					t.Fatal(err)
				}
				metrics := [][]float64{make([]float64, 2), make([]float64, 2)}
				if failed, err := session.Metrics(t.Context(), []int{0, 1}, metrics); err != nil || len(failed) > 0 {
					t.Fatal(failed, err)
				}
				for _, got := range metrics {
					if got[0] != sum(of.Train) || got[1] != sum(of.Test) {
						t.Errorf("with numpy %v and messages %v the sums are %v, want %v and %v", numpy, inline, got, sum(of.Train), sum(of.Test))
					}
				}
				if err := session.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
