package mlflow

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/runner/tests"
)

// served is a server without a database.
func served(t *testing.T) *Server {
	files := Files{Folder: t.TempDir()}
	return &Server{Space: NewSpace(&Memory{}, files.Address, nil, nil), Files: files, Failed: func(err error) { t.Errorf("it is sorry: %v", err) }}
}

func (s *Server) asked(method, path, body string) (status int, answer map[string]any) {
	r := httptest.NewRequest(method, "http://127.0.0.1"+path, strings.NewReader(body))
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	json.Unmarshal(w.Body.Bytes(), &answer) // nil if it is no object
	return w.Code, answer
}

// Requests that are wrong in every way get an error of the client, with a code and a message, or an object; never a failure of the server.
func TestMalformedRequests(t *testing.T) {
	s := served(t)
	random := tests.Random(t)
	_, made := s.asked("POST", "/api/2.0/mlflow/runs/create", `{}`)
	id := made["run"].(map[string]any)["info"].(map[string]any)["run_id"].(string)
	_, madeModel := s.asked("POST", "/api/2.0/mlflow/logged-models", `{}`)
	modelID := madeModel["model"].(map[string]any)["info"].(map[string]any)["model_id"].(string)
	names := []string{"run_id", "run_uuid", "experiment_id", "experiment_ids", "experiment_name", "name", "new_name", "key", "value", "timestamp", "step", "metrics", "params", "tags", "status", "end_time",
		"start_time", "run_name", "user_id", "filter", "order_by", "max_results", "page_token", "run_view_type", "view_type", "metric_key", "datasets", "models", "model_json", "artifact_location", "path"}
	values := []string{`null`, `0`, `-1`, `1e400`, `1.5`, `"9223372036854775808"`, `9223372036854775807`, `"NaN"`, `"Infinity"`, `true`, `""`, `"x"`, `[]`, `{}`, `[null]`, `[1]`, `[{}]`, `[[]]`, `{"key": 1}`,
		`[{"key": "a", "value": 1, "timestamp": 1}]`, `[{"key": "a", "value": "b"}]`, `"` + strings.Repeat("ä", 600) + `"`, `"\u0000"`, `"a\nb"`, `"\ud800"`, fmt.Sprintf("%q", id), `"0"`, `["0"]`,
		`"metrics.a > 1"`, `"metrics.a > 'x'"`, `"params.a = 'b' and"`, `"a.b.c"`, `"tags.` + "`x y`" + ` LIKE '%'"`, `"((("`, `"params.a IN ('a',)"`, `["metrics.a DESC"]`, `["a b c"]`, `"ACTIVE_ONLY"`, `"MTA"`, `"zzz"`,
		`"FINISHED"`, `"1; DROP TABLE run"`, `"../../etc/passwd"`, `{"run_id": {"run_id": {}}}`, `"{\"a\": 1}"`, `253402300800000`}
	paths := []string{"logged-models/" + modelID, "logged-models/" + modelID + "/tags", "logged-models/" + modelID + "/params", "logged-models/" + modelID + "/tags/x", "logged-models/x", "artifacts/list"}
	for path := range routes {
		_, path, _ = strings.Cut(path, " ")
		paths = append(paths, path)
	}
	slices.Sort(paths)
	bodies := []string{``, `null`, `[]`, `"x"`, `{`, `{"a"`, `{"run_id": }`, "\x00\xff", strings.Repeat("[", 20000), `{"a": ` + strings.Repeat("[", 20000), `{"run_id": "` + strings.Repeat("x", 2<<20) + `"}`}
	rounds := 6000
	if tests.Long() {
		rounds = 200_000
	}
	for n := range rounds {
		method := []string{"GET", "POST", "POST", "POST", "PATCH", "DELETE", "PUT"}[random.IntN(7)]
		path := "/" + []string{"api/2.0", "api/3.0", "ajax-api/2.0"}[random.IntN(3)] + "/mlflow/" + paths[random.IntN(len(paths))]
		body := made1(random, id, names, values)
		if n < len(bodies)*len(paths) {
			method, path, body = "POST", "/api/2.0/mlflow/"+paths[n%len(paths)], bodies[n/len(paths)]
		}
		if method == "GET" {
			var query []string
			var in map[string]json.RawMessage
			if json.Unmarshal([]byte(body), &in) == nil {
				for name, value := range in {
					query = append(query, name+"="+escaped(strings.Trim(string(value), `"`)))
				}
			}
			path, body = path+"?"+strings.Join(query, "&"), ""
		}
		status, answer := s.asked(method, path, body)
		code, _ := answer["error_code"].(string)
		message, _ := answer["message"].(string)
		switch {
		case answer == nil:
			t.Fatalf("%s %s %.300s answers %d without an object", method, path, body, status)
		case status == http.StatusOK:
		case status >= 500 || status < 400 || code == "" || message == "" || statuses[code] != status:
			t.Fatalf("%s %s %.300s answers %d %v", method, path, body, status, answer)
		}
	}
	if status, answer := s.asked("GET", "/api/2.0/mlflow/runs/get?run_id="+id, ""); status != 200 || answer["run"] == nil {
		t.Errorf("the run answers %d %v after all that", status, answer)
	}
}

func escaped(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		fmt.Fprintf(&b, "%%%02X", c)
	}
	return b.String()
}

// made1 is an object of some members; mostly it names the run.
func made1(random *rand.Rand, id string, names, values []string) string {
	var members []string
	used := map[string]bool{}
	if random.IntN(3) > 0 {
		members, used["run_id"] = append(members, fmt.Sprintf(`"run_id": %q`, id)), true
	}
	for range random.IntN(7) {
		name := names[random.IntN(len(names))]
		if !used[name] {
			used[name] = true
			members = append(members, fmt.Sprintf("%q: %s", name, values[random.IntN(len(values))]))
		}
	}
	return "{" + strings.Join(members, ", ") + "}"
}

// Batches over a limit are refused as a whole, with the limit.
func TestLimits(t *testing.T) {
	s := served(t)
	_, made := s.asked("POST", "/api/2.0/mlflow/runs/create", `{"experiment_id": "0", "tags": [{"key": "a", "value": "b"}]}`)
	id := made["run"].(map[string]any)["info"].(map[string]any)["run_id"].(string)
	list := func(count int, one string) string {
		return "[" + strings.TrimSuffix(strings.Repeat(one+",", count), ",") + "]"
	}
	metric, param, tag := `{"key": "m", "value": 1, "timestamp": 1}`, `{"key": "p", "value": "1"}`, `{"key": "t", "value": "1"}`
	for body, want := range map[string]string{
		`"metrics": ` + list(1001, metric):                                       "at most 1000 metrics",
		`"params": ` + list(101, param):                                          "at most 100 params",
		`"tags": ` + list(101, tag):                                              "at most 100 tags",
		`"metrics": ` + list(1000, metric) + `, "tags": ` + list(1, tag):         "at most 1000 metrics, params, and tags",
		`"params": [{"key": "` + strings.Repeat("k", 251) + `"}]`:                "1 to 250 bytes",
		`"params": [{"key": "k", "value": "` + strings.Repeat("v", 6001) + `"}]`: "more than 6000 characters",
		`"params": [{"key": "k", "value": "1"}, {"key": "k", "value": "2"}]`:     "Changing param values",
		`"x": "` + strings.Repeat("x", 1<<20) + `"`:                              "1048576 bytes",
	} {
		status, answer := s.asked("POST", "/api/2.0/mlflow/runs/log-batch", `{"run_id": "`+id+`", `+body+`}`)
		if message, _ := answer["message"].(string); status != 400 || answer["error_code"] != "INVALID_PARAMETER_VALUE" || !strings.Contains(message, want) {
			t.Errorf("%.60s answers %d %v, want %q", body, status, answer, want)
		}
	}
	_, got := s.asked("GET", "/api/2.0/mlflow/runs/get?run_uuid="+id, "")
	data := got["run"].(map[string]any)["data"].(map[string]any)
	if len(data["metrics"].([]any)) != 0 || len(data["params"].([]any)) != 0 || len(data["tags"].([]any)) != 2 {
		t.Errorf("a part of what was refused is there: %v", data)
	}
}

// Filters hold for the runs that MLflow's documentation says.
func TestFilters(t *testing.T) {
	run := NewRun(Change{Begin: &Begin{Run: "r", Experiment: "1", User: "eve", At: 5}, Name: "a run", Params: []Pair{{"opt", "Adam"}, {"my key", "x'y"}}, Tags: []Pair{{"mlflow.user", "eve"}},
		Metrics: []Metric{{Key: "loss", Value: 0.5, Step: 1}, {Key: "val loss", Value: 2}}}).Held()
	s := NewSpace(&Memory{}, func(string) string { return "file:///x" }, nil, nil)
	for filter, want := range map[string]bool{
		"":                    true,
		"metrics.loss = 0.5":  true,
		"metrics.loss != 0.5": false,
		"metric.loss >= .5 AND metrics.loss<=5e-1":       true,
		"metrics.loss < -1":                              false,
		"metrics.other != 3":                             false,
		"metrics.`val loss` > 1":                         true,
		`metrics."val loss" > 1 and params.opt = "Adam"`: true,
		"params.opt LIKE 'adam'":                         false,
		"params.opt ilike 'ADA%'":                        true,
		"params.opt LIKE 'A_am'":                         true,
		"params.opt IN ('x', 'Adam')":                    true,
		"params.opt NOT IN ('x', 'Adam')":                false,
		`params."my key" = 'x\'y'`:                       true,
		"tags.mlflow.user = 'eve'":                       true,
		"attributes.start_time > 4":                      true,
		"end_time > 0":                                   false,
		"status = 'RUNNING'":                             true,
		"attributes.`run_name` LIKE '%run'":              true,
		"run_id = 'r'":                                   true,
		"user_id != 'eve'":                               false,
	} {
		by, err := parseCriteria(message{"filter": quoted(filter)}, numericRun, runAttributes, ofMetric, ofParam, ofTag, ofAttribute)
		if err != nil {
			t.Errorf("%s: %v", filter, err)
		} else if got := by.match(s.fieldsOf(run)); got != want {
			t.Errorf("%s holds: %v, want %v", filter, got, want)
		}
	}
	for _, filter := range []string{"metrics.loss", "metrics.loss =", "metrics.loss = 'x'", "params.opt = 3", "params.opt > 'a'", "a = 'b'", "metrics.loss < 1 OR metrics.loss > 2", "(metrics.loss < 1)",
		"params.opt IN ()", "params.opt IN ('a'", "datasets.name = 'x'", "metrics.loss < 1 metrics.loss < 2", "params.opt = 'a", "\x00"} {
		if _, err := parseCriteria(message{"filter": quoted(filter)}, numericRun, runAttributes, ofMetric, ofParam, ofTag, ofAttribute); err == nil {
			t.Errorf("%s is taken", filter)
		} else if told, ok := err.(*Error); !ok || told.Code != invalid {
			t.Errorf("%s: %v", filter, err)
		}
	}
}
