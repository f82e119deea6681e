package sweeps

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/schedule"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// An exampleShelf is a shelf with an objective and a file of points.
type exampleShelf struct{ shelf }

func (s exampleShelf) Component(ctx context.Context, kind plugins.Kind, plugin, component string) (Found, error) {
	if kind == plugins.KindObjective {
		return Found{Spec: plugins.Spec{Kind: kind, Name: "poisson", Metrics: []string{plugins.MetricTrainLoss, "val_loss"},
			Settings: []plugins.Setting{plugins.IntegerSetting("width", 1, "")}}, Plugin: plugin, Identity: "sha256 of poisson"}, nil
	}
	return s.shelf.Component(ctx, kind, plugin, component)
}

func (s exampleShelf) Try(ctx context.Context, kind plugins.Kind, choice runner.Choice, task runner.Task) error {
	if task.Objective != nil {
		return nil // which the runner does not know
	}
	return s.shelf.Try(ctx, kind, choice, task)
}

func (exampleShelf) Text(context.Context, string) ([]byte, error) { return []byte("lr\n0.5\n"), nil }

// No plugin declares a setting that the sweep file takes for something else.
func TestKeysOfTablesAreReserved(t *testing.T) {
	for kind, table := range map[plugins.Kind]*table{plugins.KindOptimizer: optimizerTable, plugins.KindRegularizer: regularizerTable, plugins.KindObjective: pluginTaskTable} {
		got, want := plugins.ReservedSettings(kind), table.names("")
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("reserved for settings of %ss are %q, keys of the table are %q", kind, got, want)
		}
	}
}

// fileWith is a sweep file that has lines of a table, written as they are.
func fileWith(t *table, body string) string {
	has := func(key string) bool {
		return slices.ContainsFunc(strings.Split(body, "\n"), func(line string) bool { return strings.HasPrefix(line, key+" =") })
	}
	top, task, grid, rest := "", "[task]\nmodel = \"softmax\"\ndataset = \"digits\"\n", "[grid]\nlr = [0.01, 0.1]\n", ""
	header := strings.ReplaceAll(t.title, "NAME", "sgd")
	switch t {
	case topTable:
		top = body + "\n"
		if has("task") {
			task = ""
		}
		if has("grid") {
			grid = ""
		}
	case taskTable, foldsTable:
		if has("model") {
			task = "[task]\n"
		}
		task += body + "\n"
	case pluginTaskTable:
		task = "[task]\n" + body + "\n"
		if !has("plugin") {
			task += "plugin = \"./poisson\"\n"
		}
	case commandTaskTable:
		task, grid = "[task]\n"+body+"\n", ""
		if !has("command") {
			task += "command = [\"true\"]\n"
		} else {
			grid = "[grid]\nlr = 0.1\n"
		}
		if !has("metrics") {
			task += "metrics = [\"loss\"]\n"
		}
	case gridTable, axisTable:
		if has("lr") {
			grid = "[grid]\n"
		}
		grid += body + "\n"
	case scheduleTable:
		rest = "[optimizers.sgd]\n" + body + "\n"
	case regularizerTable:
		grid += "lambda = 0.1\n"
		rest = strings.ReplaceAll(t.title, "NAME", "l1") + "\n" + body + "\n"
	case runTable:
		if has("gpus") || has("cpus_per_trial") || has("per_gpu") { // a model of xrun has no use for them
			task, grid = "[task]\ncommand = [\"true\"]\nmetrics = [\"loss\"]\n", ""
		}
		rest = header + "\n" + body + "\n"
	case divergenceTable:
		rest = "[early_stop]\n" + body + "\n"
	default:
		rest = header + "\n" + body + "\n"
	}
	return top + task + grid + rest
}

// fingerprint is everything that a sweep file can say.
func fingerprint(t *testing.T, text string) string {
	t.Helper()
	s, err := Load(t.Context(), "sweep.toml", []byte(text), exampleShelf{})
	if err != nil {
		t.Fatalf("%v\nin\n%s", err, text)
	}
	out := fmt.Sprintf("%q %q %q %v %+v %+v %+v %+v %s", s.Name, s.Notes, s.Tags, s.Seeds, s.Run, s.Clusters, s.Stop, s.Metric, s.Resolved())
	if s.Task.Command != nil {
		out += fmt.Sprintf("%+v", *s.Task.Command)
	}
	return out
}

// without are the lines of a key's example that are not the key itself.
func (t *table) without(k *key) (lines []string) {
	for _, line := range append(t.needed(k), strings.Split(k.example, "\n")...) {
		if name, _, _ := strings.Cut(line, " ="); name != k.Name {
			lines = append(lines, line)
		}
	}
	return lines
}

func eachKey(t *testing.T, do func(t *testing.T, table *table, k *key)) {
	for _, table := range tables {
		for i := range table.keys {
			k := &table.keys[i]
			t.Run(strings.Join([]string{table.heading, k.Name, strings.Join(k.of, " ")}, "/"), func(t *testing.T) { do(t, table, k) })
		}
	}
}

func TestEveryKeyIsExplained(t *testing.T) {
	keys := 0
	for _, table := range Keys() {
		if table.Title == "" || !strings.HasSuffix(table.Meaning, ".") {
			t.Errorf("%q means %q", table.Title, table.Meaning)
		}
		for _, k := range table.Keys {
			keys++
			if k.Name == "" || k.Type == "" || k.Default == "" || k.Example == "" || !strings.HasSuffix(k.Meaning, ".") {
				t.Errorf("%s: incomplete: %+v", table.Title, k)
			}
		}
	}
	if keys < 102 {
		t.Errorf("%d keys", keys)
	}
	for name := range scheduleMeanings {
		kind, field, own := strings.Cut(name, ".")
		if !own {
			field = name
		}
		if !slices.ContainsFunc(schedule.Kinds, func(k schedule.Kind) bool {
			return (!own || string(k) == kind) && scheduleTable.find(field, string(k)) != nil
		}) {
			t.Errorf("no schedule has %s", name)
		}
	}
}

// What is documented parses, for the parser and for editors.
func TestExamplesOfKeysParse(t *testing.T) {
	schema := compiled(t)
	eachKey(t, func(t *testing.T, table *table, k *key) {
		text := fileWith(table, table.example(k))
		fingerprint(t, text)
		var v map[string]any
		if err := toml.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("the schema refuses\n%s\n%v", text, err)
		}
	})
}

func TestDefaultsOfKeysAreTheParsers(t *testing.T) {
	eachKey(t, func(t *testing.T, table *table, k *key) {
		if k.Default.IsZero() {
			return // the default is said in words: there is no value to write
		}
		without := table.without(k)
		left := fingerprint(t, fileWith(table, table.write(without)))
		given := fingerprint(t, fileWith(table, table.write(append(slices.Clip(without), k.Name+" = "+k.describeDefault()))))
		if left != given {
			t.Errorf("without the key:\n%s\nwith %s:\n%s", left, k.describeDefault(), given)
		}
	})
}

// No key takes a date. One that is not read would be ignored.
func TestEveryKeyIsRead(t *testing.T) {
	eachKey(t, func(t *testing.T, table *table, k *key) {
		name := k.Name
		if k.anyName() {
			name, _, _ = strings.Cut(k.example, " =")
		}
		text := fileWith(table, table.write(append(table.without(k), name+" = 1979-05-27")))
		if k.anyName() {
			text = fileWith(table, table.write([]string{name + " = 1979-05-27"}))
		}
		if _, err := Load(t.Context(), "sweep.toml", []byte(text), exampleShelf{}); err == nil || !strings.Contains(err.Error(), "1979-05-27") {
			t.Errorf("takes a date, or says something else: %v\n%s", err, text)
		}
	})
}

func TestKeysOfValidFilesAreDeclared(t *testing.T) {
	for _, file := range slices.Concat(cases(t, "examples/*.toml"), cases(t, "testdata/valid/*.toml")) {
		root, problems := document.Parse(document.New(file, read(t, file)))
		if problems != nil {
			t.Fatal(problems)
		}
		declared := func(n *document.Node, t *table) (missing []string) {
			for _, e := range n.Entries {
				if t.find(e.Name, "") == nil {
					missing = append(missing, t.title+" "+e.Name)
				}
			}
			return missing
		}
		missing := declared(root, topTable)
		for _, table := range []*table{metricTable, stopTable, pruneTable, runTable, compareTable, skipTable} {
			e := root.Find(strings.Trim(table.title, "[]"))
			if e == nil {
				continue
			}
			for _, n := range append([]*document.Node{e.Value}, e.Value.Items...) {
				missing = append(missing, declared(n, table)...)
			}
		}
		if task := root.Find("task").Value; task.Find("plugin") == nil {
			table := taskTable
			if task.Find("command") != nil {
				table = commandTaskTable
			}
			missing = append(missing, declared(task, table)...)
		}
		if optimizers := root.Find("optimizers"); optimizers != nil {
			for _, o := range optimizers.Value.Entries {
				if s := o.Value.Find("schedule"); s != nil {
					missing = append(missing, declared(s.Value, scheduleTable)...)
				}
			}
		}
		if missing != nil {
			t.Errorf("%s has %q", file, missing)
		}
	}
}

func TestTheSchemaDescribesEveryKey(t *testing.T) {
	text, err := JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range Keys() {
		for _, k := range table.Keys {
			quoted, err := json.Marshal(k.Meaning)
			if err != nil {
				t.Fatal(err)
			}
			if k.Name != strings.ToUpper(k.Name) && !strings.Contains(string(text), strings.Trim(string(quoted), `"`)) {
				t.Errorf("the schema does not say of %s %s: %s", table.Title, k.Name, k.Meaning)
			}
		}
	}
}
