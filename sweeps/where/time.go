package where

import (
	"fmt"
	"time"

	"github.com/xrun-dev/xrun/plugins"
)

// TimeFormat is the form of a time, in UTC. Times in it are in order as texts are.
const TimeFormat = "2006-01-02T15:04:05Z"

// timeForms are how a condition may write a time. One without a zone is in UTC.
var timeForms = []string{
	time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04",
	"2006-01-02", "2006-01", "2006",
}

const timesLook = "times look like '2026-01-31' or '2026-01-31 12:00:00', in UTC"

// instant brings a text that is compared with a time into the form of times.
func instant(of, with Node) *Error {
	literal, ok := with.(*Literal)
	if !ok || of.Type() != Time || literal.Is == Time || TypeOf(literal.Value) != Text {
		return nil
	}
	for _, form := range timeForms {
		if t, err := time.Parse(form, literal.Value.Text); err == nil {
			literal.Value, literal.Is = plugins.Text(t.UTC().Format(TimeFormat)), Time
			return nil
		}
	}
	return at(with, Error{Message: fmt.Sprintf("`%s` is not a time", clip(literal.Value.Text)), Help: timesLook})
}
