package trackers

import (
	"context"
	_ "embed"
	"os"
	"path/filepath"
	"strings"
)

var _ = add(Tracker{
	Name: "aim", Title: "Aim", From: "FOLDER", Script: true,
	About: `FOLDER is a repository: a folder .aim, or the one that has it. Its runs are read by the Python package aim. That writes where it reads, so it
gets a copy of each run in turn, among the temporary files. Each experiment becomes a sweep. Parameters below hparams lose that name. A metric
with the context subset is named SUBSET_NAME, such as val_loss; other contexts stand behind its name, as in loss [fold=3]. A run without an end
is taken for running, or for failed where it has missed its check-ins. Archived runs are taken, and their notes say so. Metrics of the machine,
texts, images and other objects are not taken.`,
	Open: openAim,
})

const aimTitle = "Aim"

//go:embed scripts/aim.py
var aimScript string

func openAim(ctx context.Context, from string, o Options) (Source, error) {
	if strings.Contains(from, "://") {
		return nil, unreadable(from, aimTitle, "xrun reads a repository from its folder")
	}
	if _, err := os.Stat(from); err != nil {
		return nil, cannotOpen(err)
	}
	if inner := filepath.Join(from, ".aim"); isFolder(inner) {
		from = inner
	}
	for _, part := range []string{"meta", "run_metadata.sqlite"} {
		if _, err := os.Stat(filepath.Join(from, part)); err != nil {
			return nil, unreadable(from, aimTitle, "there is no "+part)
		}
	}
	from, err := filepath.Abs(from)
	if err != nil {
		return nil, err
	}
	return ask(ctx, o, aimTitle, aimScript, from)
}
