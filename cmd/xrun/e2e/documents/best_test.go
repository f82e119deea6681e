package documents

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/runner/tests"
)

// What xrun best writes is read by the Python package safetensors, whose numpy gives the predictions of xrun predict.
func TestTheBestModelIsReadByPython(t *testing.T) {
	t.Parallel()
	tests.NeedExamples(t, "imports safetensors")
	python := e2e.Python(t, "safetensors.numpy")
	dir := t.TempDir()
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), "[task]\ndataset = 'wine'\nmodel = 'mlp'\nhidden = [5, 4]\nactivation = 'tanh'\nepochs = 5\n[grid]\nlr = [0.01, 0.1]\n")
	e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "none"))
	e2e.Run(t, 0, e2e.Xrun(t, dir, "best", "-o", "model.safetensors"))
	const script = `
import json
import numpy as np
from safetensors import safe_open
with safe_open("model.safetensors", framework="numpy") as f:
    meta, t = f.metadata(), {k: f.get_tensor(k) for k in f.keys()}
features, classes = json.loads(meta["features"]), json.loads(meta["classes"])
rows = np.random.default_rng(1).normal(size=(20, len(features))) * 3 + json.loads(meta["mean"])
with open("rows.csv", "w") as f:
    f.write(",".join(features) + "\n")
    for row in rows:
        f.write(",".join(repr(float(v)) for v in row) + "\n")
h = (rows - json.loads(meta["mean"])) * json.loads(meta["factor"])
h = np.tanh(h @ t["W1"].T + t["b1"])
h = np.tanh(h @ t["W2"].T + t["b2"])
z = h @ t["W3"].T + t["b3"]
p = np.exp(z - z.max(axis=1, keepdims=True))
p /= p.sum(axis=1, keepdims=True)
np.savetxt("want.csv", p, delimiter=",")
`
	make := exec.Command(python, "-c", script)
	make.Dir = dir
	if text, err := make.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	e2e.Run(t, 0, e2e.Xrun(t, dir, "predict", "model.safetensors", "rows.csv", "-o", "got.csv"))
	const compare = `
import numpy as np
got = np.genfromtxt("got.csv", delimiter=",", skip_header=1)[:, 1:]
want = np.genfromtxt("want.csv", delimiter=",")
print(got.shape == want.shape and np.abs(got - want).max() < 1e-12)
`
	look := exec.Command(python, "-c", compare)
	look.Dir = dir
	if text, err := look.CombinedOutput(); err != nil || strings.TrimSpace(string(text)) != "True" {
		t.Errorf("numpy and xrun predict differently: %s, %v", text, err)
	}
}
