package store

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

func TestOutputIsKeptBesideParameters(t *testing.T) {
	s := fresh(t)
	trials := grid(3)
	r := s.Recorder(put(t, s, trials), Environment{}, nil)
	runs := begin(t, r, trials)
	large := []byte(strings.Repeat("a long line\n", 10_000))
	record(t, r, runner.Update{Ends: []runner.End{
		{Run: runs[0], Status: runner.StatusFinished, Epochs: 2, Output: []byte("small\x00\xff"), Kept: &runner.Kept{Epoch: 1}, Parameters: []byte("p")},
		{Run: runs[1], Status: runner.StatusFailed, Output: large},
		{Run: runs[2], Status: runner.StatusFinished, Output: []byte{}},
	}})
	if err := r.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, want := range [][]byte{[]byte("small\x00\xff"), large} {
		if a, err := s.OutputOf(t.Context(), int64(runs[i])); err != nil || !bytes.Equal(a.Content, want) {
			t.Errorf("the output of run %d has %d bytes, %v, want %d", runs[i], len(a.Content), err, len(want))
		}
	}
	if a, err := s.ArtifactOf(t.Context(), int64(runs[0])); err != nil || string(a.Content) != "p" {
		t.Errorf("the parameters are %q, %v", a.Content, err)
	}
	if _, err := s.ArtifactOf(t.Context(), int64(runs[1])); !errors.Is(err, ErrNotFound) {
		t.Errorf("the parameters of a run that has none: %v", err)
	}
	if _, err := s.OutputOf(t.Context(), int64(runs[2])); !errors.Is(err, ErrNotFound) {
		t.Errorf("the output of a run that has none: %v", err)
	}
	files, err := filepath.Glob(filepath.Join(s.Path()+".artifacts", "*.txt"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the files of large output are %v, %v", files, err)
	}
	if err := os.WriteFile(files[0], large[1:], 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.OutputOf(t.Context(), int64(runs[1])); err == nil {
		t.Error("damaged output is read as if it were not")
	}
}

func TestAxesTellSettingsApart(t *testing.T) {
	s := fresh(t)
	command := &runner.Command{Args: []string{"train", "{width}"}}
	var trials []runner.Trial
	for _, width := range []int64{8, 16} {
		for seed := range int64(2) {
			trials = append(trials, runner.Trial{Task: runner.Task{Command: command, Metrics: []string{"loss"}}, Optimizer: runner.Choice{Label: "train"}, LR: 0.1, Seed: seed,
				Axes: []runner.Setting{{Path: "width", Value: plugins.Integer(width)}, {Path: "name", Value: plugins.Text("a.b")}}})
		}
	}
	id := put(t, s, trials)
	varying, _, err := s.Varying(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	axes, err := s.Axes(t.Context(), varying, id)
	if err != nil || len(axes) != 2 {
		t.Fatalf("axes of %d settings, %v, want 2", len(axes), err)
	}
	for _, trial := range trials {
		want := trial.Axes[:1] // what all have in common tells nothing apart
		if got := axes[trial.Point()]; !slices.Equal(got, want) {
			t.Errorf("the axes of %v are %v", want, got)
		}
	}
}
