package imported

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store/export"
)

// A role is the meaning of a column.
type role int

const (
	roleNone role = iota // not read
	roleSetting
	roleReading // a value of a metric
	roleLR
	roleLambda
	roleOptimizer
	roleRegularizer
	roleSeed
	roleEpoch
	roleMetric // the name of a metric, with roleValue
	roleValue
	roleStatus
	roleWall
)

// roles are the meanings that names of columns have.
var roles = map[string]role{"lr": roleLR, "learning_rate": roleLR, "lambda": roleLambda, "λ": roleLambda, "optimizer": roleOptimizer, "regularizer": roleRegularizer,
	"seed": roleSeed, "epoch": roleEpoch, "step": roleEpoch, "metric": roleMetric, "value": roleValue, "status": roleStatus, "wall_seconds": roleWall, "-": roleNone}

// ours are columns of xrun's own exports that are no settings.
var ours = []string{"run_id", "trial_key", "sweep", "attempt", "epochs", "best_epoch", "steps", "started_at", "ended_at", "reason", "error"}

// identifies reports whether a column only numbers or names its rows or its runs.
func identifies(name string) bool {
	return slices.Contains([]string{"run", "run_id", "trial", "id", "index"}, strings.ToLower(name))
}

// measured matches names of metrics.
var measured = regexp.MustCompile(`(?i)^(train|val|valid|validation|test|eval|dev)[_./ -]|(^|[_./ -])(loss|acc|accuracy|error|auc|f1|rmse|mse|mae|r2|objective|perplexity)$`)

// inShort matches the columns for the summary of a metric in xrun's exports of one row a run.
var inShort = regexp.MustCompile(`\.(first|last|min|min_step|max|max_step|mean)$`)

// maxColumns is well above any use.
const maxColumns = 4096

// A table is a file that is being read.
type table struct {
	Options
	problems found
	csv      *csv.Reader
	comma    rune
	roles    []role
	header   []string
	index    []int // of settings and readings, among settings and metrics
	settings []string
	metrics  []string
	drafts   []*draft
	values   int
	long     bool
	wanted   map[string]bool // of Metrics, in a file with a column metric; nil is all
}

// newTable reads the header.
func newTable(r io.Reader, o Options) (*table, error) {
	t := &table{Options: o, problems: found{file: o.Name}}
	in := bufio.NewReaderSize(r, 1<<16)
	if mark, err := in.Peek(3); err == nil && string(mark) == "\ufeff" {
		in.Discard(3)
	}
	start, _ := in.Peek(1 << 16)
	line, _, _ := strings.Cut(string(start), "\n")
	t.comma = ','
	for _, other := range ";\t" {
		if strings.Count(line, string(other)) > strings.Count(line, string(t.comma)) {
			t.comma = other
		}
	}
	t.csv = csv.NewReader(in)
	t.csv.Comma, t.csv.ReuseRecord = t.comma, true
	head, err := t.csv.Read()
	if err != nil {
		return nil, t.refuse(err)
	}
	if len(head) > maxColumns {
		t.problems.add(1, 1, fmt.Sprintf("there are %d columns, more than %d", len(head), maxColumns), "")
		return nil, t.problems.err()
	}
	t.header = make([]string, len(head))
	seen := map[string]bool{}
	for i, cell := range head {
		name := strings.TrimSpace(export.Unprotected(cell))
		if _, column := t.csv.FieldPos(i); !showable(name) {
			t.problems.add(1, column, "the name of the column has characters that cannot be shown, or are not UTF-8", "save the file as UTF-8")
		} else if seen[name] && name != "" {
			t.problems.add(1, column, fmt.Sprintf("there are two columns %q", name), "give every column a name of its own")
		}
		seen[name] = true
		t.header[i] = name
	}
	if err := t.problems.err(); err != nil {
		return nil, err
	}
	t.assign()
	return t, t.problems.err()
}

// refuse reports a mistake in the form of the file.
func (t *table) refuse(err error) error {
	var wrong *csv.ParseError
	switch {
	case err == io.EOF:
		t.problems.add(1, 1, "the file is empty", "the first line names the columns")
	case errors.As(err, &wrong):
		help := "a cell with quotation marks stands in quotation marks, and doubles its own"
		if errors.Is(err, csv.ErrFieldCount) {
			help = fmt.Sprintf("the first line names %d columns", len(t.header))
		}
		t.problems.add(wrong.Line, max(1, wrong.Column), wrong.Err.Error(), help)
	default:
		return err
	}
	return t.problems.err()
}

// assign gives every column its role.
func (t *table) assign() {
	has := func(name string) bool { return slices.Contains(t.header, name) }
	as := map[string]string{}
	for _, m := range t.Map {
		if !has(m.Column) {
			t.problems.add(1, 1, fmt.Sprintf("there is no column %q to map", m.Column), "there are "+strings.Join(t.header, ", "))
		}
		as[m.Column] = m.As
	}
	mapped := func(role string) bool {
		return slices.ContainsFunc(t.header, func(name string) bool {
			if other, ok := as[name]; ok {
				return other == role
			}
			return name == role
		})
	}
	t.long = mapped("metric") && mapped("value")
	exported := has("run_id") && has("trial_key")
	if t.long && len(t.Metrics) > 0 {
		t.wanted = map[string]bool{}
		for _, metric := range t.Metrics {
			t.wanted[metric] = true
		}
	}
	t.roles, t.index = make([]role, len(t.header)), make([]int, len(t.header))
	taken := map[role]string{}
	afterEpoch := false
	for i, column := range t.header {
		name, given := as[column]
		if !given {
			name = column
		}
		r, known := roles[name]
		switch {
		case known && (r == roleMetric || r == roleValue) && !t.long:
			r = roleSetting
		case known:
		case name == "" || !given && exported && slices.Contains(ours, name): // row numbers have no name
			r = roleNone
		case !t.long && (slices.Contains(t.Metrics, name) || !given && measured.MatchString(name) || !given && exported && (afterEpoch || inShort.MatchString(name))):
			r = roleReading
		case !given && identifies(name):
			r = roleNone
		default:
			r = roleSetting
		}
		afterEpoch = afterEpoch || r == roleEpoch
		if r > roleReading {
			if other := taken[r]; other != "" {
				t.problems.add(1, 1, fmt.Sprintf("the columns %q and %q both are the %s", other, column, name), "--map one of them to another name, or to - to leave it out")
			}
			taken[r] = column
		}
		t.roles[i] = r
		switch r {
		case roleSetting:
			t.index[i], t.settings = len(t.settings), append(t.settings, name)
		case roleReading:
			t.index[i], t.metrics = len(t.metrics), append(t.metrics, name)
		}
	}
	for _, names := range [][]string{t.settings, t.metrics} {
		sorted := slices.Sorted(slices.Values(names))
		if len(slices.Compact(sorted)) < len(names) {
			t.problems.add(1, 1, "two columns are mapped to the same name", "")
		}
	}
	if !t.long && len(t.metrics) == 0 {
		t.problems.add(1, 1, "no column is a metric", "name it with --metric; there are "+strings.Join(t.header, ", "))
	}
}

// names are the names of the columns of a role.
func (t *table) names(of role) (names []string) {
	for i, r := range t.roles {
		if r == of && t.header[i] != "" {
			names = append(names, t.header[i])
		}
	}
	return names
}

// rows reads all rows.
func (t *table) rows() error {
	known := map[string]*draft{}
	var key []byte
	cells := make([]string, len(t.settings))
	for {
		record, err := t.csv.Read()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return t.refuse(err)
		}
		line, _ := t.csv.FieldPos(0)
		role, epoch, metric, value, ok := t.row(record, cells)
		if !ok {
			continue
		}
		key = fmt.Appendf(key[:0], "%q %q %v %v %d", role.optimizer, role.regularizer, role.lr, role.lambda, role.seed)
		for _, cell := range cells {
			key = append(append(key, 0), cell...)
		}
		d := known[string(key)]
		if d == nil {
			d = &draft{cells: slices.Clone(cells), role: role, line: line, curves: map[int]*series{}}
			for i := range d.cells {
				d.cells[i] = strings.Clone(d.cells[i]) // the row's text is much larger
			}
			d.role.optimizer, d.role.regularizer, d.role.status = strings.Clone(role.optimizer), strings.Clone(role.regularizer), strings.Clone(role.status)
			known[string(key)] = d
			t.drafts = append(t.drafts, d)
		} else if d.role.status != role.status {
			t.problems.add(line, 1, fmt.Sprintf("the run is %s here, and %s in line %d", role.status, d.role.status, d.line), "what tells two runs apart has to be a column, such as seed")
			continue
		}
		d.role.wall = max(d.role.wall, role.wall)
		if t.long {
			if metric >= 0 {
				t.add(d, metric, point{value, int32(epoch), int32(line)})
			}
		} else {
			for i, cell := range record {
				if t.roles[i] != roleReading || missing(cell) {
					continue
				}
				if v, ok := t.number(record, i); ok {
					t.add(d, t.index[i], point{v, int32(epoch), int32(line)})
				}
			}
		}
		if t.values > maxValues {
			t.problems.add(line, 1, fmt.Sprintf("these are more than %d values", maxValues), "import the file in parts, or fewer metrics with --metric or --map COLUMN=-")
			return nil
		}
	}
}

func (t *table) add(d *draft, metric int, p point) {
	curve := d.curves[metric]
	if curve == nil {
		curve = &series{}
		d.curves[metric] = curve
	}
	*curve = append(*curve, p)
	t.values++
}

// row reads the roles of a row; settings go to cells.
func (t *table) row(record, cells []string) (role roleCells, epoch, metric int, value float64, ok bool) {
	epoch, metric, ok = 1, -1, true // a row without an epoch is the end of one
	problem := func(i int, message, help string) {
		line, column := t.csv.FieldPos(i)
		t.problems.add(line, column, message, help)
		ok = false
	}
	for i, cell := range record {
		if t.roles[i] == roleNone || t.roles[i] == roleReading {
			continue
		}
		if !showable(cell) {
			problem(i, fmt.Sprintf("%s has characters that cannot be shown, or are not UTF-8", t.header[i]), "save the file as UTF-8; --map "+t.header[i]+"=- leaves the column out")
			continue
		}
		cell = strings.TrimSpace(export.Unprotected(cell))
		real := func() (v float64) {
			if v, ok = t.number(record, i); ok && (math.IsNaN(v) || math.IsInf(v, 0)) {
				problem(i, fmt.Sprintf("%s is %v", t.header[i], v), "it has to be a number")
			}
			return v
		}
		whole := func(low, high float64) int64 {
			if n, err := strconv.ParseInt(cell, 10, 64); err == nil && float64(n) >= low && float64(n) <= high {
				return n
			}
			v, err := strconv.ParseFloat(cell, 64)
			if err != nil || v != math.Trunc(v) || !(v >= low && v <= high) {
				problem(i, fmt.Sprintf("%s is %q, and not an integer from %.0f to %.0f", t.header[i], clip(cell), low, high), "")
				return 0
			}
			return int64(v)
		}
		before := ok
		switch t.roles[i] {
		case roleSetting:
			cells[t.index[i]] = cell
			if missing(cell) {
				cells[t.index[i]] = ""
			}
		case roleLR:
			if !missing(cell) {
				if role.lr = real(); ok && role.lr < 0 {
					problem(i, fmt.Sprintf("%s is %v, less than 0", t.header[i], role.lr), "")
				}
			}
		case roleLambda:
			if !missing(cell) {
				if role.lambda = real() + 0; ok && role.lambda < 0 {
					problem(i, fmt.Sprintf("%s is %v, less than 0", t.header[i], role.lambda), "")
				}
			}
		case roleOptimizer:
			if !missing(cell) {
				role.optimizer = cell
			}
		case roleRegularizer:
			if !missing(cell) && !strings.EqualFold(cell, "none") {
				role.regularizer = cell
			}
		case roleSeed:
			if !missing(cell) {
				role.seed = whole(-1<<53, 1<<53)
			}
		case roleEpoch:
			epoch = int(whole(0, 1e9))
		case roleStatus:
			if !missing(cell) && !slices.Contains(statuses, runner.Status(cell)) {
				problem(i, fmt.Sprintf("%s is %q, which is no status of a run", t.header[i], clip(cell)), "--map "+t.header[i]+"=- leaves the column out, and --map "+t.header[i]+"=outcome makes it a setting")
			}
			role.status = cell
		case roleWall:
			if !missing(cell) {
				if role.wall = real(); ok && (role.wall < 0 || role.wall > 1e9) {
					problem(i, fmt.Sprintf("%s is %v, not a time in seconds", t.header[i], role.wall), "")
				}
			}
		case roleMetric:
			if cell == "" {
				problem(i, "the metric has no name", "")
			} else if t.wanted == nil || t.wanted[cell] {
				metric = t.metric(cell)
			}
		case roleValue:
			if missing(cell) {
				problem(i, "the value is missing", "write NaN for a value that is not a number, and no row for none")
			} else {
				value, ok = t.number(record, i)
			}
		}
		ok = ok && before
	}
	return role, epoch, metric, value, ok
}

// metric is the index of a metric of a long file.
func (t *table) metric(name string) int {
	for i, known := range t.metrics {
		if known == name {
			return i
		}
	}
	t.metrics = append(t.metrics, strings.Clone(name))
	return len(t.metrics) - 1
}

// missing reports whether a cell holds nothing, as pandas and R write it.
func missing(cell string) bool { return cell == "" || cell == "NA" || cell == "null" || cell == "None" }

// number reads a real number. It may have a decimal comma if semicolons separate cells.
func (t *table) number(record []string, i int) (float64, bool) {
	v, err := strconv.ParseFloat(t.pointed(strings.TrimSpace(record[i])), 64)
	if err != nil && !(errors.Is(err, strconv.ErrRange) && v == 0) {
		line, column := t.csv.FieldPos(i)
		t.problems.add(line, column, fmt.Sprintf("%s is %q, and not a number", t.header[i], clip(record[i])), "numbers are like 0.001, 1e-3, NaN or inf; --map "+strconv.Quote(t.header[i])+"=- leaves the column out")
		return 0, false
	}
	return v, true
}

// pointed replaces a decimal comma by a point if semicolons separate cells.
func (t *table) pointed(cell string) string {
	if t.comma == ';' {
		return strings.Replace(cell, ",", ".", 1)
	}
	return cell
}

// showable reports whether a text has only printable characters.
func showable(text string) bool {
	return utf8.ValidString(text) && strings.IndexFunc(text, unicode.IsControl) < 0
}

// clip shortens a text for a message.
func clip(text string) string {
	const most = 40
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
