package plugins

// Data is what an [Objective] with [FeatureData] learns from: a table that xrun has read, encoded, divided and, unless the
// sweep says otherwise, standardized, as it does for its own models. Trials share it, so it is only read.
//
// What is in it follows from the file, the keys of the task and the seed. All of these are part of a trial's content.
type Data struct {
	Inputs  []string // the names of the columns
	Classes []string // what the classes are called, in the order of their indices; nil for a regression
	Train   Rows
	// Validation and Test have no rows where the sweep sets none aside.
	Validation, Test Rows
}

// Parts are the three parts, in the order in which they are sent.
func (d *Data) Parts() []*Rows { return []*Rows{&d.Train, &d.Validation, &d.Test} }

// Rows are the examples of one part.
type Rows struct {
	X []float64 // a row for each example, with a column for each input
	Y []float64 // a target for each example; of a classification, the index of its class
}

// Len is the number of examples.
func (r Rows) Len() int { return len(r.Y) }

// DataKeys are the keys of [task] that say what data an objective with [FeatureData] gets. None of its settings has such
// a name.
var DataKeys = []string{"dataset", "target", "kind", "validation", "test", "group", "order", "standardize", "separator", "decimal", "encoding",
	"drop", "categories", "rare", "ordinal", "dates", "missing"}
