package runner

import (
	"context"
	"time"
)

// A RunID names one attempt at a trial within a Recorder.
type RunID int64

// A Recorder keeps what runs produce. store.Recorder is the usual one.
//
// Its methods may be called from several workers at once.
type Recorder interface {
	// Begin opens a run for each trial, or opens one again that was interrupted and left a
	// checkpoint. A trial that needs no run, because it is done or because another process is running
	// it now, gets the RunID 0.
	Begin(ctx context.Context, trials []Trial) ([]Begun, error)

	// Record takes an update. It may return before the update is durable, keeps order, and owns
	// the update from then on. It blocks when the disk cannot keep up.
	Record(ctx context.Context, u Update) error
}

// A Begun is a run that has been opened.
type Begun struct {
	Run RunID
	// Recorded is the last epoch that the run has points of; −1 without any. They need not be
	// recorded again.
	Recorded int
	// From is where the run was left; nil to begin at the beginning.
	From *Checkpoint
}

// A Checkpoint is the whole state of a run between two epochs. A run that goes on from it gives the
// bits that it gives without the pause.
type Checkpoint struct {
	Run     RunID
	Epoch   int
	Content []byte // opaque to recorders
}

// Optima keeps what reference solvers have found. store.Store is the usual one.
type Optima interface {
	// Optimum looks an optimum up by the digest of its problem.
	Optimum(ctx context.Context, key string) (o Optimum, ok bool, err error)
	PutOptimum(ctx context.Context, o Optimum) error
}

// An Optimum is the least value of an objective, as a reference solver has found it.
type Optimum struct {
	Key       string // digest of the problem, hex
	Value     float64
	Violation float64 // of the optimality conditions, where it was found
	Problem   string  // for people
}

// An Update is the results of a cohort after an epoch. It becomes durable as a whole.
type Update struct {
	Points []Points
	Events []Event
	Ends   []End
	// Checkpoints replace the earlier ones of the same runs. The recorder drops them when the run
	// ends with a result.
	Checkpoints []Checkpoint
}

// Points are the metrics of one run after one epoch; epoch 0 is before training.
// Metrics names the Values and may be shared between updates; it is not modified.
type Points struct {
	Run     RunID
	Epoch   int
	Metrics []string
	Values  []float64
}

// An Event is something that happened to a run, for people to read.
type Event struct {
	Run     RunID
	At      time.Time
	Kind    string // "early_stop", "diverged", "retry", "fault", "share"
	Epoch   int
	Message string // one sentence, with the rule, the threshold and the values
	Detail  string // more: a plugin's last words, or the facts of a stopping rule's decision in a line of JSON; often empty
}

// An End closes a run.
type End struct {
	Run    RunID
	At     time.Time
	Status Status
	Reason string // one line: what ended the run
	Error  string // for a failed run: the full message
	Epochs int    // completed
	Cost   Cost
	// Kept is the epoch that counts; nil if the run keeps nothing.
	Kept *Kept
	// Parameters are those after the epoch that counts, in the safetensors format; nil for a program, and if
	// nothing is kept.
	Parameters []byte
	// Output is what a program printed, without its reports; nil without a program.
	Output []byte
	// Source is the text of a program that no sweep started; nil where it is not known.
	Source []byte
	// Again is true if the run failed and its trial is tried again in this sweep.
	Again bool
	// Lasting is true if the run failed and would fail again.
	Lasting bool
	// Coefficients are the factors of the penalty's parts; see plugins.Weighted. Nil without one.
	Coefficients map[string]float64
	// Constants are what a predictor scores on the rows of the run that knows the targets of the training rows and nothing
	// else, by metric: those that have a value. Nil where xrun has no rows. See [score.Constant].
	Constants map[string]float64
}

// Cost is what a run took.
type Cost struct {
	Wall          time.Duration // from its begin to its end; its cohort trained other runs meanwhile
	Steps         int64
	GradientEvals int64
	Plugin        time.Duration // inside plugins: an equal share of its cohort's
	Transport     time.Duration // waiting for plugins beyond that, likewise
}
