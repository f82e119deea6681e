package mlflow

import (
	"encoding/json"
	"math"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store/journal"
)

// A message is a request: an object of JSON, or a query. Members that nobody asks for are ignored.
type message map[string]json.RawMessage

// parse reads the body of a request. An empty one is an empty object.
func parse(body []byte) (message, error) {
	if strings.TrimSpace(string(body)) == "" {
		return message{}, nil
	}
	var m message
	if err := json.Unmarshal(body, &m); err != nil || m == nil {
		return nil, refuse(malformed, "the body is no JSON object: %v", err)
	}
	return m, nil
}

// query makes a message of a query. A name that is there more than once is a list.
func query(values url.Values) message {
	m := message{}
	for name, all := range values {
		if len(all) == 1 {
			m[name] = quoted(all[0])
			continue
		}
		m[name] = quoted(all)
	}
	return m
}

func quoted(v any) json.RawMessage {
	text, err := json.Marshal(v)
	if err != nil {
		return nil // of texts: it does not fail
	}
	return text
}

func (m message) has(name string) bool {
	text := string(m[name])
	return text != "" && text != "null"
}

// text reads a text. A number or a flag is one, too.
func (m message) text(name string) (string, error) {
	if !m.has(name) {
		return "", nil
	}
	var s string
	if json.Unmarshal(m[name], &s) == nil {
		return s, nil
	}
	if raw := string(m[name]); !strings.ContainsAny(raw[:1], "[{") {
		return raw, nil
	}
	return "", refuse(invalid, "%q has to be a text", name)
}

// needed reads a text that has to be there.
func (m message) needed(name string) (string, error) {
	s, err := m.text(name)
	if err == nil && s == "" {
		err = refuse(invalid, "Missing value for required parameter '%s'", name)
	}
	return s, err
}

// texts reads a list of texts, or one.
func (m message) texts(name string) (all []string, err error) {
	if !m.has(name) {
		return nil, nil
	}
	var items []json.RawMessage
	if json.Unmarshal(m[name], &items) != nil {
		items = []json.RawMessage{m[name]}
	}
	for _, item := range items {
		s, err := message{name: item}.text(name)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// objects reads a list of objects.
func (m message) objects(name string) (all []message, err error) {
	if !m.has(name) {
		return nil, nil
	}
	if err := json.Unmarshal(m[name], &all); err != nil {
		return nil, refuse(invalid, "%q has to be a list of objects", name)
	}
	for _, one := range all {
		if one == nil {
			return nil, refuse(invalid, "%q has to be a list of objects", name)
		}
	}
	return all, nil
}

// integer reads a 64-bit integer, which is a number or a text.
func (m message) integer(name string, otherwise int64) (int64, error) {
	if !m.has(name) {
		return otherwise, nil
	}
	text, err := m.text(name)
	if err != nil {
		return 0, refuse(invalid, "%q has to be an integer", name)
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return n, nil
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil || x != math.Trunc(x) || math.Abs(x) > 1<<53 {
		return 0, refuse(invalid, "%q is %s, and not an integer of 64 bits", name, clip(text))
	}
	return int64(x), nil
}

// real reads a number, which may be a text: NaN, Infinity and -Infinity are no numbers of JSON.
func (m message) real(name string) (float64, error) {
	if !m.has(name) {
		return 0, refuse(invalid, "Missing value for required parameter '%s'", name)
	}
	text, err := m.text(name)
	if err != nil {
		return 0, refuse(invalid, "%q has to be a number", name)
	}
	x, err := strconv.ParseFloat(text, 64)
	if err != nil && !math.IsInf(x, 0) || strings.ContainsAny(text, "_xX") {
		return 0, refuse(invalid, "%q is %s, and not a number", name, clip(text))
	}
	if math.IsInf(x, 0) && strings.ContainsAny(text, "0123456789") {
		return 0, refuse(invalid, "%q is %s, which is too large", name, clip(text))
	}
	return x, nil
}

// run is the id of the run that a request is about.
func (m message) run() (string, error) {
	if m.has("run_id") {
		return m.needed("run_id")
	}
	id, err := m.text("run_uuid")
	if err == nil && id == "" {
		err = refuse(invalid, "Missing value for required parameter 'run_id'")
	}
	return id, err
}

// Limits, as MLflow has them.
const (
	mostMetrics  = 1000
	mostParams   = 100
	mostTags     = 100
	mostItems    = 1000 // of all three in a batch
	mostParam    = 6000 // bytes of a value
	mostTag      = 8000
	mostKey      = runner.MaxMetricBytes
	mostName     = 500 // of an experiment or run
	maxBody      = 1 << 20
	mostRuns     = 50_000 // of a page
	fewRuns      = 1000   // of a page if nobody says
	mostHistory  = 25_000 // values of a page
	mostPerBytes = 4      // of a character
)

// key reads a name of a metric, param or tag.
func (m message) key(name string) (string, error) {
	s, err := m.needed(name)
	if err == nil && !runner.IsMetricName(s) {
		err = refuse(invalid, "%q is no name: it has 1 to %d bytes, and characters that can be shown", clip(s), mostKey)
	}
	return s, err
}

// pair reads a param or a tag.
func (m message) pair(most int) (p Pair, err error) {
	if p.Key, err = m.key("key"); err != nil {
		return p, err
	}
	if p.Value, err = m.text("value"); err != nil {
		return p, err
	}
	if utf8.RuneCountInString(p.Value) > most || len(p.Value) > most*mostPerBytes {
		return p, refuse(invalid, "the value of %q has more than %d characters", p.Key, most)
	}
	if strings.ContainsRune(p.Value, 0) {
		return p, refuse(invalid, "the value of %q has a character that cannot be stored", p.Key)
	}
	return p, nil
}

// pairs reads a list of params or tags.
func (m message) pairs(name string, count, most int) (all []Pair, err error) {
	list, err := m.objects(name)
	if err != nil {
		return nil, err
	}
	if len(list) > count {
		return nil, refuse(invalid, "A batch logging request can contain at most %d %s. Got %d", count, name, len(list))
	}
	for _, one := range list {
		p, err := one.pair(most)
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

// metric reads a value of a metric.
func (m message) metric() (v Metric, err error) {
	if v.Key, err = m.key("key"); err != nil {
		return v, err
	}
	x, err := m.real("value")
	if err != nil {
		return v, err
	}
	v.Value = journal.Number(x)
	if !m.has("timestamp") {
		return v, refuse(invalid, "Missing value for required parameter 'timestamp'")
	}
	if v.At, err = m.integer("timestamp", 0); err != nil {
		return v, err
	}
	v.Step, err = m.integer("step", 0)
	return v, err
}

func (m message) metrics() (all []Metric, err error) {
	list, err := m.objects("metrics")
	if err != nil {
		return nil, err
	}
	if len(list) > mostMetrics {
		return nil, refuse(invalid, "A batch logging request can contain at most %d metrics. Got %d", mostMetrics, len(list))
	}
	for _, one := range list {
		v, err := one.metric()
		if err != nil {
			return nil, err
		}
		all = append(all, v)
	}
	return all, nil
}

// number is a number in an answer.
type number float64

// MarshalJSON implements json.Marshaler.
func (n number) MarshalJSON() ([]byte, error) {
	switch x := float64(n); {
	case x != x:
		return []byte(`"NaN"`), nil
	case math.IsInf(x, 1):
		return []byte(`"Infinity"`), nil
	case math.IsInf(x, -1):
		return []byte(`"-Infinity"`), nil
	default:
		return strconv.AppendFloat(nil, x, 'g', -1, 64), nil
	}
}

// clip shortens a text for a message.
func clip(text string) string {
	const most = 60
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}
