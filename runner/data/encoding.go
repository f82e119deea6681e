package data

// An Encoding turns a row of a table into the inputs of a model. It is fitted on the training rows of one split, and holds all
// that is needed to encode further rows: a file of trained parameters carries it as JSON.
type Encoding struct {
	Schema  Schema          `json:"schema"`
	Columns []EncodedColumn `json:"columns"` // in the order of the table, the target, dropped and splitting columns left out
}

// What a column of a table is.
const (
	AsNumber   = "number"
	AsFlag     = "flag"     // true and false, or yes and no: 1 and 0
	AsDate     = "date"     // days since 1970-01-01, with a fraction
	AsOrdinal  = "ordinal"  // the position in Levels, counted from 0
	AsCategory = "category" // an input for each of Levels, 1 where the row has it and 0 elsewhere
)

// An EncodedColumn says which inputs a column of a table becomes.
type EncodedColumn struct {
	Name string `json:"name"`
	As   string `json:"as"`
	// Levels are the values of an ordinal, and the categories that have inputs of their own, sorted.
	Levels []string `json:"levels,omitempty"`
	// Rare is set for categories whose rare values share an input, the last of the column. Values that training did not
	// have are among them. Without it, they have 0 in all inputs.
	Rare bool `json:"rare,omitempty"`
	// Fill is the value of a gap before it is standardized; nil where a gap is an error. FillLevel is that of a category.
	Fill      *float64 `json:"fill,omitempty"`
	FillLevel *string  `json:"fill_level,omitempty"`
	// Indicator is set where a further input, behind the column's own, is 1 for a gap and 0 elsewhere.
	Indicator bool `json:"indicator,omitempty"`
	// A number, date, flag or ordinal x becomes (x − Mean)·Factor. Categories and indicators stay 0 and 1. Nil without standardize.
	Mean   *float64 `json:"mean,omitempty"`
	Factor *float64 `json:"factor,omitempty"`
}

// RareLevel names the input that rare categories share, MissingLevel the category that gaps are, and MissingInput the
// input that is 1 for a gap.
const (
	RareLevel    = "(rare)"
	MissingLevel = "(missing)"
	MissingInput = "(missing)"
)

// Inputs names the inputs that the column becomes: "age", "age=(missing)", "port=Cork".
func (c EncodedColumn) Inputs() (names []string) {
	if c.As == AsCategory {
		for _, level := range c.Levels {
			names = append(names, c.Name+"="+level)
		}
		if c.Rare {
			names = append(names, c.Name+"="+RareLevel)
		}
	} else {
		names = append(names, c.Name)
	}
	if c.Indicator {
		names = append(names, c.Name+"="+MissingInput)
	}
	return names
}

// Inputs names the inputs of the model.
func (e *Encoding) Inputs() (names []string) {
	for _, c := range e.Columns {
		names = append(names, c.Inputs()...)
	}
	return names
}
