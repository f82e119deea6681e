package report

// A TableColumn is a column of a table that somebody else lays out.
type TableColumn struct {
	Head  string
	Right bool // aligned
	Cells []string
}

// SettingTable is the table of the first settings, 0 for all.
func (r *Report) SettingTable(top int) []TableColumn { return open(r.columns(r.shown(top), false)) }

// ArmTable is the table of the arms.
func (r *Report) ArmTable() []TableColumn { return open(r.armColumns()) }

func open(all []column) (table []TableColumn) {
	for _, c := range all {
		table = append(table, TableColumn{c.head, c.right, c.cells})
	}
	return table
}

// Heading says what was compared and how.
func (r *Report) Heading() string { return r.heading() }

// SameLine is what is equal everywhere, as far as it tells a reader what was done.
func (r *Report) SameLine() string { return r.sameLine() }

// Notes are what the reader should know before believing the tables, and the outcomes of checks.
func (r *Report) Notes() []string {
	notes := r.notes()
	for _, c := range r.Checks {
		notes = append(notes, c.line())
	}
	return notes
}

// Listed is how many settings a table of all has.
func (r *Report) Listed() int { return r.listed() }

// Methods are paragraphs on how the numbers were come by, the first in a form that a paper can use.
func (r *Report) Methods() []string { return append([]string{r.methods()}, r.glossary()...) }
