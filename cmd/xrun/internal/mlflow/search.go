package mlflow

import (
	"cmp"
	"context"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A field is what a filter or an order names.
type field struct{ kind, key string }

// Kinds of fields.
const (
	ofMetric    = "metric"
	ofParam     = "param"
	ofTag       = "tag"
	ofAttribute = "attribute"
)

var kinds = map[string]string{"metric": ofMetric, "metrics": ofMetric, "param": ofParam, "params": ofParam, "parameter": ofParam, "parameters": ofParam,
	"tag": ofTag, "tags": ofTag, "attribute": ofAttribute, "attributes": ofAttribute, "attr": ofAttribute, "run": ofAttribute}

// A term compares a field with values.
type term struct {
	field
	op     string
	number float64
	text   string
	list   []string
	like   *regexp.Regexp
}

// A subject has the values of fields.
type subject func(f field) (text string, number float64, isNumber, ok bool)

var word = regexp.MustCompile("^(?:" + strings.Join([]string{
	`'(?:[^'\\]|\\.)*'`, `"(?:[^"\\]|\\.)*"`, "`[^`]*`", // quoted
	`!=|>=|<=|=|<|>|\(|\)|,`,
	`[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?`,
	`[A-Za-z_][A-Za-z0-9_]*`,
}, "|") + ")")

// words cuts a filter. A name may have characters that a word has not: it goes on to the next space or operator.
func words(text string) (all []string, err error) {
	for rest := strings.TrimSpace(text); rest != ""; rest = strings.TrimSpace(rest) {
		w := word.FindString(rest)
		if len(all) > 0 && rest[0] == '.' && kinds[strings.ToLower(all[len(all)-1])] != "" {
			w = "."
		}
		if len(all) > 1 && all[len(all)-1] == "." && (w == "" || !strings.ContainsAny(w[:1], "'\"`")) {
			w = rest[:strings.IndexAny(rest+" ", " \t\n=!<>()")] // a key without quotes
		}
		if w == "" {
			return nil, refuse(invalid, "Invalid clause(s) in filter string: it cannot be read at %q", clip(rest))
		}
		all = append(all, w)
		rest = rest[len(w):]
	}
	return all, nil
}

const mostFilter = 10_000 // bytes

// parseFilter reads a filter of MLflow: comparisons, joined by AND.
func parseFilter(text string, numeric func(field) bool) (terms []term, err error) {
	if len(text) > mostFilter {
		return nil, refuse(invalid, "the filter has more than %d bytes", mostFilter)
	}
	all, err := words(text)
	if err != nil {
		return nil, err
	}
	for len(all) > 0 {
		if len(terms) > 0 {
			if !strings.EqualFold(all[0], "AND") {
				return nil, refuse(invalid, "Invalid clause(s) in filter string: %q stands where AND has to; OR and brackets are not supported", clip(all[0]))
			}
			all = all[1:]
		}
		var t term
		if t.field, all, err = parseField(all); err != nil {
			return nil, err
		}
		if all, err = t.parse(all, numeric(t.field)); err != nil {
			return nil, err
		}
		terms = append(terms, t)
	}
	return terms, nil
}

// parseField reads metrics.NAME or a bare attribute.
func parseField(all []string) (f field, rest []string, err error) {
	if len(all) == 0 {
		return f, nil, refuse(invalid, "Invalid clause(s) in filter string: something is missing at its end")
	}
	if len(all) >= 3 && all[1] == "." {
		kind, known := kinds[strings.ToLower(all[0])]
		if !known {
			return f, nil, refuse(invalid, "Invalid entity type '%s'. Valid values are metrics, params, tags and attributes", clip(all[0]))
		}
		return field{kind, unquoted(all[2])}, all[3:], nil
	}
	return field{ofAttribute, unquoted(all[0])}, all[1:], nil
}

func unquoted(w string) string {
	if n := len(w); n >= 2 && strings.ContainsAny(w[:1], "'\"`") {
		return strings.NewReplacer(`\\`, `\`, `\'`, `'`, `\"`, `"`).Replace(w[1 : n-1])
	}
	return w
}

func (t *term) parse(all []string, numeric bool) ([]string, error) {
	take := func() string {
		if len(all) == 0 {
			return ""
		}
		w := all[0]
		all = all[1:]
		return w
	}
	if t.op = strings.ToUpper(take()); t.op == "NOT" {
		t.op += " " + strings.ToUpper(take())
	}
	operators := []string{"=", "!=", "LIKE", "ILIKE", "IN", "NOT IN"}
	if numeric {
		operators = []string{"=", "!=", ">", ">=", "<", "<="}
	}
	if !slices.Contains(operators, t.op) {
		return nil, refuse(invalid, "Invalid comparator %q for the %s %s: it has to be one of %s", clip(t.op), t.kind, clip(t.key), strings.Join(operators, ", "))
	}
	if numeric {
		w := take()
		x, err := strconv.ParseFloat(w, 64)
		if err != nil {
			return nil, refuse(invalid, "Expected a number for the %s %s, and not %q", t.kind, clip(t.key), clip(w))
		}
		t.number = x
		return all, nil
	}
	isText := func(w string) bool { return len(w) > 1 && strings.ContainsAny(w[:1], `'"`) }
	if strings.HasSuffix(t.op, "IN") {
		if take() != "(" {
			return nil, refuse(invalid, "Expected a list of texts in brackets after IN, as in ('a', 'b')")
		}
		for {
			w := take()
			if !isText(w) {
				return nil, refuse(invalid, "Expected a list of texts in brackets after IN, as in ('a', 'b')")
			}
			t.list = append(t.list, unquoted(w))
			if w = take(); w == ")" {
				return all, nil
			} else if w != "," {
				return nil, refuse(invalid, "Expected a list of texts in brackets after IN, as in ('a', 'b')")
			}
		}
	}
	w := take()
	if !isText(w) {
		return nil, refuse(invalid, "Expected a quoted string value for the %s %s (e.g. 'my-value'). Got value %q", t.kind, clip(t.key), clip(w))
	}
	t.text = unquoted(w)
	if strings.HasSuffix(t.op, "LIKE") {
		pattern := regexp.QuoteMeta(t.text)
		pattern = strings.NewReplacer("%", ".*", "_", ".").Replace(pattern)
		if t.op == "ILIKE" {
			pattern = "(?i)" + pattern
		}
		like, err := regexp.Compile("(?s)^(?:" + pattern + ")$")
		if err != nil {
			return nil, refuse(invalid, "the pattern %q cannot be read", clip(t.text))
		}
		t.like = like
	}
	return all, nil
}

// holds reports whether a subject has the field, and it compares as the term says.
func (t *term) holds(of subject) bool {
	text, x, isNumber, ok := of(t.field)
	if !ok {
		return false
	}
	if isNumber {
		switch t.op {
		case "=":
			return x == t.number
		case "!=":
			return x != t.number
		case ">":
			return x > t.number
		case ">=":
			return x >= t.number
		case "<":
			return x < t.number
		}
		return x <= t.number
	}
	switch t.op {
	case "=":
		return text == t.text
	case "!=":
		return text != t.text
	case "IN":
		return slices.Contains(t.list, text)
	case "NOT IN":
		return !slices.Contains(t.list, text)
	}
	return t.like.MatchString(text)
}

// An ordering is one of order_by.
type ordering struct {
	field
	down bool
}

func parseOrder(list []string) (all []ordering, err error) {
	for _, text := range list {
		w, err := words(text)
		if err != nil {
			return nil, err
		}
		var o ordering
		if o.field, w, err = parseField(w); err != nil {
			return nil, err
		}
		switch {
		case len(w) == 0, len(w) == 1 && strings.EqualFold(w[0], "ASC"):
		case len(w) == 1 && strings.EqualFold(w[0], "DESC"):
			o.down = true
		default:
			return nil, refuse(invalid, "Invalid order_by clause %q: it is a name, and ASC or DESC", clip(text))
		}
		all = append(all, o)
	}
	return all, nil
}

// compare orders two subjects. What has no value comes last, and NaN before that.
func (o ordering) compare(a, b subject) int {
	x, u, isNumber, hasX := a(o.field)
	y, v, _, hasY := b(o.field)
	if !hasX || !hasY {
		return rank(hasY) - rank(hasX)
	}
	if isNumber {
		if math.IsNaN(u) || math.IsNaN(v) {
			return rank(math.IsNaN(u)) - rank(math.IsNaN(v))
		}
		if o.down {
			u, v = v, u
		}
		return cmp.Compare(u, v)
	}
	if o.down {
		x, y = y, x
	}
	return strings.Compare(x, y)
}

func rank(is bool) int {
	if is {
		return 1
	}
	return 0
}

var runAttributes = map[string]bool{"run_id": false, "run_name": false, "status": false, "user_id": false, "artifact_uri": false, "experiment_id": false,
	"lifecycle_stage": false, "start_time": true, "end_time": true, "created": true}

// spelled are attributes under the names of MLflow's page.
var spelled = map[string]string{"run name": "run_name", "Run name": "run_name", "Run Name": "run_name", "User": "user_id", "Created": "start_time", "created": "start_time", "Start Time": "start_time"}

func numericRun(f field) bool {
	return f.kind == ofMetric || f.kind == ofAttribute && runAttributes[attribute(f.key)]
}

func attribute(key string) string {
	if other, ok := spelled[key]; ok {
		return other
	}
	return key
}

// fieldsOf are the values of a run.
func (s *Space) fieldsOf(r Snapshot) subject {
	pair := func(list []Pair, key string) (string, bool) {
		for _, p := range list {
			if p.Key == key {
				return p.Value, true
			}
		}
		return "", false
	}
	return func(f field) (text string, x float64, isNumber, ok bool) {
		switch f.kind {
		case ofMetric:
			v, ok := r.Last[f.key]
			return "", v.Value, true, ok
		case ofParam:
			text, ok = pair(r.Params, f.key)
		case ofTag:
			text, ok = pair(r.Tags, f.key)
		default:
			switch attribute(f.key) {
			case "start_time":
				return "", float64(r.At), true, true
			case "end_time":
				return "", float64(r.Ended), true, r.Ended != 0
			case "run_id":
				text = r.Run
			case "run_name":
				text = r.Name
			case "status":
				text = r.Status
			case "user_id":
				text = r.User
			case "experiment_id":
				text = r.Experiment
			case "lifecycle_stage":
				text = r.Stage
			case "artifact_uri":
				text = s.location(r.Run)
			}
			ok = true
		}
		return text, 0, false, ok
	}
}

// checkFields refuses attributes that nothing has.
func checkFields(fields []field, attributes map[string]bool, kinds ...string) error {
	for _, f := range fields {
		if !slices.Contains(kinds, f.kind) {
			return refuse(invalid, "Invalid entity type '%s'", f.kind)
		}
		if _, known := attributes[attribute(f.key)]; f.kind == ofAttribute && !known {
			return refuse(invalid, "Invalid attribute key '%s' specified", clip(f.key))
		}
	}
	return nil
}

// criteria are the filter and the order of a request.
type criteria struct {
	terms []term
	order []ordering
}

func parseCriteria(in message, numeric func(field) bool, attributes map[string]bool, kinds ...string) (c criteria, err error) {
	text, err := in.text("filter")
	if err != nil {
		return c, err
	}
	if c.terms, err = parseFilter(text, numeric); err != nil {
		return c, err
	}
	list, err := in.texts("order_by")
	if err != nil {
		return c, err
	}
	if c.order, err = parseOrder(list); err != nil {
		return c, err
	}
	var fields []field
	for _, t := range c.terms {
		fields = append(fields, t.field)
	}
	for _, o := range c.order {
		fields = append(fields, o.field)
	}
	return c, checkFields(fields, attributes, kinds...)
}

func (c criteria) match(of subject) bool {
	return !slices.ContainsFunc(c.terms, func(t term) bool { return !t.holds(of) })
}

func (c criteria) compare(a, b subject) int {
	for _, o := range c.order {
		if n := o.compare(a, b); n != 0 {
			return n
		}
	}
	return 0
}

// viewed reads which stages are asked for.
func viewed(in message, name string) (wanted func(stage string) bool, err error) {
	view, err := in.text(name)
	if err != nil {
		return nil, err
	}
	switch view {
	case "", "ACTIVE_ONLY", "1":
		return func(stage string) bool { return stage != deleted }, nil
	case "DELETED_ONLY", "2":
		return func(stage string) bool { return stage == deleted }, nil
	case "ALL", "3":
		return func(string) bool { return true }, nil
	}
	return nil, refuse(invalid, "Invalid value %q for parameter '%s': it is ACTIVE_ONLY, DELETED_ONLY or ALL", clip(view), name)
}

func (s *Space) searchRuns(ctx context.Context, in message) (any, error) {
	ids, err := in.texts("experiment_ids")
	if err != nil {
		return nil, err
	}
	wanted, err := viewed(in, "run_view_type")
	if err != nil {
		return nil, err
	}
	from, most, err := page(in, fewRuns, mostRuns)
	if err != nil {
		return nil, err
	}
	by, err := parseCriteria(in, numericRun, runAttributes, ofMetric, ofParam, ofTag, ofAttribute)
	if err != nil {
		return nil, err
	}
	var found []Snapshot
	err = s.each(ctx, func(r Snapshot) error {
		if slices.Contains(ids, r.Experiment) && wanted(r.Stage) && by.match(s.fieldsOf(r)) {
			found = append(found, r)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(found, func(a, b Snapshot) int {
		return cmp.Or(by.compare(s.fieldsOf(a), s.fieldsOf(b)), cmp.Compare(b.At, a.At), strings.Compare(a.Run, b.Run))
	})
	return paged("runs", found, from, most, s.shownRun), nil
}

var experimentAttributes = map[string]bool{"name": false, "experiment_id": false, "lifecycle_stage": false, "creation_time": true, "last_update_time": true}

func (s *Space) searchExperiments(ctx context.Context, in message) (any, error) {
	wanted, err := viewed(in, "view_type")
	if err != nil {
		return nil, err
	}
	from, most, err := page(in, fewRuns, mostRuns)
	if err != nil {
		return nil, err
	}
	by, err := parseCriteria(in, func(f field) bool { return f.kind == ofAttribute && experimentAttributes[f.key] }, experimentAttributes, ofTag, ofAttribute)
	if err != nil {
		return nil, err
	}
	all, err := s.every(ctx)
	if err != nil {
		return nil, err
	}
	fields := func(e Experiment) subject {
		return func(f field) (text string, x float64, isNumber, ok bool) {
			switch {
			case f.kind == ofTag:
				for _, t := range e.Tags {
					if t.Key == f.key {
						return t.Value, 0, false, true
					}
				}
				return "", 0, false, false
			case f.key == "creation_time":
				return "", float64(e.Created), true, true
			case f.key == "last_update_time":
				return "", float64(e.Updated), true, true
			}
			return map[string]string{"name": e.Name, "experiment_id": e.ID, "lifecycle_stage": e.Stage}[f.key], 0, false, true
		}
	}
	all = slices.DeleteFunc(all, func(e Experiment) bool { return !wanted(e.Stage) || !by.match(fields(e)) })
	slices.SortStableFunc(all, func(a, b Experiment) int { return by.compare(fields(a), fields(b)) })
	return paged("experiments", all, from, most, s.shownExperiment), nil
}
