package ui

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
)

const refinable = `schema = 1
name   = "line"
seeds  = 2
SKIP

[task]
dataset = "diabetes"
model   = "linear"
epochs  = 3

[metric]
name = "val_rmse"

[grid]
lr        = [0.01, 0.1, 1.0]
optimizer = ["sgd", "own"]

[optimizers.sgd]

[optimizers.own]
plugin = "PLUGIN"
`

// trained writes a sweep file's trials into a database, as if its last optimizer were a built-in one, and returns the path.
func trained(t *testing.T, plugin, skip string) string {
	t.Helper()
	text := strings.Replace(refinable, "SKIP", skip, 1)
	file := filepath.Join(t.TempDir(), "line.toml")
	catalog := training.NewStillCatalog(file, "")
	spec, err := sweeps.Load(t.Context(), file, []byte(strings.Replace(text, "PLUGIN", "adam", 1)), catalog)
	try(t, errors.Join(err, catalog.Close()))
	text = strings.Replace(text, "PLUGIN", plugin, 1)
	try(t, os.WriteFile(file, []byte(text), 0o666))
	path := filepath.Join(filepath.Dir(file), "xrun.db")
	db, err := store.Open(t.Context(), path, store.Options{})
	try(t, err)
	trials := spec.Trials()
	id, err := db.PutSweep(t.Context(), store.Sweep{Name: "line", File: file, Text: []byte(text), Resolved: strings.Replace(spec.Resolved(), `"adam"`, `"`+plugin+`"`, 1), Digest: "line", Metric: "val_rmse", Goal: "min", At: "best"}, trials)
	try(t, err)
	recorder := db.Recorder(id, store.Environment{Host: "here"}, nil)
	begun, err := recorder.Begin(t.Context(), trials)
	try(t, err)
	var u runner.Update
	for i, trial := range trials {
		u.Ends = append(u.Ends, runner.End{Run: begun[i].Run, Status: runner.StatusFinished, Epochs: 3, Kept: &runner.Kept{Epoch: 3, Value: 50 + trial.LR + float64(trial.Seed)}})
	}
	try(t, recorder.Record(t.Context(), u))
	try(t, recorder.Flush(context.Background()))
	try(t, db.Close())
	return path
}

type refineAnswer struct {
	File, Name, Command, Note string
	Checked                   bool
}

// Without a control the next sweep file is made, but nothing is started for it.
func TestRefiningStartsNothing(t *testing.T) {
	ran := filepath.Join(t.TempDir(), "ran")
	plugin := filepath.Join(t.TempDir(), "own")
	try(t, os.WriteFile(plugin, []byte("#!/bin/sh\ntouch "+ran+"\n"), 0o777))
	var got refineAnswer
	v := serve(t, Options{Store: trained(t, "adam", "")})
	v.read(&got, "/api/v1/refine")
	if !got.Checked || !strings.Contains(got.File, "lr        = [0.0001, 0.001, 0.01, 0.1]") || got.Name != "line-refined.toml" || got.Command != "xrun refine line" || !strings.HasPrefix(got.Note, "Refines line around ") {
		t.Errorf("with built-in optimizers the answer is %+v", got)
	}
	v = serve(t, Options{Store: trained(t, plugin, ""), Arguments: []string{"--store", "my.db"}})
	got = refineAnswer{}
	v.read(&got, "/api/v1/refine?where=lr+<+1")
	if got.Checked || !strings.Contains(got.File, plugin) || !strings.Contains(got.Note, plugin) || !strings.HasSuffix(got.Note, ": xrun refine line --where 'lr < 1' --store my.db checks it.") {
		t.Errorf("with a plugin the answer is %+v", got)
	}
	// What cannot be made without reading the file in full is refused.
	path := trained(t, plugin, `skip = [{ where = "lr > 5" }]`)
	v = serve(t, Options{Store: path})
	if r := v.get("/api/v1/refine"); r.code != 403 || !strings.Contains(r.body, "plugins have to start: "+plugin) || !strings.Contains(r.body, "xrun refine line does; xrun ui --control lets this page") {
		t.Errorf("a file that cannot be made is answered with %d: %s", r.code, r.body)
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("the plugin ran")
	}
	// A page that acts may start them.
	asked := false
	v = serve(t, Options{Store: path, Control: &Control{Host: func() (*host.Host, error) {
		asked = true
		return nil, errors.New("no plugins today")
	}}})
	if r := v.get("/api/v1/refine"); !asked || r.code != 500 || !strings.Contains(r.body, "no plugins today") {
		t.Errorf("with a control the answer is %d: %s", r.code, r.body)
	}
}
