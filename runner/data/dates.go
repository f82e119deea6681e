package data

import (
	"strconv"
	"strings"
	"time"
)

const dateHint = "dates are written as 2024-03-31, with a time behind as in 2024-03-31 14:05:00"

// dateForms are what dates may look like. Orders that people read in two ways, such as 3/4/2024, are not among them.
var dateForms = []string{
	"2006-01-02", "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05Z07:00",
	"2006-01-02 15:04", "2006-01-02T15:04", "2006-01-02T15:04Z07:00", "2006-01-02 15:04Z07:00", "2006/01/02", "2006/01/02 15:04:05", "2006/01/02 15:04",
}

// date reads a date as days since 1970-01-01, in UTC unless it names its zone.
func date(text string) (days float64, ok bool) {
	if len(text) < 10 {
		return 0, false
	}
	for _, form := range dateForms {
		if len(text) == 10 && len(form) != 10 {
			continue
		}
		if t, err := time.Parse(form, text); err == nil {
			return daysOf(t), true
		}
	}
	return 0, false
}

// daysOf is a time as days since 1970-01-01. Whole days are exact.
func daysOf(t time.Time) float64 {
	const day = 24 * 60 * 60
	seconds := t.Unix()
	whole := seconds / day
	if seconds%day < 0 {
		whole--
	}
	rest := float64(float64(seconds-whole*day)*1e9) + float64(t.Nanosecond())
	return float64(whole) + float64(rest/(day*1e9))
}

// writeDate is a date as a category or a class.
func writeDate(days float64) string {
	at := time.Unix(0, 0).UTC().Add(time.Duration(days * 24 * float64(time.Hour)))
	return strings.TrimSuffix(at.Format("2006-01-02 15:04:05"), " 00:00:00")
}

// date is the cell as a date.
func (c cell) date() (days float64, ok bool) {
	switch c.is {
	case cellDate:
		return c.number, true
	case cellText:
		return date(c.text)
	}
	return 0, false
}

// spelled is a number as a category or a class.
func spelled(v float64) string { return strconv.FormatFloat(v+0, 'g', -1, 64) }
