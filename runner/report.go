package runner

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Report is the metrics of a program after an epoch.
type Report struct {
	Epoch   int
	Metrics []string // sorted
	Values  []float64
	// NoNumbers are names of values that are no numbers, as text that json.dumps has made of them.
	NoNumbers []string
	// LeftOut are names of numbers that cannot be names of metrics; see [IsMetricName].
	LeftOut []string
	// Doubt, if not nil, is all there is: no report, but a line that looks like one.
	Doubt *Doubt
}

// A Doubt is a line of output that looks like a report and is none.
type Doubt struct {
	Line string
	Why  string
}

// The limits of a report.
const (
	MaxReportBytes = 64 << 10
	// MaxMetricBytes limits the name of a metric. MLflow has the same limit.
	MaxMetricBytes = 250
	maxEpoch       = math.MaxInt32
	// maxFailures limits the objects of a line that are tried in vain: each costs a look at the whole line.
	maxFailures = 50
)

// ParseReports finds the reports of a line, and returns the line without them. A report is an object of JSON
// with an integer "epoch" of at least 0, such as
//
//	{"epoch": 3, "val_loss": 0.41, "val_accuracy": 0.87}
//
// Text may stand before and after it. Other numbers in it are metrics, everything else is ignored. Beyond JSON,
// NaN and the infinities count as numbers in every spelling that languages print them in, as text as well, and
// so does null, as JavaScript writes all three.
//
// A line without a report that names the epoch or one of the given metrics between braces is a doubt.
func ParseReports(line []byte, metrics []string) (reports []Report, rest []byte, doubt *Doubt) {
	if len(line) > MaxReportBytes || bytes.IndexByte(line, '{') < 0 {
		return nil, line, doubtful(line, metrics, "it is longer than "+strconv.Itoa(MaxReportBytes)+" bytes")
	}
	why := ""
	from := 0 // what is before has been looked at
	for failures := 0; failures < maxFailures; {
		i := bytes.IndexByte(line[from:], '{')
		if i < 0 {
			break
		}
		begin := from + i
		length := ObjectLength(line[begin:])
		if length == 0 {
			if why == "" {
				why = "its brace is not closed"
				if len(line)-begin > MaxReportBytes/2 { // as of a part of a longer line
					why = fmt.Sprintf("its brace is not closed within %d bytes", MaxReportBytes/2)
				}
			}
			from = begin + 1
			failures++
			continue
		}
		report, isJSON, not := parseReport(line[begin : begin+length])
		switch {
		case not == "":
			reports = append(reports, report)
			rest = append(rest, line[:begin]...)
			line, from = line[begin+length:], 0
			continue
		case isJSON: // what stands within it is part of it
			from = begin + length
		default:
			from = begin + 1
			failures++
		}
		if why == "" {
			why = not
		}
	}
	if len(reports) == 0 {
		return nil, line, doubtful(line, metrics, why)
	}
	return reports, append(rest, line...), nil
}

// doubtful is the doubt about a line without a report; nil if it does not look like one.
func doubtful(line []byte, metrics []string, why string) *Doubt {
	open := bytes.IndexByte(line, '{')
	if open < 0 {
		return nil
	}
	inside := line[open:]
	names := func(name string) bool {
		return bytes.Contains(inside, []byte(`"`+name+`"`)) || bytes.Contains(inside, []byte(`'`+name+`'`))
	}
	if !names("epoch") && !slices.ContainsFunc(metrics, names) {
		return nil
	}
	if bytes.Contains(inside, []byte(`'epoch'`)) && !bytes.Contains(inside, []byte(`"epoch"`)) {
		why = "its names stand in single quotes, as Python prints a dict; json.dumps makes JSON of it"
	}
	return &Doubt{clipLine(string(line)), why}
}

// ObjectLength is the length of the text from a brace to the one that closes it; 0 if none does.
func ObjectLength(text []byte) int {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '{':
			depth++
		case c == '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}

// parseReport reads a text from brace to brace. not says why it is no report; isJSON is true if it is an object
// nevertheless.
func parseReport(text []byte) (r Report, isJSON bool, not string) {
	var fields map[string]any
	d := json.NewDecoder(bytes.NewReader(spellOut(text)))
	d.UseNumber()
	if err := d.Decode(&fields); err != nil {
		return Report{}, false, "it is not JSON: " + err.Error()
	}
	given, ok := fields["epoch"]
	if !ok {
		return Report{}, true, `it has no "epoch"`
	}
	number, _ := given.(json.Number)
	epoch, err := strconv.ParseFloat(string(number), 64) // 3.0 is 3: numpy's integers become that
	if err != nil || epoch < 0 || epoch > maxEpoch || epoch != math.Trunc(epoch) {
		text, _ := json.Marshal(given) // it has just been read from JSON
		return Report{}, true, fmt.Sprintf("its epoch is %.40s, and an epoch is a whole number of at least 0", text)
	}
	r.Epoch = int(epoch)
	for name, v := range fields {
		switch _, isNumber := numberOf(v); {
		case name == "epoch":
		case !isNumber:
			r.NoNumbers = append(r.NoNumbers, name)
		case IsMetricName(name):
			r.Metrics = append(r.Metrics, name)
		default:
			r.LeftOut = append(r.LeftOut, name)
		}
	}
	slices.Sort(r.Metrics)
	slices.Sort(r.LeftOut)
	slices.Sort(r.NoNumbers)
	for _, name := range r.Metrics {
		v, _ := numberOf(fields[name])
		r.Values = append(r.Values, v)
	}
	return r, true, ""
}

// numberOf is the number that a value of JSON stands for.
func numberOf(v any) (x float64, ok bool) {
	switch v := v.(type) {
	case nil:
		return math.NaN(), true
	case json.Number:
		x, _ = strconv.ParseFloat(string(v), 64) // past the range it is ±Inf, as it is in Python
		return x, true
	case string: // as .NET, protocol buffers and pydantic write what JSON does not have
		x, ok = ParseNumber(v)
		return x, ok && (math.IsNaN(x) || math.IsInf(x, 0)) && !strings.ContainsAny(v, "0123456789")
	}
	return 0, false
}

// notNumbers are spellings of NaN beyond "nan" in any case: of C on Windows, old and new, of R and of Rust.
var notNumbers = []string{"nan(ind)", "nan(snan)", "1.#qnan", "1.#snan", "1.#ind", "na", "nan0", "nanq", "nans"}

// ParseNumber reads a number as programs print it: NaN and the infinities in any case and spelling, a sign before
// anything, digits missing on one side of the point.
func ParseNumber(text string) (x float64, ok bool) {
	bare := strings.ToLower(strings.TrimLeft(text, "+-"))
	negative := strings.HasPrefix(text, "-")
	switch {
	case len(text)-len(bare) > 1:
		return 0, false
	case bare == "nan" || slices.Contains(notNumbers, bare):
		return math.NaN(), true
	case bare == "inf" || bare == "infinity" || bare == "1.#inf":
		if negative {
			return math.Inf(-1), true
		}
		return math.Inf(1), true
	case strings.ContainsAny(bare, "_x"): // Go's own forms
		return 0, false
	}
	x, err := strconv.ParseFloat(text, 64)
	return x, err == nil || math.IsInf(x, 0)
}

// spellOut writes numbers that JSON does not have in a form that it has: NaN as null, the infinities as numbers
// past the range.
func spellOut(text []byte) []byte {
	out := make([]byte, 0, len(text)+16)
	quoted := false
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case quoted && c == '\\' && i+1 < len(text):
			out = append(out, c)
			i++
			c = text[i]
		case c == '"':
			quoted = !quoted
		case !quoted && isWord(c):
			end := i + 1
			for end < len(text) && isWord(text[end]) {
				end++
			}
			out = appendWord(out, string(text[i:end]))
			i = end - 1
			continue
		}
		out = append(out, c)
	}
	return out
}

func isWord(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("+-.#()_", c) >= 0
}

// appendWord appends a number, true, false or null; anything else as it is, which is an error then.
func appendWord(out []byte, word string) []byte {
	if json.Valid([]byte(word)) {
		return append(out, word...)
	}
	switch x, ok := ParseNumber(word); {
	case !ok:
		return append(out, word...)
	case math.IsNaN(x):
		return append(out, "null"...)
	case math.IsInf(x, 1):
		return append(out, "1e999"...)
	case math.IsInf(x, -1):
		return append(out, "-1e999"...)
	default:
		return strconv.AppendFloat(out, x, 'g', -1, 64)
	}
}

// IsMetricName reports whether a metric of a program can have the name, which heads a column of tables: it has 1
// to [MaxMetricBytes] bytes, each character can be shown, and it is not blank.
func IsMetricName(name string) bool {
	return len(name) <= MaxMetricBytes && strings.TrimSpace(name) != "" && utf8.ValidString(name) &&
		!strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) })
}

// value is a metric of the report, if it has it.
func (r Report) value(name string) (float64, bool) {
	i, ok := slices.BinarySearch(r.Metrics, name)
	if !ok {
		return math.NaN(), false
	}
	return r.Values[i], true
}
