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

// Notes are what the reader should know before believing the tables, and the outcomes of checks.
func (r *Report) Notes() []string {
	return append(r.notes(), r.CheckLines()...)
}

// Methods are paragraphs on how the numbers were come by, the first in a form that a paper can use.
func (r *Report) Methods() []string { return append([]string{r.methods()}, r.glossary()...) }
