package data

import (
	"testing"
	"time"
)

// A date that is written as a category, a class or a column that predictions carry is read as the same time again.
func TestDatesAreWrittenWhole(t *testing.T) {
	seen := map[string]float64{}
	for _, text := range []string{"1600-01-01", "1677-09-21 00:12:43", "1969-12-31 23:59:59.999999", "1970-01-01", "2024-04-16 09:46:51",
		"2024-01-24 09:34:40.123456", "2044-03-08 05:48:07.000000001", "2400-05-05", "9999-12-31 23:59:59"} {
		at, err := time.Parse("2006-01-02 15:04:05", text)
		if err != nil {
			at, err = time.Parse("2006-01-02", text)
		}
		if err != nil {
			t.Fatal(err)
		}
		c := dateCell(at.Unix(), int64(at.Nanosecond()))
		if c.spelling() != text {
			t.Errorf("%s is written %s", text, c.spelling())
		}
		if days, ok := date(c.spelling()); !ok || days != c.number {
			t.Errorf("%s is %v days, and read again %v", text, c.number, days)
		}
		seen[c.spelling()] = c.number
	}
	if len(seen) != 9 {
		t.Errorf("9 dates are written in %d ways", len(seen))
	}
	if c := dateOfTicks(-1, 1e6); c.spelling() != "1969-12-31 23:59:59.999999" {
		t.Errorf("a microsecond before 1970 is written %s", c.spelling())
	}
}
