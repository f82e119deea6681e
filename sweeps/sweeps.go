// Package sweeps says which trials a sweep file asks for, and in which order.
//
// It reads the file strictly: whatever it does not understand is a [document.Problem] with its place in
// the file, and all problems are reported in one pass. It trains nothing, stores nothing and
// starts no plugin; a [Catalog] looks up what a file names. [Keys] lists every key.
package sweeps

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/runner/prune"
	"github.com/xrun-dev/xrun/runner/stop"
	"github.com/xrun-dev/xrun/sweeps/document"
	"github.com/xrun-dev/xrun/sweeps/until"
	"github.com/xrun-dev/xrun/sweeps/where"
)

// version is the version of the file format.
const version = 1

// A Spec is what a sweep file asks for, complete: every default is written out.
type Spec struct {
	Name, Notes  string
	Refines      string // the sweep whose grid this one makes finer; empty for none
	Tags         []string
	Seeds        []int64 // distinct
	Task         runner.Task
	Metric       Metric
	LR, Lambda   []float64 // distinct, in the order of the file; a command without one has 0
	Optimizers   []runner.Choice
	Regularizers []runner.Choice // empty when every λ is 0 and the file names none
	Axes         []Axis          // further ones: of keys of [task], or of a command
	Stop         stop.Rule
	Until        *until.Rule         // how seeds are added in stages: Seeds are the most of a point then. nil: all points have Seeds
	Prune        *prune.Rule         // nil: every trial is trained to its end
	Skip         []*where.Expression // a trial for which any holds is left out
	Run          Run
	Clusters     map[string]Cluster // by name; the default one is always there
	Compare      Comparison
	File         string
	Text         []byte // of the file; it belongs to the caller of Load
	Changes      Changes
	Warnings     document.Problems

	variants   []variant                           // the tasks under each combination of Axes, the last fastest, and the tasks of extra
	zip        [][]string                          // axes that move together, by their names
	keep       *where.Expression                   // trials for which it holds are never pruned; may be nil
	extra      []point                             // outside the grid
	choiceAxes map[*runner.Choice][]runner.Setting // what tells choices of one label apart
}

// A Metric says what trials are compared by, and so which epoch of a trial counts and whose parameters are kept.
type Metric struct {
	Name      string
	Goal      stop.Goal
	At        runner.At
	Target    float64
	HasTarget bool
}

// Keep is the part of the metric that trials depend on.
func (m Metric) Keep() runner.Keep { return runner.Keep{Metric: m.Name, Goal: m.Goal, At: m.At} }

// Run says how a sweep is run. No trial depends on it.
type Run struct {
	Workers       int // 0 is left to xrun
	Division      Division
	Store         string // path of the database, relative to the working directory
	PluginTimeout time.Duration
	PluginMemory  int64 // bytes of its own that a plugin process may take; 0 is left to xrun
	MaxTrials     int
	Timeout       time.Duration // of a trial; 0 is none
	Budget        time.Duration // of the sweep; 0 is none
	Retries       int           // of a trial after a fault that can pass
	MaxFailures   Tolerance
	Checkpoint    runner.Checkpointing // how often running trials are kept, to go on from there
}

// Changes are what the command line changes in a sweep file.
type Changes struct {
	Set   []string // KEY=VALUE, in TOML, one after the other
	Quick bool     // a fast first look
	// Until adds seeds in stages until a condition holds; empty leaves it to the file. The Spec has it among Set.
	Until string
	// Clusters is the user's file of clusters, or nil, and Cluster changes keys of tables of clusters, like Set. They change nothing of the sweep.
	Clusters *ClusterFile
	Cluster  []string
}

// Load reads the text of a sweep file as it is; see [Changes.Load].
func Load(ctx context.Context, file string, text []byte, c Catalog) (*Spec, error) {
	return Changes{}.Load(ctx, file, text, c)
}

// LoadStored is Load for the text of a sweep that was run before, maybe by an earlier xrun: what that one took, but
// new files may not say any more, is read as it was meant, and a default that has changed since is taken from what
// [Spec.Resolved] wrote then.
func (changes Changes) LoadStored(ctx context.Context, file string, text []byte, resolved string, c Catalog) (*Spec, error) {
	return changes.load(ctx, file, text, c, &resolved)
}

// Load reads the text of a sweep file, changed as asked. What is wrong with it is reported as
// [document.Problems]; any other error is the cause of the end of ctx. The file need not exist: paths in the
// text are relative to its name.
func (changes Changes) Load(ctx context.Context, file string, text []byte, c Catalog) (*Spec, error) {
	return changes.load(ctx, file, text, c, nil)
}

func (changes Changes) load(ctx context.Context, file string, text []byte, c Catalog, resolved *string) (*Spec, error) {
	doc := document.New(file, bytes.TrimPrefix(text, []byte("\uFEFF"))) // which some editors begin files with
	root, problems := document.Parse(doc)
	if root == nil {
		problems.Sort()
		return nil, problems
	}
	d := &decoder{Document: doc, catalog: c, problems: problems, changes: changes, places: map[string]document.Span{},
		spec: &Spec{File: file, Text: text, Changes: changes}}
	if resolved != nil {
		d.stored, d.resolved = true, *resolved
	}
	d.graft(root, changes.Clusters)
	for _, text := range slices.Concat(changes.Set, changes.Cluster) {
		d.problems = append(d.problems, doc.Set(root, text)...)
	}
	d.addUntil(root)
	d.labelled = withLabels(root)
	d.decodeFile(ctx, root)
	if err := ctx.Err(); err != nil {
		return nil, context.Cause(ctx)
	}
	if len(d.problems) > 0 {
		d.problems.Sort()
		return nil, d.problems
	}
	d.spec.Warnings.Sort()
	return d.spec, nil
}

// decodeFile reads the top of the file and then its tables. Each may look at the ones before.
func (d *decoder) decodeFile(ctx context.Context, root *document.Node) {
	top := section{decoder: d, title: topTable.title, table: topTable, node: root}
	top.only()
	if v, given := top.get("schema"); given && v.Integer != version {
		d.report(top.place("schema"), document.Problem{Message: fmt.Sprintf("schema %d is newer than this xrun, which reads schema %d", v.Integer, version),
			Help: "update xrun"})
	}
	base := filepath.Base(d.File)
	d.spec.Name = top.textOr("name", strings.TrimSuffix(base, filepath.Ext(base)))
	notes, _ := top.get("notes") // of any form, also empty
	refines, _ := top.get("refines")
	d.spec.Refines = refines.Text
	d.spec.Notes = notes.Text
	for _, tag := range top.texts("tags") {
		d.spec.Tags = append(d.spec.Tags, tag.Text)
	}
	d.spec.Seeds = top.seeds()
	d.named = namedScores(root)
	d.tasks(ctx, root)
	spelled(root.Find("metric"))
	d.metric(root.Find("metric"))
	d.grid(ctx, root)
	d.spec.nameAxes()
	d.earlyStop(root.Find("early_stop"))
	d.divergence(root)
	d.monitors()
	d.prune(root.Find("prune"))
	d.reached(root)
	d.run(root.Find("run"))
	d.clusters(root.Find("cluster"))
	d.skip(root.Find("skip"))
	d.comparison(root.Find("compare"))
	d.checks(root.Find("check"))
	if d.changes.Quick {
		d.spec.quicken()
	}
	d.rounds(root.Find("seeds"))
	d.countTrials(root.Find("grid"))
	if d.spec.Task.Command != nil && len(d.problems) == 0 { // the grid is counted, and extra points add to it
		d.spec.variants = d.spec.commandVariants()
	}
	d.extras(ctx, root)
	if d.changes.Quick {
		d.spec.extra = nil
	}
	d.countSkipped(root.Find("skip"))
	d.countBaseline(root.Find("compare"))
	d.countStages(root)
	d.copies(top.place("seeds"))
}
