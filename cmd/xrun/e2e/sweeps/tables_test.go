package sweeps

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/tests"
	"github.com/xrun-dev/xrun/sweeps"
	"github.com/xrun-dev/xrun/sweeps/examples/tables"
)

// exampleTables makes the example tables in a folder, with their sweep files beside them.
func exampleTables(t *testing.T) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := tables.Make(dir, tables.All()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"passengers.toml", "houses.toml", "wide.toml"} {
		text, err := os.ReadFile(e2e.Path("sweeps", "examples", "tables", name))
		if err != nil {
			t.Fatal(err)
		}
		e2e.Write(t, filepath.Join(dir, name), string(text))
	}
	return dir
}

// The sweep files of the example tables are trained as they stand, and so are those that init writes.
func TestTheExampleTablesAreTrained(t *testing.T) {
	t.Parallel()
	dir := exampleTables(t)
	for _, name := range []string{"passengers", "houses", "wide"} {
		out, _ := e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "--quick", name+".toml", "--progress", "none"))
		if !strings.Contains(out, " is best: ") {
			t.Errorf("%s: nothing is best:\n%s", name, out)
		}
		format := ".csv"
		if name == "wide" {
			format = ".libsvm"
		}
		e2e.Run(t, 0, e2e.Xrun(t, dir, "init", "--dataset", name+format, "of-"+name+".toml"))
		e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", "--quick", "of-"+name+".toml", "--progress", "none"))
	}
}

// python runs a script in a folder; it has to print that all is the same.
func python(t *testing.T, dir, script string, args ...string) {
	t.Helper()
	cmd := exec.Command(e2e.Python(t, "sklearn, pandas, safetensors.numpy"), append([]string{"-c", script}, args...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil || !strings.HasSuffix(strings.TrimSpace(string(out)), "the same") {
		t.Errorf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// pipelines are those of scikit-learn for the example tables, as its users write them, and the names of their columns in the form of
// xrun's.
const pipelines = `
import json, sys
import numpy as np, pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler

def one_hot(rare):
    return OneHotEncoder(min_frequency=rare, handle_unknown="infrequent_if_exist", sparse_output=False)

def passengers(path):
    table = pd.read_csv(path, dtype={"class": str, "port": object})
    numbers = ["siblings", "fare"]
    pipeline = ColumnTransformer([
        ("scaled", StandardScaler(), numbers),
        ("age", make_pipeline(SimpleImputer(strategy="mean"), StandardScaler()), ["age"]),
        ("no_age", FunctionTransformer(lambda x: x.isna().astype(float)), ["age"]),
        ("kept", one_hot(8), ["class", "sex"]),
        ("port", make_pipeline(SimpleImputer(strategy="constant", fill_value="(missing)"), one_hot(8)), ["port"]),
    ])
    def names():
        all = numbers + ["age", "age=(missing)"]
        for of, encoder in ((["class", "sex"], pipeline.named_transformers_["kept"]), (["port"], pipeline.named_transformers_["port"][-1])):
            all += levels(of, encoder)
        return all
    return table, (table["survived"] == "yes").astype(int), pipeline, names

def levels(columns, encoder):
    all = []
    for i, column in enumerate(columns):
        rare = encoder.infrequent_categories_[i]
        own = [c for c in encoder.categories_[i] if rare is None or c not in rare]
        all += [f"{column}={c}" for c in own] + ([] if rare is None else [f"{column}=(rare)"])
    return all

def houses(path):
    table = pd.read_csv(path, sep=";", decimal=",", encoding="latin-1", keep_default_na=False, na_values=["NA"])
    table["sold"] = (pd.to_datetime(table["sold"]) - pd.Timestamp("1970-01-01")) / pd.Timedelta(days=1)
    table["lift"] = (table["lift"] == "yes").astype(float)
    scale = ["poor", "fair", "good", "very good", "excellent"]
    pipeline = ColumnTransformer([
        ("scaled", StandardScaler(), ["rooms", "lift", "sold"]),
        ("area", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), ["area"]),
        ("built", make_pipeline(SimpleImputer(strategy="mean"), StandardScaler()), ["built"]),
        ("no_built", FunctionTransformer(lambda x: x.isna().astype(float)), ["built"]),
        ("quality", make_pipeline(SimpleImputer(strategy="most_frequent"), OrdinalEncoder(categories=[scale]), StandardScaler()), ["quality"]),
        ("kept", one_hot(5), ["town", "heating"]),
    ])
    def names():
        return ["rooms", "lift", "sold", "area", "built", "built=(missing)", "quality"] + levels(["town", "heating"], pipeline.named_transformers_["kept"])
    return table, table["price"].to_numpy(), pipeline, names
`

// sameInputs holds a matrix that xrun encoded against the pipeline, column by column.
const sameInputs = pipelines + `
of = sys.argv[1]
table, y, pipeline, names = {"passengers": passengers, "houses": houses}[of](of + ".csv")
got = json.load(open("encoded.json"))
train, rest = got["train"], got["rest"]
wants = pipeline.fit_transform(table.iloc[train]), pipeline.transform(table.iloc[rest])
assert sorted(names()) == sorted(got["names"]), (names(), got["names"])
for part, want in zip(("of_train", "of_rest"), wants):
    x = np.array(got[part])
    for j, name in enumerate(got["names"]):
        column = np.asarray(want)[:, names().index(name)].astype(float)
        if "=" in name:
            assert np.array_equal(x[:, j], column), name
        else:
            far = np.abs(x[:, j] - column).max() / np.abs(column).max()
            assert far < 1e-12, (name, far)
print("the same")
`

// splitRows takes every fifth row for validation.
func splitRows(n int) (split data.Split) {
	for i := range n {
		if i%5 == 3 {
			split.Validation = append(split.Validation, i)
		} else {
			split.Train = append(split.Train, i)
		}
	}
	return split
}

func TestTheExampleTablesAreEncodedAsByScikitLearn(t *testing.T) {
	t.Parallel()
	tests.NeedExamples(t, "imports scikit-learn")
	dir := exampleTables(t)
	for _, name := range []string{"passengers", "houses"} {
		path := filepath.Join(dir, name+".toml")
		spec, err := training.Load(t.Context(), path, sweeps.Changes{}, training.NewStillCatalog(path, "test"))
		if err != nil {
			t.Fatal(err)
		}
		set, err := training.OpenDataset(spec.Trials()[0].Task)
		if err != nil {
			t.Fatal(err)
		}
		split := splitRows(set.Len())
		parts := data.Prepare[float64](set, split, true)
		e2e.Write(t, filepath.Join(dir, "encoded.json"), string(must(json.Marshal(map[string]any{
			"names": set.Encode(split.Train, true).Inputs(), "train": split.Train, "rest": split.Validation,
			"of_train": rowsOf(parts.Train), "of_rest": rowsOf(parts.Validation)}))))
		python(t, dir, sameInputs, name)
	}
}

func must(text []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return text
}

func rowsOf(p data.Part[float64]) (rows [][]float64) {
	for i := range p.N {
		rows = append(rows, p.X[i*p.D:][:p.D])
	}
	return rows
}

// sameOptimum holds what full-batch descent ends at against scikit-learn's solution. J is the mean loss and λ/(2m)·Σθ² with m
// training rows and no penalty on biases: C = 1/λ in LogisticRegression, alpha = λ in Ridge.
const sameOptimum = pipelines + `
from safetensors.numpy import load_file
from sklearn.datasets import load_svmlight_file
from sklearn.linear_model import LogisticRegression, Ridge
of, strength = sys.argv[1], float(sys.argv[2])
if of == "wide":
    x, y = load_svmlight_file("train.libsvm", n_features=5000)
    model = LogisticRegression(C=1 / strength, tol=1e-10, max_iter=1000, solver="newton-cg").fit(x, y)
    order = slice(None)
else:
    table, y, pipeline, names = {"passengers": passengers, "houses": houses}[of]("train.csv")
    x = np.asarray(pipeline.fit_transform(table)).astype(float)
    order = [names().index(n) for n in json.load(open("names.json"))]
    if of == "houses":
        model = Ridge(alpha=strength, solver="cholesky").fit(x, y)
    else:
        model = LogisticRegression(C=1 / strength, tol=1e-12, max_iter=10000, solver="newton-cholesky").fit(x, y)
found = load_file("model.safetensors")
weights, bias = sorted(found.values(), key=np.size, reverse=True)
want, at = np.atleast_2d(model.coef_)[:, order], np.atleast_1d(model.intercept_)
weights, bias = weights.reshape(want.shape), bias.reshape(at.shape)
if of == "wide":  # a number that is added to all biases changes nothing
    bias, at = bias - bias.mean(), at - at.mean()
far = max(np.abs(weights - want).max() / np.abs(want).max(), np.abs(bias - at).max() / np.abs(at).max())
assert far < 1e-6, far
print(far, "the same")
`

func TestTheExampleTablesHaveTheOptimumOfScikitLearn(t *testing.T) {
	t.Parallel()
	tests.NeedExamples(t, "imports scikit-learn")
	for name, grid := range map[string]string{"passengers": "lr = 0.5\nlambda = 1.0", "houses": "lr = 0.1\nlambda = 10.0", "wide": "lr = 0.2\nlambda = 1.0"} {
		t.Run(name, func(t *testing.T) {
			dir := exampleTables(t)
			path := filepath.Join(dir, name+".toml")
			spec, err := training.Load(t.Context(), path, sweeps.Changes{}, training.NewStillCatalog(path, "test"))
			if err != nil {
				t.Fatal(err)
			}
			ending := filepath.Ext(spec.Trials()[0].Task.Dataset)
			text, err := os.ReadFile(filepath.Join(dir, name+ending))
			if err != nil {
				t.Fatal(err)
			}
			divide(t, dir, ending, text)
			toml, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			e2e.Write(t, path, fullBatch(string(toml), name+ending, ending, grid))
			e2e.Run(t, 0, e2e.Xrun(t, dir, "sweep", name+".toml", "--progress", "none"))
			e2e.Run(t, 0, e2e.Xrun(t, dir, "best", "-o", "model.safetensors"))
			if name != "wide" {
				spec, err := training.Load(t.Context(), path, sweeps.Changes{}, training.NewStillCatalog(path, "test"))
				if err != nil {
					t.Fatal(err)
				}
				set, err := training.OpenDataset(spec.Trials()[0].Task)
				if err != nil {
					t.Fatal(err)
				}
				all := make([]int, set.Len())
				for i := range all {
					all[i] = i
				}
				e2e.Write(t, filepath.Join(dir, "names.json"), string(must(json.Marshal(set.Encode(all, true).Inputs()))))
			}
			python(t, dir, sameOptimum, name, strconv.FormatFloat(lambdaOf(grid), 'g', -1, 64))
		})
	}
}

// lambdaOf is the strength in a grid of one point.
func lambdaOf(grid string) (lambda float64) {
	_, text, _ := strings.Cut(grid, "lambda = ")
	lambda, _ = strconv.ParseFloat(text, 64)
	return lambda
}

// divide writes every fifth row of a table to rest, and the others to train.
func divide(t *testing.T, dir, ending string, text []byte) {
	t.Helper()
	lines := bytes.SplitAfter(bytes.TrimRight(text, "\n"), []byte("\n"))
	var train, rest bytes.Buffer
	if ending == ".csv" {
		train.Write(lines[0])
		rest.Write(lines[0])
		lines = lines[1:]
	}
	for i, line := range lines {
		if i%5 == 3 {
			rest.Write(line)
		} else {
			train.Write(line)
		}
	}
	e2e.Write(t, filepath.Join(dir, "train"+ending), train.String())
	e2e.Write(t, filepath.Join(dir, "rest"+ending), rest.String())
}

// fullBatch keeps how a sweep file reads its table, and trains one point on the rows of train by descent with all of them in each step.
func fullBatch(toml, file, ending, grid string) string {
	task, _, _ := strings.Cut(toml[strings.Index(toml, "[task]"):], "[metric]")
	var kept []string
	for line := range strings.Lines(task) {
		switch key, _, _ := strings.Cut(strings.TrimSpace(line), " "); key {
		case "batch", "epochs", "validation", "report":
		default:
			kept = append(kept, line)
		}
	}
	task = strings.Replace(strings.Join(kept, ""), strconv.Quote(file), strconv.Quote("train"+ending), 1)
	return fmt.Sprintf("divergence = false\n%s\nvalidation = %q\nbatch = \"full\"\nepochs = 4000\n[metric]\nname = \"J\"\nat = \"last\"\n[grid]\n%s\n[optimizers.sgd]\nmomentum = 0.95\nnesterov = true\n",
		task, "rest"+ending, grid)
}
