package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
)

// version3 is a folder with a database that the last xrun of schema 3 has written, migrated, and the sweep files of it.
func version3(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("..", "..", "store", "testdata", "v3"))); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	does(t, "db", "migrate")
	return dir
}

// does runs xrun in this process, which has to succeed.
func does(t *testing.T, args ...string) (stdout, stderr string) {
	t.Helper()
	code, out, errs := inProcess(t, args...)
	if code != 0 {
		t.Fatalf("xrun %s ends with %d: %s", strings.Join(args, " "), code, errs)
	}
	return out, errs
}

// Every command reads a database that an earlier xrun has written, and shows of each run what that one kept.
func TestDatabasesOfEarlierVersions(t *testing.T) {
	version3(t)
	for _, c := range []struct{ command, want string }{
		{"compare plain", "val_loss 0.220 ± 1.448"}, // after the last epoch, which was kept
		{"compare plain --at best", "of parameters that are not kept"},
		{"compare plain --metric train_loss", "train_loss ↓ at the epoch of the best val_loss"},
		{"compare stopped", "an earlier version of xrun kept another epoch of 8 runs than [metric] names"},
		{"compare stopped --metric test_accuracy", "chosen by val_accuracy"},
		{"compare stopped-loss", "is best: val_loss"},
		{"compare program-last", "is best: val_accuracy 0.6"},
		{"compare program", "is best: val_loss 0.105"},
		{"compare diverged", "2 diverged"},
		{"compare pruned", "6 of 8 trials were pruned"},
		{"compare plugin", "mine lr 0.1"},
		{"compare interrupted", "No trial of interrupted has a val_loss yet."},
		{"compare plain delta", "plain + delta"},
		{"runs delta", "val_loss ↓"},
		{"runs --where kept_epoch==11 --limit 0", "delta"},
		{"best delta", "val_loss 0.3648 at epoch 5"},
		{"best program-last", "val_accuracy 0.6 at epoch 6"},
		{"best --run 9", "val_accuracy 0.8667 at epoch 16"},
		{"show 17", "val_loss 0.6244 at epoch 11 is kept"},
		{"diff 9 11", "which counts"},
		{"plot heatmap stopped-loss -o map.svg", ""},
		{"plot curves plain -o curves.svg", ""},
		{"export csv --wide --all", ",val_accuracy,"},
		{"export jsonl delta", `"kept_epoch":11`},
		{"export parquet plain -o tables", ""},
		{"export tensorboard plain -o logs", ""},
		{"sql SELECT|count(*)|AS|n|FROM|runs|WHERE|value|IS|NOT|NULL", "30"},
		{"replay plain --rule patience:1", "patience:1"},
		{"watch plain --once", "plain: 8 trials"},
		{"refine stopped -o -", "at = \"last\"\nname = \"val_accuracy\""},
		{"refine delta -o delta-next.toml", "delta-next.toml refines delta"},
		{"plan plain.toml", "8 results of this sweep have keys of an older version and are kept; their trials train again under the new one"},
		{"plan program.toml", "4 results of this sweep have keys of an older version and are kept"},
		{"predict 15 rows.csv", "predicted"},
		{"db check", "39 runs"},
		{"db info", "schema 7"},
		{"repro 33", "the same bits"}, // a program
		{"confirm delta --top 1 --seeds 2 --progress none", "over 2 fresh ones"},
		{"compare delta-confirm", "was picked as the best"},
	} {
		e2e.Write(t, "rows.csv", "sepal_length,sepal_width,petal_length,petal_width\n5,3,1.5,0.2\n")
		args := strings.Fields(c.command)
		for i := range args {
			args[i] = strings.ReplaceAll(args[i], "|", " ")
		}
		code, out, errs := inProcess(t, args...)
		if code != 0 || !strings.Contains(out+errs, c.want) {
			t.Errorf("xrun %s ends with %d, and %q is not in\n%s%s", c.command, code, c.want, out, errs)
		}
	}
	if _, _, errs := inProcess(t, "plan", "stopped.toml"); !strings.Contains(errs, "`restore_best = false` is not read any more") || !strings.Contains(errs, `at = "last" in [metric]`) {
		t.Errorf("a file with restore_best = false: %s", errs)
	}
	if code, _, errs := inProcess(t, "repro", "1"); code != 5 || !strings.Contains(errs, "run 1 has the bits of revision 0 of xrun's arithmetic, and this xrun computes those of revision 1") {
		t.Errorf("the repetition of a run of an earlier arithmetic ends with %d: %s", code, errs)
	}
	if code, _, errs := inProcess(t, "best", "--run", "30"); code != 5 || !strings.Contains(errs, "run 30 is diverged, and keeps nothing") {
		t.Errorf("the best of a run that diverged ends with %d: %s", code, errs)
	}
}

// A sweep of an earlier database says before it trains what there is of it under older keys, and leaves that alone.
func TestSweepsOfEarlierVersionsTrainAgain(t *testing.T) {
	version3(t)
	_, said := does(t, "sweep", "plain.toml", "--progress", "none")
	if !strings.Contains(said, "8 results of this sweep have keys of an older version and are kept; their trials train again under the new one\n") {
		t.Errorf("the sweep says\n%s", said)
	}
	if n := queried[struct{ N int }](t, "SELECT count(*) AS n FROM runs WHERE sweep = 'plain' AND value IS NOT NULL")[0].N; n != 16 {
		t.Errorf("there are %d results of both versions, want 16", n)
	}
	if _, said := does(t, "sweep", "plain.toml", "--progress", "none"); strings.Contains(said, "older version") {
		t.Errorf("a sweep that is done says\n%s", said)
	}
	// Another [metric] makes trials new, and plan and sweep say how to do without.
	text, err := os.ReadFile("plain.toml")
	if err != nil {
		t.Fatal(err)
	}
	e2e.Write(t, "plain.toml", strings.Replace(string(text), `name = "val_loss"`, "name = 'train_loss'\nat = 'last'", 1))
	const want = "8 trials are new because [metric] says what is kept; xrun compare "
	out, _ := does(t, "plan", "plain.toml")
	_, said = does(t, "sweep", "plain.toml", "--progress", "none")
	for _, text := range []string{out, said} {
		_, command, ok := strings.Cut(text, want)
		command, _, shows := strings.Cut(command, " shows it without training\n")
		if !ok || !shows {
			t.Errorf("there is no %q in\n%s", want, text)
			continue
		}
		shown, _ := does(t, append([]string{"compare"}, strings.Fields(command)...)...)
		if !strings.Contains(shown, "train_loss ↓ after the last epoch") {
			t.Errorf("xrun compare %s shows\n%s", command, shown)
		}
	}
}

// Where the best value of a curve and its last, or the best by min_delta, are different epochs, everything is about one.
func TestTheBestEpochIsTheOneThatIsKept(t *testing.T) {
	t.Chdir(t.TempDir())
	e2e.Write(t, "train.csv", "a,b,y\n1,0,p\n-1,0.2,n\n0.3,1,n\n-0.3,-1,p\n")
	e2e.Write(t, "val.csv", "a,b,y\n1,2,p\n-1,-2,n\n0.5,0.5,p\n")
	e2e.Write(t, "worse.toml", "[task]\ndataset = 'train.csv'\ntarget = 'y'\nmodel = 'logistic'\nvalidation = 'val.csv'\nbatch = 'full'\nepochs = 200\n[grid]\nlr = 1.0\noptimizer = 'sgd'\n")
	e2e.Write(t, "slow.toml", "[task]\ndataset = 'iris'\nmodel = 'softmax'\nepochs = 30\n[grid]\nlr = 0.05\n[early_stop]\npatience = 5\nmin_delta = 0.05\n")
	for _, sweep := range []string{"worse", "slow"} {
		does(t, "sweep", sweep+".toml", "--progress", "none")
		best := queried[struct {
			Step  int     `json:"min_step"`
			Value float64 `json:"min"`
			Epoch int     `json:"kept_epoch"`
			Of    float64 `json:"value"`
		}](t, "SELECT b.min_step, b.min, r.kept_epoch, r.value FROM best b JOIN runs r USING (run_id) WHERE sweep = '%s' AND b.metric = 'val_loss'", sweep)[0]
		if best.Step != best.Epoch || best.Value != best.Of {
			t.Errorf("%s: the best is %v at epoch %d, and kept is epoch %d with %v", sweep, best.Value, best.Step, best.Epoch, best.Of)
		}
	}
	does(t, "best", "worse", "-o", "m.safetensors")
	if _, said := does(t, "predict", "m.safetensors", "val.csv"); !strings.Contains(said, "loss 1.00892,") {
		t.Errorf("the exported model is another: %s", said)
	}
	if _, err := exec.LookPath("sh"); err == nil { // a program counts by its curve, and keeps its own parameters
		e2e.Write(t, "p.toml", "[task]\ncommand = ['sh', 'p.sh', '{lr}']\nmetrics = ['val_loss']\n[grid]\nlr = [1, 2]\n")
		e2e.Write(t, "p.sh", `for e in 1 2 3; do echo "{\"epoch\": $e, \"val_loss\": $((e * e - 4 * e + $1 + 4))}"; done`)
		does(t, "sweep", "p.toml", "--progress", "none")
		if out, _ := does(t, "best", "p"); !strings.Contains(out, "val_loss 1 at epoch 2") {
			t.Errorf("the best program is said to be\n%s", out)
		}
	}
}
