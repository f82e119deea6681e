package data

import (
	"strings"
	"time"
)

// Until a reader has these.
const (
	encodingLatin1  = "latin1"
	encodingUTF16LE = "utf-16le"
	encodingUTF16BE = "utf-16be"
)

func gap(cell string) bool { return missing(cell) || cell == "-" }

func flagOf(cell string) (float64, bool) {
	switch strings.ToLower(cell) {
	case "true", "yes":
		return 1, true
	case "false", "no":
		return 0, true
	}
	return 0, false
}

func date(cell string) (float64, bool) {
	for _, layout := range []string{time.DateOnly, time.DateTime, time.RFC3339} {
		if t, err := time.Parse(layout, cell); err == nil {
			return float64(t.Unix()) / 86400, true
		}
	}
	return 0, false
}

func (s Schema) number(cell string) (float64, bool) {
	if s.Decimal == "," {
		if strings.Contains(cell, ".") {
			return 0, false
		}
		cell = strings.Replace(cell, ",", ".", 1)
	}
	return decimal(cell)
}
