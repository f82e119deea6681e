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

const secondsOfDay = 24 * 60 * 60

// daysOf is a time as days since 1970-01-01. Whole days are exact.
func daysOf(t time.Time) float64 {
	const day = secondsOfDay
	seconds := t.Unix()
	whole := seconds / day
	if seconds%day < 0 {
		whole--
	}
	rest := float64(float64(seconds-whole*day)*1e9) + float64(t.Nanosecond())
	return float64(whole) + float64(rest/(day*1e9))
}

// dateCell is the cell of a time, in UTC.
func dateCell(seconds, nanos int64) cell {
	at := time.Unix(seconds, nanos).UTC()
	return cell{is: cellDate, number: daysOf(at), whole: at.Unix(), nanos: int32(at.Nanosecond())}
}

// writeDate is a date as a category or a class. Different times are written differently, and [date] reads the same time back.
func (c cell) writeDate() string {
	return strings.TrimSuffix(time.Unix(c.whole, int64(c.nanos)).UTC().Format("2006-01-02 15:04:05.999999999"), " 00:00:00")
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
