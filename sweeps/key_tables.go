package sweeps

import (
	"math"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/runner/prune"
	"github.com/xrun-dev/xrun/runner/schedule"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/until"
)

// tables lists the tables of a sweep file, in the order of documentation.
var tables = []*table{
	topTable, seedsTable, taskTable, foldsTable, pluginTaskTable, commandTaskTable, gridTable, axisTable, optimizerTable, regularizerTable, scheduleTable,
	metricTable, stopTable, divergenceTable, pruneTable, skipTable, extraTable, compareTable, checkTable, runTable, clusterTable,
}

var (
	dataModels = []string{"linear", "logistic", "softmax", "mlp"}
	models     = append(slices.Clone(dataModels), runner.Functions()...)
)

// functionsWith are the test functions that have a property.
func functionsWith(has func(conditioned, noisy bool) bool) (names []string) {
	for _, name := range runner.Functions() {
		if f, _ := runner.Function(name); has(f.Conditioned, f.Noisy) {
			names = append(names, name)
		}
	}
	return names
}

var (
	conditioned = functionsWith(func(conditioned, _ bool) bool { return conditioned })
	noisy       = functionsWith(func(_, noisy bool) bool { return noisy })
)

func tableForm() form { return inline("a table", nil) }

var topTable = &table{
	title: "a sweep file", heading: "top of the file", meaning: "What stands before the first table.",
	keys: []key{
		integer("schema", version, "The version of the file format.", "schema = 1").atLeast(1),
		text("name", "", "What the sweep is called in tables and commands.", `name = "digits"`).optional("the name of the file without its ending"),
		text("notes", "", "A text that is kept with the sweep.", `notes = "first try with the new data"`).optional("none"),
		text("tags", "", "Words to find the sweep by.", `tags = ["paper", "final"]`).or(listOf("texts", textSchema)).optional("none"),
		text("refines", "", "The sweep whose grid this one makes finer. `xrun refine` writes it.", `refines = "digits"`).optional("none"),
		integer("seeds", 1, "How often each point is trained, under the seeds 0, 1, 2 and so on; a list gives the seeds themselves.", "seeds = 5").
			atLeast(1).or(listOf("integers", integerSchema), inline("the table [seeds]", seedsTable)),
		other("task", "What is trained.", "task = { model = \"quadratic\" }", tableForm()).required(),
		text("metric", "", "What trials are compared by; a name is short for the table [metric] with that name.", `metric = "train_loss"`).as("the name of a metric").or(tableForm()).optional("the loss"),
		other("grid", "What is varied: every combination of its axes is a point.", "grid = { lr = [0.1, 0.2] }", tableForm()).optional("required; a command needs none"),
		other("optimizers", "The optimizers and their settings, a table each.", "optimizers = { heavy = { plugin = \"sgd\", momentum = 0.9 } }", tableForm()).optional("sgd"),
		other("regularizers", "The regularizers and their settings, a table each.", "regularizers = { l1 = {} }", tableForm()).optional("l2 if a lambda is above 0"),
		other("skip", "Conditions; a trial that meets any of them is left out.", "skip = [{ where = \"lr > 0.05 and seed > 1\" }]", listOf("tables", map[string]any{"type": "object"})).optional("none"),
		other("extra", "Points outside the grid.", "extra = [{ lr = 0.3 }]", listOf("tables", map[string]any{"type": "object"})).optional("none"),
		trueOrFalse(divergenceKey, true, "When a training loss that has grown ends a trial as diverged; false: only NaN and infinity do.", "divergence = { factor = 100 }").
			or(inline("a table", divergenceTable)).optional("at 1000 times its value before training; for test functions and for commands without train_loss, false"),
		other("early_stop", "When a trial stops before its last epoch.", "early_stop = { patience = 5 }", tableForm()).optional("every trial trains to its last epoch, or until it diverges"),
		other("prune", "When points that others have left behind stop.", "prune = { rule = \"median\" }", tableForm()).optional("no point is pruned"),
		other("run", "How the sweep is run. No result depends on it.", "run = { workers = 2 }", tableForm()).optional("none"),
		other("cluster", "How the sweep's jobs are submitted to clusters, a table each.", "cluster = { gpus = { partition = \"gpu\" } }", tableForm()).optional("none"),
		other("compare", "How the sweep is compared. No result depends on it.", "compare = { test = \"welch\" }", tableForm()).optional("none"),
		other("check", "Conditions on the outcome of the sweep.", "check = { all_done = \"failed == 0\" }", tableForm()).optional("none"),
	},
}

var seedsTable = &table{
	title: "[seeds]", heading: "[seeds]",
	meaning: "Seeds in stages, in the place of their number: all points have those of the first stage, and then only points about which the question is open get more. The decisions depend on the results of whole stages alone, so the outcome does not depend on workers, order or interruptions.",
	keys: []key{
		integer("first", until.DefaultFirst, "How many seeds every point has in the first stage. Each further stage has half as many more, rounded up.", "first = 4\nuntil = \"decided\"").atLeast(until.LeastFirst),
		text("until", "", "When no point needs more seeds. `decided`: the best arm is better than every other one, or equal to it within `equal` of `[compare]`, by default 1 %, or half a percentage point of a rate. `ci < X`: half of the best point's 95 % interval is below X, a number or a percentage. `p < X`: p of every arm against the baseline is. `tied within X %`: every arm that is not told from the baseline is equal to it within X %. `or` and `and` join them.",
			`until = "p < 0.05 or tied within 1 %"`).as("a condition").required(),
		integer("max", until.DefaultMax, "The most seeds of a point.", "until = \"decided\"\nmax = 20").atLeast(until.LeastFirst),
		integer("budget", 0, "The most trials in all. A stage that would exceed it is not begun.", "until = \"ci < 2 %\"\nbudget = 400").atLeast(1).optional("no limit"),
	},
}

var (
	// reportKey and dtypeKey belong to every task whose parameters are xrun's.
	epochsKey = integer("epochs", 50, "How often a trial goes through the training data; of a test function, how many steps it takes.", "epochs = 100").atLeast(1)
	dtypeKey  = choice("dtype", []plugins.DType{plugins.Float64, plugins.Float32}, "The type of the parameters and of all arithmetic with them.", `dtype = "float32"`)
	biasKey   = trueOrFalse("penalize_bias", false, "Whether the regularizer penalizes biases as well.", "penalize_bias = true")
)

var taskTable = &table{
	title: "[task]", heading: "[task] with a model", chooser: "model",
	meaning: "What is trained, where xrun has the model: on data, or a test function whose optimum is known.",
	keys: []key{
		choice("model", models, "The model that is trained.", "model = \"softmax\"\ndataset = \"digits\"").required(),
		text("dataset", "", "The data: a built-in data set, or the path of a file, relative to the sweep file.", `dataset = "diabetes"`).in(dataModels...).required(),
		text("target", "", "The column to predict.", `target = "progression"`).in(dataModels...).optional("the data set's own"),
		choice("kind", []string{classification, regression}, "Whether the target is a class or a number.", `kind = "regression"`).in("mlp").optional("told by the target column"),
		number(plugins.RealSetting("validation", 0.2, "The rows that choose: a share of the data, the path of a file, or folds.").AtLeast(0).Below(1), "validation = 0.25").
			or(form{"the path of a file", textSchema}, inline("a table", foldsTable)).in(dataModels...),
		number(plugins.RealSetting("test", 0, "The rows that are looked at last: a share of the data, or the path of a file.").AtLeast(0).Below(1), "test = 0.1").
			or(form{"the path of a file", textSchema}).in(dataModels...),
		text("group", "", "A column whose rows with equal values stay together, such as the visits of a patient: no value is on two sides of a split. It is no input.", `group = "patient"`).in(dataModels...).optional("none"),
		text("order", "", "A column by which the rows are sorted to be divided: the last ones test, those before them validate, and models train on the past. It is no input.", `order = "date"`).in(dataModels...).optional("none"),
		trueOrFalse("standardize", true, "Whether each feature is shifted and scaled to mean 0 and standard deviation 1 over the training rows; sparse data is left as it is.", "standardize = false").in(dataModels...),
		other("separator", "What is between the cells of a table.", `separator = ";"`, signs(data.Separators)).in(dataModels...).optional("a comma, or a tab in files that end in .tsv"),
		other("decimal", "What is before the fraction of a number.", `decimal = ","`, signs(data.DecimalSigns)).in(dataModels...).optional(`"."`),
		choice("encoding", data.Encodings, "How the text of a table is written as bytes.", `encoding = "latin-1"`).in(dataModels...).optional("utf-8, or UTF-16 where the file begins with its mark"),
		text("drop", "", "Columns that are left out.", `drop = ["id", "name"]`).as("the name of a column").or(listOf("names", textSchema)).in(dataModels...).optional("none"),
		text("categories", "", "Columns that get an input for each of their values in the training rows, 1 where a row has the value and 0 elsewhere. \"auto\": all columns of text.", `categories = ["sex", "port"]`).
			as("the name of a column").or(word(data.AllCategories), listOf("names", textSchema)).in(dataModels...).optional("none"),
		integer("rare", 0, "Categories that fewer training rows than this have share one input, which further categories have, too.", "categories = \"auto\"\nrare = 20").atLeast(0).in(dataModels...),
		other("ordinal", "Columns whose values have an order, and the values in that order; they become 0, 1, 2 and so on.", `ordinal = { size = ["S", "M", "L"] }`,
			form{"a table of lists of texts", map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "array", "items": textSchema}}}).in(dataModels...).optional("none"),
		text("dates", "", "Columns of dates, as in 2024-03-31 or 2024-03-31 14:05; they become days since 1970-01-01.", `dates = ["sold"]`).as("the name of a column").or(listOf("names", textSchema)).in(dataModels...).optional("none"),
		choice("missing", data.MissingRules, "What is done about gaps: they are filled with the mean, the median or the most frequent value of the training rows; with the mean, and an input of their own says where; or their rows are left out, and counted. A gap in a category is a category of its own, except with \"most_frequent\" and \"drop_rows\". A table says it by column, with `\"*\"` for the others.", `missing = { age = "median", "*" = "most_frequent" }`).
			or(form{"a table of these by column", map[string]any{"type": "object", "additionalProperties": map[string]any{"enum": data.MissingRules}}}).in(dataModels...).optional("gaps are refused"),
		epochsKey,
		integer("batch", 64, "How many rows a step averages over; \"full\" takes all.", "batch = 32").atLeast(1).or(word("full")).in(dataModels...),
		integer("batch", 1, "How many draws of the noise a step averages over.", "batch = 8").atLeast(1).in(noisy...),
		choice("sampling", []string{"shuffle", "replacement", "sequential"}, "How rows get into mini-batches: shuffled every epoch, drawn with replacement, or in the order of the data.", `sampling = "replacement"`).in(dataModels...),
		dtypeKey,
		biasKey.in(dataModels...),
		number(plugins.IntegerSetting("hidden", 32, "The widths of the hidden layers; an empty list has none.").Within(1, 1<<20), "hidden = [64, 32]").or(listOf("integers", integerSchema)).in("mlp"),
		choice("activation", []string{"relu", "tanh"}, "The function after each hidden layer.", `activation = "tanh"`).in("mlp"),
		integer("dimension", 2, "How many parameters the test function has.", "dimension = 10").atLeast(1).in(runner.Functions()...),
		number(plugins.RealSetting("condition", 10, "The largest eigenvalue over the smallest.").Within(1, 1e300), "condition = 100").in(conditioned...),
		number(plugins.RealSetting("noise", 1, "The standard deviation of the noise in each gradient.").Above(0).Within(0, 1e100), "noise = 0.1").in(noisy...),
		choice("class_weight", []string{"balanced"}, "What a row counts in the loss: with \"balanced\", m/(C·m_c) for a row of class c, where the training rows are m, have C classes, and m_c of them are of class c. All losses and J are means of weighted losses over the rows, so train_loss + penalty = J; log_loss and all other metrics count rows alike.", "dataset = \"digits\"\nclass_weight = \"balanced\"").in("softmax", "logistic", "mlp").optional("rows count alike"),
		reportKey(`report = ["grad_norm", "auc"]`),
	},
}

var foldsTable = &table{
	title: "validation", heading: "validation = { … } in [task]", wrap: "validation = { %s }",
	meaning: "Cross-validation: of k folds, the seeds 0 to k−1 each validate on another, and the next k seeds go on with another partition.",
	keys:    []key{integer("folds", 0, "How many folds.", "folds = 5").atLeast(2).required()},
}

var pluginTaskTable = &table{
	title: "[task]", heading: "[task] with a plugin", meaning: "What is trained, where model and data live in a plugin. Further keys are settings of the plugin. One that asks for data, by the feature `data`, is given that of `dataset`: the keys " + strings.Join(plugins.DataKeys, ", ") + " then mean what they mean to a model.",
	keys: []key{
		text("plugin", "", "The plugin: a name, or a path relative to the sweep file.", `plugin = "./poisson"`).required(),
		text("component", "", "Which objective of the plugin.", "plugin = \"./poisson\"\ncomponent = \"poisson\"").optional("the plugin's only one"),
		epochsKey, dtypeKey, biasKey,
		reportKey(`report = ["zeros"]`),
		other("SETTING", "A setting of the plugin.", "width = 3", form{"as the plugin declares it", map[string]any{}}).optional("the plugin's"),
	},
}

// dataTaskTable has the keys of a plugin's task that asks for data.
var dataTaskTable = func() *table {
	t := *pluginTaskTable
	t.keys = slices.Clone(t.keys)
	for _, k := range taskTable.keys {
		if slices.Contains(plugins.DataKeys, k.Name) {
			k.of = nil
			t.keys = append(t.keys, k)
		}
	}
	return &t
}()

var commandTaskTable = &table{
	title: "[task]", heading: "[task] with a command", meaning: "What is trained, where a program of your own trains: a process of it is a trial.",
	keys: []key{
		other("command", "The program and its arguments; {lr}, {seed} and other placeholders stand for the values of the trial. No shell reads it.",
			`command = ["python", "train.py", "--lr", "{lr}"]`, listOf("texts", textSchema)).required(),
		text("metrics", "", "What the program reports; trials are compared by the first. A table finds them by regular expressions in what it prints.", `metrics = ["val_loss", "val_accuracy"]`).as("the name of a metric").
			or(listOf("names", textSchema), form{"a table of regular expressions, each with one group", map[string]any{"type": "object", "additionalProperties": textSchema}}).required(),
		integer("epochs", 0, "How many epochs the program trains; {epochs} tells it.", "epochs = 20").atLeast(1).optional("left to the program"),
		text("files", "", "Files and folders, besides those named in the command, whose content counts for the result.", `files = ["model.py", "data"]`).as("the path of a file or folder").
			or(listOf("paths", textSchema)).optional("none"),
		other("env", "Variables of the environment, with placeholders as in the command.", `env = { WIDTH = "64" }`, inline("a table of texts", nil)).optional("none"),
		choice("tracking", []string{runner.TrackingMLflow}, "What the program logs its metrics with, instead of printing reports: the client of MLflow, which finds its server by itself.", `tracking = "mlflow"`).optional("it prints reports"),
		text("grace", "10s", "How long the program may take to end after SIGTERM; then it is killed.", `grace = "2s"`).as(aTime),
	},
}

// aTime and aSize are units of texts.
const (
	aTime = `a time such as "30s" or "5m"`
	aSize = `a size such as "4GB" or "512MiB"`
)

// axisForms are the values of an axis besides a single one.
func axisForms(presets bool) []form {
	forms := []form{listOf("numbers", numberSchema), {"a table that generates them", axisTable.schema()}}
	if presets {
		forms = append(forms, words(presetNames)...)
	}
	return forms
}

var gridTable = &table{
	title: "[grid]", heading: "[grid]", meaning: "What is varied: every combination of the axes is a point.",
	keys: []key{
		number(plugins.RealSetting("lr", 0, "The learning rates.").Above(0), "lr = { log = [1e-3, 1.0], n = 7 }").or(axisForms(true)...).optional("required; a command needs none"),
		number(plugins.RealSetting("lambda", 0, "The strengths λ of the regularizer.").AtLeast(0), "lambda = [0, 0.1, 1]").or(axisForms(true)...),
		text("optimizer", "", "Which optimizers: tables of [optimizers], or built-in ones where there is no such table.", `optimizer = ["sgd", "adam"]`).as("a name").or(listOf("names", textSchema)).
			optional("all tables of [optimizers], or sgd"),
		text("regularizer", "", "Which regularizers: tables of [regularizers], or built-in ones where there is no such table.", `regularizer = ["l1", "l2"]`).as("a name").or(listOf("names", textSchema)).
			optional("all tables of [regularizers]; without any, l2 if a lambda is above 0"),
		other("zip", "Axes that move together: the first value of each, the second of each and so on.", "lr = [0.1, 0.2]\nbatch = [32, 64]\nzip = [[\"lr\", \"batch\"]]",
			listOf("lists of names", map[string]any{"type": "array", "items": textSchema, "minItems": 2})).optional("none"),
		other("KEY", "Any key of [task] as an axis, instead of a value there; of a command, any name that it uses as a placeholder.", "batch = [32, 64]",
			form{"a value", map[string]any{}}, form{"a list of values", map[string]any{}}, form{"a table that generates numbers", map[string]any{}}).optional("no further axis"),
	},
}

// snapped is how generated values are rounded; it stands in the documentation of each form.
const snapped = " Values between the ends are rounded to 12 digits."

var axisTable = &table{
	title: "an axis", heading: "an axis = { … } in [grid]", meaning: "Values of an axis of numbers that are generated. \"coarse\" is { log = [1e-4, 1], n = 5 }, \"fine\" has 13 values, the same among them, and lambda begins with 0.",
	keys: []key{
		other("log", "The first and the last of n values in equal ratios."+snapped, "lr = { log = [1e-3, 1.0], n = 7 }", listOf("two numbers", numberSchema)).optional("none"),
		other("linear", "The first and the last of n values in equal steps."+snapped, "lr = { linear = [0.1, 0.5], n = 5 }", listOf("two numbers", numberSchema)).optional("none"),
		other("range", "Where values begin, and what they do not exceed, in steps of step."+snapped, "lr = { range = [0.1, 0.7], step = 0.2 }", listOf("two numbers", numberSchema)).optional("none"),
		other("pow2", "The first and the last of powers of two.", "lr = { pow2 = [0.25, 4] }", listOf("two numbers", numberSchema)).optional("none"),
		number(plugins.IntegerSetting("n", 0, "How many values log and linear have.").Within(2, maxAxis), "lr = { log = [1e-4, 1e-1], n = 4 }").optional("required by log and linear"),
		number(plugins.RealSetting("step", 0, "From one value of range to the next.").Above(0), "lr = { range = [1, 2], step = 0.25 }").optional("required by range"),
	},
}

func choiceKeys(singular string, own ...key) []key {
	keys := append([]key{
		text("plugin", "", "The "+singular+" itself: a built-in one, or a plugin by its name or its path relative to the sweep file.", `plugin = "`+map[string]string{"optimizer": "sgd", "regularizer": "elastic_net"}[singular]+`"`).
			optional("the name of the table"),
		text("component", "", "Which "+singular+" of the plugin.", `plugin = "pair"`+"\n"+`component = "right"`).optional("the plugin's only one"),
	}, own...)
	example := map[string]string{"optimizer": "momentum = 0.9", "regularizer": `mode = "proximal"`}[singular]
	grid := map[string]string{"optimizer": "grid = { momentum = [0, 0.9] }", "regularizer": `grid = { mode = ["subgradient", "proximal"] }`}[singular]
	return append(keys,
		other("grid", "Axes that only this "+singular+" has: its settings, each with a list of values.", grid, tableForm()).optional("none"),
		other("SETTING", "A setting of the "+singular+"; `xrun explain NAME` lists those of a built-in one. Of a command, any name that it uses as the placeholder {"+singular+".SETTING}.", example,
			form{"as the " + singular + " declares it", map[string]any{}}).optional("the "+singular+"'s"))
}

var optimizerTable = &table{
	title: "[optimizers.NAME]", heading: "[optimizers.NAME]", meaning: "An optimizer and its settings. The name is what tables call it.",
	keys: choiceKeys("optimizer",
		text("base", "", "The optimizer that steps for one that only prepares the gradient, such as sam.", "plugin = \"sam\"\nbase = { plugin = \"adam\", beta1 = 0.8 }").as("a name").or(tableForm()).optional(`"sgd"`),
		other("schedule", "How the learning rate changes during training.", `schedule = { kind = "cosine", warmup = 5 }`, inline("a table", scheduleTable)).optional("the rate is constant")),
}

var regularizerTable = &table{
	title: "[regularizers.NAME]", heading: "[regularizers.NAME]", meaning: "A regularizer and its settings. The name is what tables call it.",
	keys: choiceKeys("regularizer"),
}

// scheduleMeanings are the meanings and examples of the fields of schedules, by name, or by kind and name where
// a kind means something else by it.
var scheduleMeanings = map[string]struct{ meaning, example string }{
	"per":                    {"What lengths count: epochs, or steps.", `per = "step"`},
	"warmup":                 {"How long the rate rises linearly to its full value.", "warmup = 5"},
	"step_size":              {"After how long the rate is multiplied by gamma, again and again.", "step_size = 10"},
	"milestones":             {"When the rate is multiplied by gamma, counted from the end of the warm-up.", "milestones = [20, 40]"},
	"gamma":                  {"What the rate is multiplied by.", "gamma = 0.5"},
	"exponential.gamma":      {"What is left of the rate after each timescale.", "gamma = 0.9"},
	"rate":                   {"How fast the rate falls: the factor is 1/(1 + rate·u/timescale) after u.", "rate = 0.5"},
	"timescale":              {"The unit of the decay.", "timescale = 5"},
	"inverse_sqrt.timescale": {"The unit of the decay; 0 is the length of the warm-up, or 1 without one.", "timescale = 5"},
	"power":                  {"The power of the polynomial; 1 is linear.", "power = 2.0"},
	"t_max":                  {"How long the decay takes; 0 is to the end of training.", "t_max = 40"},
	"end_factor":             {"What is left of the rate at the end.", "end_factor = 0.1"},
	"t0":                     {"The length of the first cycle; 0 has no restarts.", "t0 = 10"},
	"t_mul":                  {"How much longer each cycle is than the one before.", "t0 = 10\nt_mul = 2"},
	"m_mul":                  {"How high each cycle begins, as a factor of the one before.", "t0 = 10\nm_mul = 0.5"},
	"cosine.min_factor":      {"What is left of the rate at the end of the cosine.", "min_factor = 0.01"},
	"plateau.min_factor":     {"What is left of the rate at least.", "min_factor = 0.01"},
	"pct_start":              {"The share of the steps in which the rate rises.", "pct_start = 0.25"},
	"div_factor":             {"How many times smaller than the full rate the first one is.", "div_factor = 10"},
	"final_div_factor":       {"How many times smaller than the first rate the last one is.", "final_div_factor = 100"},
	"decay_fraction":         {"The share of training, at its end, in which the rate falls.", "decay_fraction = 0.1"},
	"decay_shape":            {"How the rate falls: along 1 − x, or 1 − √x.", `decay_shape = "1-sqrt"`},
	"monitor":                {"The metric that is watched.", `monitor = "train_loss"`},
	"factor":                 {"What the rate is multiplied by when the metric has stopped improving.", "factor = 0.5"},
	"patience":               {"How many epochs without an improvement are borne; the next one lowers the rate.", "patience = 3"},
	"threshold":              {"The smallest improvement that counts.", "threshold = 1e-3"},
	"mode":                   {"Whether the threshold is a share of the best value or absolute.", `mode = "abs"`},
	"cooldown":               {"How many epochs after a change are not counted.", "cooldown = 2"},
}

var scheduleTable = &table{
	title: "the schedule", heading: "schedule = { … } in [optimizers.NAME]", chooser: "kind", noun: "schedule", wrap: "schedule = { %s }",
	meaning: "How the learning rate changes during training. Lengths count from the end of the warm-up.",
	keys:    scheduleKeys(),
}

// scheduleKeys declares the fields of all kinds of schedule; fields of several kinds with the same default and
// meaning are one key.
func scheduleKeys() []key {
	keys := []key{choice("kind", schedule.Kinds, "The form of the schedule.", `kind = "cosine"`).required()}
	for _, kind := range schedule.Kinds {
		s := schedule.New(kind)
		for _, f := range s.Fields() {
			if f.Name == "goal" { // the goal of the metric decides
				continue
			}
			about, ok := scheduleMeanings[string(kind)+"."+f.Name]
			if !ok {
				about = scheduleMeanings[f.Name]
			}
			k := scheduleKey(f, about.meaning)
			k.example, k.of = about.example, []string{string(kind)}
			i := slices.IndexFunc(keys, func(other key) bool {
				return other.Name == k.Name && other.Doc == k.Doc && other.Default == k.Default && other.Low == k.Low
			})
			if i >= 0 {
				keys[i].of = append(keys[i].of, string(kind))
				continue
			}
			keys = append(keys, k)
		}
	}
	for i := range keys {
		if len(keys[i].of) == len(schedule.Kinds) {
			keys[i].of = nil
		}
	}
	return keys
}

// scheduleKey declares a field.
func scheduleKey(f schedule.Field, meaning string) key {
	k := key{Setting: plugins.Setting{Name: f.Name, Doc: meaning, Low: f.Low, LowOpen: f.LowOpen, High: f.High, Choices: f.Words}}
	if math.IsInf(f.High, 1) || f.High == math.MaxInt32 {
		k.High = math.NaN() // no limit that anyone meets
	}
	switch v := f.Value.(type) {
	case *int:
		k.Type, k.Default = plugins.TypeInteger, plugins.Integer(int64(*v))
	case *float64:
		k.Type, k.Default = plugins.TypeReal, plugins.Real(*v)
	case *[]int:
		k.forms = []form{listOf("increasing integers", integerSchema)}
	case *string:
		k.Type, k.Default = plugins.TypeText, plugins.Value{}
		if len(f.Words) > 0 {
			k.Type, k.Default = plugins.TypeChoice, plugins.Choice(*v)
		} else {
			k = k.as("the name of a metric").optional("the monitor of [early_stop], or train_loss")
		}
	}
	if f.Required {
		k = k.required()
	}
	return k
}

var metricTable = &table{
	title: "[metric]", heading: "[metric]", meaning: "What trials are compared by, and which of their parameters are kept.",
	keys: []key{
		text("name", "", "The metric.", `name = "train_loss"`).as("the name of a metric").optional("val_loss, or train_loss without validation data; of a command, its first metric; of a plugin without val_loss, its only metric that begins with val_"),
		choice("goal", []stop.Goal{stop.Min, stop.Max}, "Which way the metric gets better.", "name = \"val_accuracy\"\ngoal = \"max\"").optional("told by the name of the metric"),
		text("at", "best", "Which epoch of a trial counts: the best, the last, or one by its number. Its value is the trial's, and its parameters are kept.", `at = "epoch:20"`).as(`"best", "last" or "epoch:N"`),
		number(plugins.RealSetting("target", 0, "A value of the metric; comparisons say how soon it was reached."), "target = 0.25").optional("none"),
	},
}

// newRule has the defaults of a stopping rule.
func newRule(name stop.Name) stop.Rule { return stop.New(name) }

var stopTable = &table{
	title: "[early_stop]", heading: "[early_stop]", chooser: "rule", meaning: "When a trial stops before its last epoch. NaN and infinity end it in any case.",
	keys: []key{
		choice("rule", stop.Names, "What decides: epochs without an improvement (patience), or a rule of Prechelt 1998.", `rule = "up"`),
		text("monitor", "", "The metric that is watched.", `monitor = "train_loss"`).as("the name of a metric").optional("the metric of [metric]"),
		integer("patience", newRule(stop.Patience).Patience, "How many epochs in a row without an improvement stop the trial; 0 never does.", "patience = 5").atLeast(0).in(string(stop.Patience)),
		number(plugins.RealSetting("min_delta", 0, "The smallest improvement that counts.").AtLeast(0), "min_delta = 1e-3").in(string(stop.Patience)),
		choice("delta", []stop.Delta{stop.Absolute, stop.Relative}, "Whether min_delta is absolute or a share of the best value.", "min_delta = 1e-3\ndelta = \"relative\"").in(string(stop.Patience)),
		choice("best_update", []stop.BestUpdate{stop.OnThreshold, stop.OnAny}, "Which value later ones are measured against: the last that was better by min_delta, or the best of any.", "min_delta = 1e-3\nbest_update = \"any\"").in(string(stop.Patience)),
		number(plugins.RealSetting("alpha", newRule(stop.GL).Alpha, "The generalization loss, in percent above the least value, that stops the trial.").Above(0), "alpha = 2.0").in(string(stop.GL)),
		number(plugins.RealSetting("alpha", newRule(stop.PQ).Alpha, "The quotient of generalization loss and training progress that stops the trial.").Above(0), "alpha = 0.75").in(string(stop.PQ)),
		integer("strip", newRule(stop.PQ).Strip, "How many epochs progress is measured over.", "strip = 4").atLeast(2).in(string(stop.PQ)),
		integer("strips", newRule(stop.UP).Strips, "In how many strips in a row the metric must become worse.", "strips = 2").atLeast(1).in(string(stop.UP)),
		integer("strip", newRule(stop.UP).Strip, "How many epochs a strip has.", "strip = 3").atLeast(1).in(string(stop.UP)),
		integer("start_from", 0, "The first epoch that is watched.", "start_from = 10").atLeast(0),
		retired(trueOrFalse(restoreBest, true, "Has no effect.", "restore_best = true")),
		number(plugins.RealSetting("target", 0, "A value of the monitored metric that stops the trial as soon as it is reached."), "target = 0.1").optional("none"),
		retired(trueOrFalse(divergenceKey, true, "What divergence at the top of the file is.", "divergence = { factor = 100 }").or(inline("a table", divergenceTable))),
	},
}

var divergenceTable = &table{
	title: "divergence", heading: "divergence = { … }", wrap: "divergence = { %s }", meaning: "When a training loss that has grown ends a trial as diverged.",
	keys: []key{number(plugins.RealSetting("factor", 0, "How many times its value before training, or in the first report of a command, the training loss may be.").Above(1), "factor = 100").required()},
}

var pruneTable = &table{
	title: "[prune]", heading: "[prune]", chooser: "rule",
	meaning: "When points that others have left behind stop, with all their seeds. Points are compared after fixed epochs, so the outcome does not depend on workers.",
	keys: []key{
		choice("rule", []string{prune.Halving, prune.Median, prune.Percentile}, "Which points go on: the best in eta, those not worse than the median, or the best percent.", `rule = "median"`),
		text("monitor", "", "The metric that points are compared by.", `monitor = "train_loss"`).as("the name of a metric").optional("the metric of [metric]"),
		text("keep", "", "A condition; trials that meet it are never pruned.", `keep = "optimizer == 'sgd'"`).as("a condition").optional("none"),
		integer("first", 0, "The first epoch after which points are compared.", "first = 2").atLeast(1).in(prune.Halving).optional("epochs / eta³, at least 1"),
		integer("first", 0, "The first epoch after which points are compared.", "first = 2").atLeast(1).in(prune.Median, prune.Percentile).optional("a fifth of the epochs, at least 1"),
		integer("eta", 3, "One point in eta goes on, and the next comparison is eta times as late.", "eta = 4").atLeast(2).in(prune.Halving),
		integer("every", 0, "How many epochs lie between comparisons.", "every = 5").atLeast(1).in(prune.Median, prune.Percentile).optional("a fifth of the epochs, at least 1"),
		number(plugins.RealSetting("percent", 25, "How many of a hundred points go on.").Above(0).Below(100), "percent = 50").in(prune.Percentile),
	},
}

var skipTable = &table{
	title: "[[skip]]", heading: "[[skip]]", meaning: "Leaves trials out.",
	keys: []key{text("where", "", "The condition that a trial meets to be left out.", `where = "optimizer == 'sgd' and lr < 0.05"`).as("a condition").required()},
}

var extraTable = &table{
	title: "[[extra]]", heading: "[[extra]]", meaning: "A point outside the grid.",
	keys: []key{
		text("csv", "", "A file of points; its first line names axes. It stands alone.", `csv = "points.csv"`).as("the path of a file").optional("none"),
		other("AXIS", "The value of an axis of [grid].", "lr = 0.3", form{"a value of the axis", map[string]any{}}).optional("the axis's only value"),
	},
}

var compareTable = &table{
	title: "[compare]", heading: "[compare]", meaning: "How the sweep is compared, unless the command line says otherwise. No result depends on it.",
	keys: []key{
		text("baseline", "", "The condition that trials of the baseline meet.", `baseline = "optimizer == 'sgd'"`).as("a condition").optional("the arm of plain sgd, or else the first of the file"),
		choice("test", Tests, "The test of differences to the baseline.", `test = "wilcoxon"`).optional(`"moderated" for means; "sign" for medians; "permutation" else, "paired-t" for folds`),
		choice("stat", Stats, "What the seeds of a point are folded into: their mean, their median, or the mean of their middle half.", `stat = "iqm"`).optional(`"mean"`),
		text("equal", "", "The largest difference to the baseline at which a value counts as equal to it: a percentage of the baseline's value, percentage points of a rate, or a number in the metric's unit. With none, nothing counts as equal.", `equal = "2 %"`).
			as(`"1 %", "0.5 points", "0.002" or "none"`).optional("1 % for losses and what else is told apart by ratios, 0.5 points for rates, none for others"),
		choice("scale", Scales, "What the moderated test takes for an equally large difference at every level: the same ratio; the same difference of logits, for shares between 0 and 1; or the same difference in the metric's unit.", `scale = "ratio"`).
			optional(`"logit" for metrics whose name says that they are shares; "ratio" for values above 0 of which less is better, or which spread over a factor of 2; "difference" for all others`),
	},
}

var checkTable = &table{
	title: "[check]", heading: "[check]", meaning: "Conditions on the outcome. One that is false ends `xrun sweep` and `xrun compare` with exit code 4.",
	keys: []key{text("NAME", "", "A condition with outcome (better, worse, equal or undecided), p, difference, difference.low and difference.high of the best arm against the baseline, best.METRIC and baseline.METRIC, .lr, .lambda and .epochs of both, trials, failed and diverged.",
		`better = "best.val_loss < baseline.val_loss * 0.98 and p < 0.05"`).as("a condition").optional("no check")},
}

var runTable = &table{
	title: "[run]", heading: "[run]", meaning: "How the sweep is run. No result depends on it.",
	keys: []key{
		number(plugins.IntegerSetting("workers", 0, "How many cohorts are trained, or programs run, at once.").Within(1, 4096), "workers = 4").or(word("auto")).optional(`"auto": one a core, and one more for cohorts`),
		number(plugins.IntegerSetting("gpus", 0, "The GPUs of programs, or of plugins that are the task: all that are visible, the first so many, or those of a list, which counts the visible ones from 0. Each program, or each worker's plugins, has one of them in `CUDA_VISIBLE_DEVICES`.").Within(1, mostGPUs), `gpus = "all"`).
			or(word(allGPUs), listOf("integers", map[string]any{"type": "integer", "minimum": 0})).optional("nothing is set"),
		number(plugins.IntegerSetting("per_gpu", 1, "How many programs, or workers with their plugins, share a GPU at once.").Within(1, 256), "gpus = 2\nper_gpu = 4"),
		number(plugins.IntegerSetting("cpus_per_trial", 0, "The cores of a program, or of the plugins of a worker: `OMP_NUM_THREADS`, `MKL_NUM_THREADS`, `OPENBLAS_NUM_THREADS` and `NUMEXPR_NUM_THREADS` say so. Without `gpus`, only as many run at once as the machine has cores for.").Within(1, 4096), "cpus_per_trial = 2").
			optional("nothing is set"),
		text("store", "xrun.db", "The database, relative to the sweep file.", `store = "results/xrun.db"`).as("the path of a file"),
		integer("max_trials", 100_000, "A larger grid is refused before any of it is made.", "max_trials = 500").atLeast(1),
		text("checkpoint", "30s", "How often running trials are saved, to go on from there after an interruption: after a time, after a number of epochs, or never.", `checkpoint = "5m"`).as(aTime).
			or(form{"a number of epochs", map[string]any{"type": "integer", "minimum": 1}}, word("off")),
		text("timeout", "", "How long a trial may take before it fails.", `timeout = "20m"`).as(aTime).optional("no limit"),
		text("budget", "", "How long the sweep may take before it stops.", `budget = "6h"`).as(aTime).optional("no limit"),
		integer("retries", 1, "How often a trial is tried again after a plugin crashed or a program was killed.", "retries = 3").atLeast(0),
		integer("max_failures", 0, "How many trials may fail before the sweep stops.", `max_failures = "10%"`).atLeast(0).or(form{`a part of the trials such as "10%"`, textSchema}).optional("all may"),
		text("plugin_timeout", "30s", "How long a plugin may take to answer.", `plugin_timeout = "2m"`).as(aTime),
		text("plugin_memory", "", "How much memory a plugin process may take, on Linux: of its own, and what it shares with xrun.", `plugin_memory = "4GB"`).as(aSize).optional("four fifths of the machine's"),
		retired(choice("order", []string{"seeds-last"}, "Has no effect.", `order = "seeds-last"`)),
	},
}
