package keeping

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// Tell says which run was chosen, and what to do next. path is the file that has its parameters, or empty; arguments are the
// flags for the database.
func (k Keeper) Tell(ctx context.Context, stdout, stderr io.Writer, found question.KeptRun, path string, arguments []string) error {
	r := found.Run
	label, err := question.LabelOf(ctx, k.Store, r)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "run %d of %s: %s seed %d, %s %s at epoch %d\n", r.ID, found.Sweep, label, r.Seed, found.Metric, stats.Number(found.Kept.Value), found.Kept.Epoch)
	if path != "" {
		tellFile(stdout, stderr, path)
		return nil
	}
	again := fmt.Sprintf("xrun repro %d runs it again", r.ID)
	_, err = k.Store.ArtifactOf(ctx, r.ID)
	switch {
	case err == nil:
		fmt.Fprintf(stderr, "\nNext: xrun best -o model.safetensors writes its parameters   ·   %s\n", again)
	case errors.Is(err, store.ErrNotFound): // of a program, or imported
		fmt.Fprintf(stderr, "\nNext: %s shows all of it   ·   %s\n", advice.Command(append([]string{"show", fmt.Sprint(r.ID)}, arguments...)...), again)
		if folder, ok := Folder(k.Store, r.Trial); ok {
			fmt.Fprintf(stderr, "the files of its trial are in %s\n", folder)
		}
	default:
		return err
	}
	return nil
}

func tellFile(stdout, stderr io.Writer, path string) {
	fmt.Fprintf(stdout, "%s has its parameters\n", path)
	fmt.Fprintf(stderr, "\nNext: %s\n", advice.Command("predict", path, "data.csv"))
}

// Tell says what was trained, that nothing has judged it, and what to do next.
func (r Refit) Tell(stdout, stderr io.Writer, path string) {
	fmt.Fprintln(stdout, r)
	fmt.Fprintln(stderr, r.Unjudged())
	tellFile(stdout, stderr, path)
}

// JSON is the refit as JSON has it.
func (r Refit) JSON(path string) any {
	return map[string]any{"xrun_refit": 1, "point": r.Label, "seed": r.Seed, "epochs": r.Epochs, "why": r.Why, "rows": r.Rows, "training_rows": r.Train, "validation_rows": r.Validation, "test_rows": r.Test,
		"judged": false, "expected": r.Expected, "file": path}
}
