package data

import (
	"fmt"
	"slices"
)

// Check returns an error if an encoding that was read from a file cannot encode a row.
func (e *Encoding) Check() error {
	for _, c := range e.Columns {
		numbers := slices.Contains([]string{AsNumber, AsFlag, AsDate, AsOrdinal}, c.As)
		switch {
		case !numbers && c.As != AsCategory:
			return fmt.Errorf("column %q is encoded as %q, which this version of xrun does not know", c.Name, c.As)
		case (c.Mean == nil) != (c.Factor == nil) || c.As == AsCategory && c.Mean != nil:
			return fmt.Errorf("column %q is standardized by a mean and a factor, or by none", c.Name)
		case c.As == AsCategory && (c.Fill != nil || c.Indicator || !slices.IsSorted(c.Levels)):
			return fmt.Errorf("the levels of column %q are not those of a category", c.Name)
		case numbers && (c.FillLevel != nil || c.Rare):
			return fmt.Errorf("column %q has levels, and is no category", c.Name)
		case numbers && c.Indicator && c.Fill == nil:
			return fmt.Errorf("column %q has an input for gaps, which nothing fills", c.Name)
		}
	}
	return nil
}
