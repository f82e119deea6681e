package imports

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
)

// writeAim has Aim write runs, and tells what it has tracked. Run 18 is killed long ago, as its check-ins say, and 19 is killed just now.
const writeAim = `
import os, subprocess, time
import aim

def write(i):
    seed, lr, optimizer = i % 5 + i // 20 * 5, [0.1, 0.003][i // 5 % 2], ["sgd", "adam"][i // 10 % 2]
    run = aim.Run(experiment="mnist ☃", system_tracking_interval=None, log_system_params=False, capture_terminal_logs=False)
    run["hparams"] = {"lr": lr, "optimizer": optimizer, "model": {"width": 64, "blocks": [1, 2]}, "none": None, "flag": True, "größe": "1e5"}
    run["seed"] = seed
    run.name = ["run %d" % i, "läuft ☃ %d" % i, 'a/b: "c" %d' % i][i % 3]
    run.description = "about %d" % i
    run.add_tag("first")
    run.archived = i == 5
    curves = {}
    def track(name, shown, step, x, **context):
        run.track(x, name=name, step=step, context=context)
        curves.setdefault(shown, []).append((step, x))
    for step in range(12):
        loss = (1.0 + 0.01 * seed + (0.3 if optimizer == "sgd" else 0.0)) * (1 - lr) ** step + 1e-3 / 3
        track("loss", "val_loss", step, loss, subset="val")
        track("loss", "train_loss", step, float("nan") if step == 4 else loss / 7, subset="train")
        track("acc", "acc", step, step)
        track("odd/é", "odd/é [fold=3, k=x]", step * 2, float("-inf") if step == 3 else step / 3, fold=3, k="x")
        if step == 5:
            run.track(aim.Text("some words"), name="words", step=step)
            run.track(aim.Distribution([1, 2, 3]), name="histogram", step=step)
    status = "failed" if i == 18 else "interrupted" if i == 19 else "finished"
    settings = {"lr": lr, "optimizer.component": optimizer, "seed": seed, "model.width": 64, "model.blocks": "[1,2]", "flag": True, "größe": "1e5"}
    line = told(run.hash, status, settings, curves, run.name, run.creation_time)
    if status != "finished":
        say([line])
        if i == 18:
            time.sleep(1)
        os._exit(9)
    hash, began, repo = run.hash, run.creation_time, run.repo
    run.close()
    line["wall"] = repo.request_tree("meta", hash, read_only=True).subtree("meta").subtree("chunks").subtree(hash)["end_time"] - began
    return line

if __name__ == "__main__":
    if not os.path.isdir(".aim"):
        aim.Repo(".", init=True)
    first, behind = int(sys.argv[1]), int(sys.argv[2])
    runs = []
    for i in range(first, behind):
        if i in (18, 19) and behind > first + 1:
            p = subprocess.run([sys.executable, __file__, str(i), str(i + 1)], stdout=subprocess.PIPE)
            runs += json.loads(p.stdout.decode().strip().splitlines()[-1])
            if i == 18: # its check-ins are of long ago
                for name in os.listdir(".aim/check_ins"):
                    if name.startswith(runs[-1]["id"]):
                        parts = name.split("-")
                        parts[-2] = "%.2f" % (float(parts[-2]) - 10000)
                        os.rename(".aim/check_ins/" + name, ".aim/check_ins/" + "-".join(parts))
        else:
            runs.append(write(i))
    say(runs)
`

func TestImportAim(t *testing.T) {
	tool := interpreter(t, trackersPython, "aim")
	dir := t.TempDir()
	from := filepath.Join(dir, ".aim")
	written := toldBy(t, tool, dir, writeAim, "0", "20")
	before := content(t, from)
	out, told := importing(t, dir, "aim", "--python", tool, ".")
	said(t, out, "20 runs of 4 points", "as the sweep mnist ☃", "compared by val_loss, the smaller the better")
	said(t, told, "1 run was still running there", "not taken: 40 sequences of texts, images and other objects")
	same(t, dir, "mnist ☃", written)
	judged(t, dir, "mnist ☃", "adam", "sgd")
	untouched(t, from, before)

	out, _ = importing(t, dir, "aim", "--python", tool, ".aim")
	said(t, out, "1 run of", "19 runs were there already")
	same(t, dir, "mnist ☃", written)

	more := toldBy(t, tool, dir, writeAim, "20", "22")
	copied := filepath.Join(dir, "elsewhere", ".aim")
	if err := os.CopyFS(copied, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	out, _ = importing(t, dir, "aim", "--python", tool, copied)
	said(t, out, "3 runs of", "19 runs were there already")
	same(t, dir, "mnist ☃", append(slices.Clone(written), more...))

	// A run that Aim cannot read costs no other.
	files, err := filepath.Glob(filepath.Join(copied, "seqs", "chunks", written[0].ID, "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		e2e.Write(t, file, "nothing")
	}
	other := t.TempDir()
	out, told = importing(t, other, "aim", "--python", tool, copied)
	said(t, out, "21 runs of")
	said(t, told, "run "+written[0].ID+" is left out, as aim cannot read it")

	_, told = e2e.Run(t, 2, e2e.Xrun(t, dir, "import", "aim", "--python", tool, t.TempDir()))
	said(t, told, "has no runs of Aim: there is no meta")
	e2e.Write(t, filepath.Join(copied, "run_metadata.sqlite"), "nothing")
	_, told = e2e.Run(t, 5, e2e.Xrun(t, t.TempDir(), "import", "aim", "--python", tool, copied))
	said(t, told, "is left out, as aim cannot read it", "… and 17 more runs", "has no runs")
}
