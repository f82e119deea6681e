// Package keeping makes models of the parameters that runs keep: for a file, for a prediction, or to read their weights. It
// also trains a point again on more rows.
package keeping

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/trained"
	"github.com/xrun-dev/xrun/store"
)

// A Keeper reads what the runs of a database have kept.
type Keeper struct {
	Store   *store.Store
	Host    *host.Host
	Version string
	Data    *training.Datasets // keeps the data sets that it reads; nil reads them anew
}

// Folder is the folder of the files of a program's trial, if it is there.
func Folder(db *store.Store, trial runner.Key) (folder string, ok bool) {
	folder = filepath.Join(training.Folders(db), string(trial))
	info, err := os.Stat(folder)
	return training.Short(folder), err == nil && info.IsDir()
}

// Write writes the parameters of a run, with metadata that suffices to use them.
func (k Keeper) Write(ctx context.Context, found question.KeptRun, to advice.Target) error {
	r := found.Run
	artifact, err := k.parameters(ctx, r)
	if err != nil {
		return err
	}
	facts := k.facts(r)
	facts["run"], facts["sweep"], facts["epoch"] = fmt.Sprint(r.ID), found.Sweep, fmt.Sprint(artifact.Epoch)
	facts["metric"], facts["value"] = found.Metric, fmt.Sprint(found.Kept.Value)
	content, err := k.attach(ctx, r, artifact, facts)
	if err != nil {
		return err
	}
	return advice.Deliver(to, writing(content))
}

// facts describe the trial of a run for the reader of a file.
func (k Keeper) facts(r store.Run) map[string]string {
	return map[string]string{"trial": string(r.Trial), "seed": fmt.Sprint(r.Seed), "optimizer": r.Optimizer, "lr": fmt.Sprint(r.LR), "lambda": fmt.Sprint(r.Lambda),
		"xrun_version": k.Version}
}

func writing(content []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	}
}

// parameters are those that a run has kept.
func (k Keeper) parameters(ctx context.Context, r store.Run) (store.Artifact, error) {
	artifact, err := k.Store.ArtifactOf(ctx, r.ID)
	if errors.Is(err, store.ErrNotFound) {
		hint := "runs that finish or stop early keep them; programs keep their own"
		if folder, ok := Folder(k.Store, r.Trial); ok {
			hint = "a program keeps its own; the files of the trial are in " + folder
		}
		return artifact, advice.Nothing(fmt.Errorf("run %d has kept no parameters", r.ID), hint)
	}
	return artifact, err
}

// attach gives parameters of a run their metadata.
func (k Keeper) attach(ctx context.Context, r store.Run, artifact store.Artifact, facts map[string]string) ([]byte, error) {
	_, trial, err := training.Rebuild(ctx, k.Store, k.Host, k.Version, r)
	if err != nil {
		return nil, err
	}
	meta, err := k.describe(trial, facts)
	if err != nil {
		return nil, err
	}
	return trained.Attach(artifact.Content, meta)
}

// describe makes the metadata of a trial's parameters. Test functions and plugins' models only have names.
func (k Keeper) describe(t runner.Trial, facts map[string]string) (trained.Meta, error) {
	m := trained.Meta{Model: t.Task.Model, Kind: t.Task.Kind, Activation: t.Task.Activation, Target: t.Task.Target, Metrics: metricsOf(t), Facts: facts}
	if t.Task.Dataset == "" || t.Task.Objective != nil { // only a plugin knows how its data becomes outputs
		return m, nil
	}
	set, err := k.Data.Of(t.Task)
	if err != nil {
		return m, err
	}
	m.Classes, m.Sparse, m.Base, m.Schema = set.Classes, set.IsSparse(), set.Base(), set.Schema
	if m.ClassWeights, err = t.ClassWeights(set); err != nil {
		return m, err
	}
	m.Features, m.Mean, m.Factor, m.Encoding, err = t.Inputs(set)
	return m, err
}

// Model is the model that a run has kept.
func (k Keeper) Model(ctx context.Context, r store.Run) (*trained.Model, error) {
	all, err := k.Models(ctx, []store.Run{r})
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// Models are the models that runs have kept, in their order.
func (k Keeper) Models(ctx context.Context, runs []store.Run) ([]*trained.Model, error) {
	all := make([]*trained.Model, len(runs))
	for i := range runs {
		if all[i] != nil {
			continue
		}
		var places []int // of runs of one sweep
		var some []store.Run
		for j := i; j < len(runs); j++ {
			if runs[j].SweepID == runs[i].SweepID {
				places, some = append(places, j), append(some, runs[j])
			}
		}
		_, trials, err := training.RebuildAll(ctx, k.Store, k.Host, k.Version, some)
		if err != nil {
			return nil, err
		}
		for n, j := range places {
			if all[j], err = k.model(ctx, runs[j], trials[n]); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

func (k Keeper) model(ctx context.Context, r store.Run, trial runner.Trial) (*trained.Model, error) {
	artifact, err := k.parameters(ctx, r)
	if err != nil {
		return nil, err
	}
	meta, err := k.describe(trial, nil)
	if err != nil {
		return nil, err
	}
	content, err := trained.Attach(artifact.Content, meta)
	if err != nil {
		return nil, err
	}
	m, err := trained.Read(content)
	if err != nil {
		return nil, advice.Usage(fmt.Errorf("run %d cannot predict: %w", r.ID, err), "linear, logistic, softmax and mlp can")
	}
	return m, nil
}

// IsFile reports whether the name of a model is that of a file.
func IsFile(name string) bool { return strings.HasSuffix(name, ".safetensors") }

// ReadFile reads the model of a file.
func ReadFile(name string) (*trained.Model, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return nil, advice.Usage(err, "xrun best -o model.safetensors writes one")
	}
	m, err := trained.Read(content)
	if err != nil {
		return nil, advice.Usage(fmt.Errorf("%s: %w", name, err), "")
	}
	return m, nil
}
