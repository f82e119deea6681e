package imported

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
)

func read(t *testing.T, text string, o Options) *Results {
	t.Helper()
	o.Name = "f.csv"
	r, err := Read(strings.NewReader(text), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// brief is a run in one line.
func brief(r Run) string {
	t := r.Trial
	text := t.Optimizer.Component
	if t.Regularizer != nil {
		text += " " + t.Regularizer.Component
	}
	text += fmt.Sprintf(" lr %v lambda %v seed %d", t.LR, t.Lambda, t.Seed)
	for _, a := range t.Axes {
		text += fmt.Sprintf(" %s %s %v", a.Path, a.Value.Type, a.Value)
	}
	text += " " + string(r.Status)
	for _, p := range r.Points {
		text += fmt.Sprintf(" %d:%v%v", p.Epoch, p.Metrics, p.Values)
	}
	return strings.TrimSpace(text)
}

func TestFormsOfFiles(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		o    Options
		want []string
	}{
		"long, rows in any order": {"lr,metric,epoch,value,seed\n0.1,val_loss,2,NaN,0\n0.1,val_loss,1,0.5,0\n1e-1,acc,1,0.25,0\n0.1,val_loss,1,3,1\n", Options{},
			[]string{"lr 0.1 lambda 0 seed 0 diverged 1:[val_loss acc][0.5 0.25] 2:[val_loss][NaN]", "lr 0.1 lambda 0 seed 1 finished 1:[val_loss][3]"}},
		"wide, with epochs": {"optimizer,regularizer,lambda,step,val_loss,train_loss\nadam,l2,1,0,2,1\nadam,l2,1,1,,0.5\nadam,none,0,0,4,3\n", Options{},
			[]string{"adam l2 lr 0 lambda 1 seed 0 finished 0:[val_loss train_loss][2 1] 1:[train_loss][0.5]", "adam lr 0 lambda 0 seed 0 finished 0:[val_loss train_loss][4 3]"}},
		"wide, a row a run, with settings": {"batch,wd,nesterov,note,width,score\n16,0.5,True,a,1,7\nfull,1,FALSE,,2,8\n", Options{Metrics: []string{"score"}},
			[]string{"lr 0 lambda 0 seed 0 batch text 16 wd real 0.5 nesterov flag true note text a width integer 1 finished 1:[score][7]",
				"lr 0 lambda 0 seed 0 batch text full wd real 1 nesterov flag false width integer 2 finished 1:[score][8]"}},
		"semicolons and decimal commas": {"\ufefflr;val_loss\r\n0,5;1,25\r\n", Options{}, []string{"lr 0.5 lambda 0 seed 0 finished 1:[val_loss][1.25]"}},
		"infinite once":                 {"lr,epoch,acc,loss\n1,1,1,2\n1,2,1,-inf\n1,3,1,1\n", Options{Metrics: []string{"loss", "acc"}}, []string{"lr 1 lambda 0 seed 0 diverged 1:[acc loss][1 2] 2:[acc loss][1 -Inf] 3:[acc loss][1 1]"}},
		"before training":               {"lr,epoch,loss\n1,0,NaN\n1,1,2\n", Options{}, []string{"lr 1 lambda 0 seed 0 finished 0:[loss][NaN] 1:[loss][2]"}},
		"said to be finished":           {"lr,epoch,status,loss\n1,1,finished,NaN\n1,2,finished,2\n", Options{}, []string{"lr 1 lambda 0 seed 0 diverged 1:[loss][NaN] 2:[loss][2]"}},
		"another metric":                {"lr,epoch,loss,acc\n1,1,2,inf\n1,2,1,inf\n", Options{Metrics: []string{"loss"}}, []string{"lr 1 lambda 0 seed 0 finished 1:[loss acc][2 +Inf] 2:[loss acc][1 +Inf]"}},
		"tabs, row numbers":             {"\tlr\tloss\n0\t0.5\t-inf\n", Options{}, []string{"lr 0.5 lambda 0 seed 0 diverged 1:[loss][-Inf]"}},
		"mapped": {"eta,l2,rep,final,comment,epochs\n1,2,3,4,x,5\n", Options{Map: []Mapping{{"eta", "lr"}, {"l2", "lambda"}, {"rep", "seed"}, {"final", "val_loss"}, {"comment", "-"}}, Metrics: []string{"val_loss"}},
			[]string{"lr 1 lambda 2 seed 3 epochs integer 5 finished 1:[val_loss][4]"}},
		"statuses": {"lr,status,val_loss\n1,stopped,1\n2,failed,\n3,running,2\n4,,NaN\n", Options{},
			[]string{"lr 1 lambda 0 seed 0 stopped 1:[val_loss][1]", "lr 2 lambda 0 seed 0 failed", "lr 3 lambda 0 seed 0 failed 1:[val_loss][2]", "lr 4 lambda 0 seed 0 diverged 1:[val_loss][NaN]"}},
		"a metric that is asked for": {"lr,metric,value\n1,a,1\n1,b,2\n", Options{Metrics: []string{"b"}}, []string{"lr 1 lambda 0 seed 0 finished 1:[b][2]"}},
		"reserved names": {"optimizer.component,optimizer.momentum,task.command,val_loss\nsgd,0.9,x,1\n", Options{},
			[]string{"lr 0 lambda 0 seed 0 imported.optimizer.component text sgd optimizer.momentum real 0.9 imported.task.command text x finished 1:[val_loss][1]"}},
		"what was kept from spreadsheets": {"optimizer,val_loss\n'=a,1\n''b,2\n", Options{}, []string{"=a lr 0 lambda 0 seed 0 finished 1:[val_loss][1]", "'b lr 0 lambda 0 seed 0 finished 1:[val_loss][2]"}},
	} {
		t.Run(name, func(t *testing.T) {
			var got []string
			for _, run := range read(t, c.text, c.o).Runs {
				got = append(got, brief(run))
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

func TestMistakesHaveAPlaceAndAWayOut(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "f.csv:1:1: the file is empty (the first line names the columns)",
		"lr,val_loss\n":                "f.csv:1:1: there are no rows",
		"lr,batch\n1,2\n":              "f.csv:1:1: no column is a metric (name it with --metric; there are lr, batch)",
		"lr,lr\n1,2\n":                 `f.csv:1:4: there are two columns "lr" (give every column a name of its own)`,
		"lr,learning_rate,val_loss\n":  `f.csv:1:1: the columns "lr" and "learning_rate" both are the learning_rate (--map one of them to another name, or to - to leave it out)`,
		"lr,val_loss\n1,2\nx,3\n":      `f.csv:3:1: lr is "x", and not a number (numbers are like 0.001, 1e-3, NaN or inf; --map "lr"=- leaves the column out)`,
		"lr,val_loss\n1,2,3\n":         "f.csv:2:1: wrong number of fields (the first line names 2 columns)",
		"lr,val_loss\n1,\"2\n":         `f.csv:2:6: extraneous or missing " in quoted-field (a cell with quotation marks stands in quotation marks, and doubles its own)`,
		"lr,val_loss\nNaN,2\n":         "f.csv:2:1: lr is NaN (it has to be a number)",
		"lr,val_loss\n-1,2\n":          "f.csv:2:1: lr is -1, less than 0",
		"epoch,val_loss\n1.5,2\n":      `f.csv:2:1: epoch is "1.5", and not an integer from 0 to 1000000000`,
		"lr,val_loss\n1,2\n2,3\n1,2\n": "f.csv:4:1: line 2 has val_loss of the same run and the same epoch (what tells the two apart has to be a column, such as seed or epoch)",
		"lr,epoch,status,loss\n1,1,finished,2\n1,2,failed,2\n": "f.csv:3:1: the run is failed here, and finished in line 2 (what tells two runs apart has to be a column, such as seed)",
		"a,val_loss\n1,2\n01,3\n":                              "f.csv:3:1: this is the run of line 2, written in another way (write equal values alike)",
		"lr,metric,value\n1,a,\n":                              "f.csv:2:5: the value is missing (write NaN for a value that is not a number, and no row for none)",
		"lr,metric,value\n1,a,1\n1,b,1\n":                      "f.csv:1:1: which of several metrics are trials compared by? (name it with --metric; it has a, b)",
		"status,loss\nok,1\n":                                  `f.csv:2:1: status is "ok", which is no status of a run (--map status=- leaves the column out, and --map status=outcome makes it a setting)`,
		"note,loss\n\xff,1\n":                                  "f.csv:2:1: note has characters that cannot be shown, or are not UTF-8 (save the file as UTF-8; --map note=- leaves the column out)",
		"lr,loss\n1,0x\n2,0y\n":                                "f.csv:2:3: loss is \"0x\", and not a number (numbers are like 0.001, 1e-3, NaN or inf; --map \"loss\"=- leaves the column out)\nf.csv:3:3: loss is \"0y\", and not a number (numbers are like 0.001, 1e-3, NaN or inf; --map \"loss\"=- leaves the column out)",
	} {
		_, err := Read(strings.NewReader(text), Options{Name: "f.csv"})
		if _, ok := errors.AsType[*Problems](err); !ok || err.Error() != want {
			t.Errorf("%q:\n%v\nwant\n%s", text, err, want)
		}
	}
	many := "lr,loss\n" + strings.Repeat("x,1\n", 30)
	if _, err := Read(strings.NewReader(many), Options{Name: "f.csv"}); err == nil || !strings.HasSuffix(err.Error(), "\nand 10 more") || strings.Count(err.Error(), "\n") != maxProblems {
		t.Errorf("%v", err)
	}
	if _, err := Read(strings.NewReader("lr,loss\n1,1\n"), Options{Name: "f.csv", Map: []Mapping{{"eta", "lr"}}}); err == nil || err.Error() != `f.csv:1:1: there is no column "eta" to map (there are lr, loss)` {
		t.Errorf("%v", err)
	}
}

// A trial from elsewhere has a key that depends on the file, and replicates have the same point.
func TestKeysOfImportedTrials(t *testing.T) {
	const text = "lr,seed,val_loss\n0.1,0,1\n0.1,1,2\n"
	a, b := read(t, text, Options{}), read(t, text+"0.2,0,3\n", Options{})
	if a.Runs[0].Trial.Point() != a.Runs[1].Trial.Point() || a.Runs[0].Trial.Key() == a.Runs[1].Trial.Key() {
		t.Error("replicates are not of one point")
	}
	if a.Digest == b.Digest || a.Runs[0].Trial.Key() == b.Runs[0].Trial.Key() {
		t.Error("other content gives the same keys")
	}
	if again := read(t, text, Options{}); again.Digest != a.Digest || again.Runs[1].Trial.Key() != a.Runs[1].Trial.Key() {
		t.Error("the same file gives other keys")
	}
	if mapped := read(t, text, Options{Map: []Mapping{{"val_loss", "loss"}}, Metrics: []string{"loss"}}); mapped.Digest == a.Digest {
		t.Error("what the columns are does not matter")
	}
	trained := runner.Trial{Task: runner.Task{Model: "softmax", Epochs: 1, Training: runner.Training{DType: plugins.Float64},
		Native: runner.Native{Supervised: runner.Supervised{Dataset: "iris", Digest: "d"}}}, LR: 0.1}
	if trained.Key() == a.Runs[0].Trial.Key() {
		t.Error("a trained trial has the same key")
	}
}

func TestGuessesOfWhatNoColumnIs(t *testing.T) {
	for text, want := range map[string][]Guess{
		"optimizer,lr,seed,loss\na,1,1,1\n":                                    nil,
		"method,eta,rep,loss\na,1,0,1\n":                                       {{"optimizer", "method"}, {"lr", "eta"}, {"seed", "rep"}},
		"note,way,eta,width,loss\nx,a,big,1,1\ny,a,small,2,1\nz,b,small,2,1\n": {{"optimizer", "way"}, {"lr", ""}, {"seed", ""}},
		"lr,random_state,id,loss\n1,2,3,4\n":                                   {{"optimizer", ""}, {"seed", "random_state"}},
	} {
		if got := read(t, text, Options{}).Guesses; !slices.Equal(got, want) {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestTheCurveOfAMetric(t *testing.T) {
	if r := read(t, "epoch,val_loss,other\n1,3,1\n2,1,NaN\n3,2,-inf\n", Options{Metrics: []string{"val_loss", "other"}}).Runs[0]; r.Status != runner.StatusFinished ||
		len(r.Events) != 1 || r.Events[0].Kind != "warning" || !strings.Contains(r.Events[0].Message, "other is NaN at epoch 2") {
		t.Errorf("a metric that is not finite: %s, %+v", r.Status, r.Events)
	}
	r := read(t, "epoch,val_loss,other\n0,NaN,1\n1,3,1\n2,1,\n3,1,2\n", Options{Metrics: []string{"val_loss", "other"}}).Runs[0]
	if got := fmt.Sprint(r.Curve("val_loss")); got != "[{0 NaN} {1 3} {2 1} {3 1}]" {
		t.Errorf("the curve is %s", got)
	}
	if got := fmt.Sprint(r.Curve("other")); got != "[{0 1} {1 1} {3 2}]" {
		t.Errorf("the curve with a gap is %s", got)
	}
}

// FuzzImportCSV looks for a text that is taken although something of it gets lost, or that breaks the reader.
func FuzzImportCSV(f *testing.F) {
	for _, text := range []string{"lr,metric,epoch,value\n1,a,1,2\n", "a;b;val_loss\n1;x;2,5\n", "\ufeff\"q\"\"q\",loss\n\"a\n\",NaN\n", "run_id,trial_key,step,x\n1,2,3,4\n", "lr,status,loss\n-0,running,-0\n",
		"optimizer,regularizer,lambda,seed,epoch,val_loss,wall_seconds\nadam,l2,0x1p-3,1.0,7,1e400,3\n", "task.command,early_stop.x,loss\n1,true,+Inf\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := Read(strings.NewReader(text), Options{Name: "f.csv"})
		if err != nil {
			if problems, ok := errors.AsType[*Problems](err); !ok || len(problems.List) == 0 || problems.List[0].Line < 1 || problems.List[0].Column < 1 {
				t.Fatalf("%q: %v", text, err)
			}
			return
		}
		keys := map[runner.Key]bool{}
		for _, run := range r.Runs {
			keys[run.Trial.Key()] = true
			if !slices.Contains(statuses, run.Status) || run.Status == runner.StatusRunning || math.IsNaN(run.Trial.LR) || run.Trial.LR < 0 || math.IsInf(run.Trial.Lambda, 0) {
				t.Fatalf("%q: %s", text, brief(run))
			}
			paths := map[string]bool{}
			for _, s := range run.Trial.Settings() {
				if paths[s.Path] || s.Path == "" || s.Value.IsZero() || s.Value.Real != s.Value.Real {
					t.Fatalf("%q: the setting %q is %v", text, s.Path, s.Value)
				}
				paths[s.Path] = true
			}
			last := -1
			for _, p := range run.Points {
				if p.Epoch <= last || len(p.Metrics) == 0 || len(p.Metrics) != len(p.Values) {
					t.Fatalf("%q: points %+v after epoch %d", text, p, last)
				}
				last = p.Epoch
			}
		}
		if len(keys) != len(r.Runs) || len(r.Runs) == 0 {
			t.Fatalf("%q: %d keys of %d runs", text, len(keys), len(r.Runs))
		}
	})
}
