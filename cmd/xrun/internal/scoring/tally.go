package scoring

import (
	"fmt"
	"strings"

	"github.com/xrun-dev/xrun/runner/data"
	"github.com/xrun-dev/xrun/sweeps/stats"
)

// tallies say, by column, what the rows had that training did not, and what was done about it.
func (s *Scorer) tallies() (lines []string) {
	if s.model.Encoding == nil {
		return nil
	}
	if absent := s.rows.Absent(); len(absent) > 0 {
		lines = append(lines, fmt.Sprintf("%s lacks %s, whose rows count as gaps: %s", s.file, stats.Count(len(absent), "column", "columns"), strings.Join(absent, ", ")))
	}
	tally := s.rows.Tally()
	var gaps, unknown []string
	for _, c := range s.model.Encoding.Columns {
		if n := tally.Gaps[c.Name]; n > 0 {
			gaps = append(gaps, fmt.Sprintf("%s %d (%s)", c.Name, n, filling(c)))
		}
		if n := tally.Unknown[c.Name]; n > 0 {
			as := "0 in all inputs of the column"
			if c.Rare {
				as = "as rare"
			}
			unknown = append(unknown, fmt.Sprintf("%s %d (%s)", c.Name, n, as))
		}
	}
	if len(gaps) > 0 {
		lines = append(lines, "gaps: "+strings.Join(gaps, ", "))
	}
	if len(unknown) > 0 {
		lines = append(lines, "categories without an input of their own: "+strings.Join(unknown, ", "))
	}
	return lines
}

// filling says what a gap of a column becomes.
func filling(c data.EncodedColumn) string {
	if c.FillLevel != nil {
		return "as " + *c.FillLevel
	}
	return "as " + stats.Number(*c.Fill)
}
