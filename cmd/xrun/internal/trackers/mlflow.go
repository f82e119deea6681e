package trackers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store/export"
	"github.com/xrun-dev/xrun/store/imported"
)

var _ = add(Tracker{
	Name: "mlflow", Title: "MLflow", From: "FILE|FOLDER|URI",
	About: `FILE is the SQLite database of a tracking server, FOLDER an mlruns folder, and URI the address of a server, for which MLFLOW_TRACKING_TOKEN,
MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD count as they do for MLflow. Each experiment becomes a sweep; params are
settings. Nested runs are runs as others; a run without values that has nested runs only groups them, and is not taken.`,
	Open: openMLflow,
})

const mlflowTitle = "MLflow"

func openMLflow(ctx context.Context, from string, o Options) (Source, error) {
	scheme, rest, found := strings.Cut(from, "://")
	path := from
	switch {
	case found && (scheme == "http" || scheme == "https"):
		return openMLflowServer(from, o)
	case found && scheme == "sqlite":
		path = strings.TrimPrefix(rest, "/")
	case found && scheme == "file":
		path = rest
	case found:
		return nil, advice.Usage(fmt.Errorf("xrun does not read %s databases", scheme), "start `mlflow server --backend-store-uri "+scheme+"://…`, and give its address: xrun import mlflow http://127.0.0.1:5000")
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, cannotOpen(err)
	}
	if !info.IsDir() {
		db, err := openSQLite(ctx, path, mlflowTitle, "experiments", "runs", "params", "metrics", "latest_metrics", "tags")
		if err != nil {
			return nil, err
		}
		return &mlflowDB{db}, nil
	}
	if inner := filepath.Join(path, "mlruns"); isFolder(inner) {
		path = inner
	}
	return openFileStore(path)
}

func isFolder(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// mlflowStatus is the status of a run.
func mlflowStatus(run *Run, status string) {
	switch status {
	case "FINISHED":
		run.Status = runner.StatusFinished
	case "FAILED":
		run.Status = runner.StatusFailed
	case "KILLED":
		run.Status, run.Reason = runner.StatusFailed, "it was killed"
	default: // RUNNING, SCHEDULED
		run.Status = runner.StatusRunning
	}
}

// The tags that say more of a run, or of it and others.
const (
	tagName   = "mlflow.runName"
	tagParent = "mlflow.parentRunId"
	tagNote   = "mlflow.note.content"
	tagSource = "mlflow.source.name"
)

// script is the program of a run, by its tag: Python scripts alone.
func script(source string) []string {
	if !strings.HasSuffix(source, ".py") {
		return nil
	}
	return []string{"python3", filepath.ToSlash(source)}
}

// onlyGroups is why a run is not taken.
const onlyGroups = "runs without values that only group others"

func millis(n int64) time.Time {
	if n <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(n)
}

// stored is a value as MLflow's SQL store has it: the largest numbers stand for infinity.
func stored(x float64, isNaN bool) float64 {
	switch {
	case isNaN:
		return math.NaN()
	case x >= math.MaxFloat64:
		return math.Inf(1)
	case x <= -math.MaxFloat64:
		return math.Inf(-1)
	}
	return x
}

// mlflowDB is a SQL store in SQLite.
type mlflowDB struct{ *database }

// grouping selects the active runs that only group others.
const grouping = `SELECT r.run_uuid FROM runs r WHERE r.experiment_id = ? AND r.lifecycle_stage = 'active' AND r.run_uuid IN (SELECT value FROM tags WHERE key = 'mlflow.parentRunId')
	AND NOT EXISTS (SELECT 1 FROM latest_metrics m WHERE m.run_uuid = r.run_uuid)`

// Experiments implements Source.
func (m *mlflowDB) Experiments(ctx context.Context) (all []Experiment, err error) {
	const (
		query   = `SELECT experiment_id, name, coalesce(creation_time, 0) FROM experiments WHERE lifecycle_stage = 'active' ORDER BY experiment_id`
		deleted = `SELECT count(*) FROM runs WHERE experiment_id = ? AND lifecycle_stage <> 'active'`
		groups  = `SELECT count(*) FROM (` + grouping + `)`
	)
	err = m.each(ctx, "experiments", query, nil, func(scan func(...any) error) error {
		var id, created int64
		var name string
		if err := scan(&id, &name, &created); err != nil {
			return err
		}
		all = append(all, mlflowExperiment(strconv.FormatInt(id, 10), name, created))
		return nil
	})
	for i := range all {
		var gone, group int
		if err == nil {
			err = m.one(ctx, "runs", deleted, []any{all[i].ID}, &gone)
		}
		if err == nil {
			err = m.one(ctx, "runs", groups, []any{all[i].ID}, &group)
		}
		all[i].Left = []Left{{"deleted runs", gone}, {onlyGroups, group}}
	}
	return all, err
}

func mlflowExperiment(id, name string, created int64) Experiment {
	e := Experiment{ID: id, Name: Shown(name), Identity: fmt.Sprintf("%s %d", id, created)} // its name may change
	if created == 0 {
		e.Identity = fmt.Sprintf("%s %q", id, name) // before MLflow 1.27
	}
	return e
}

// Runs implements Source.
func (m *mlflowDB) Runs(ctx context.Context, of Experiment, each func(*Run) error) error {
	const (
		query = `SELECT r.run_uuid, coalesce(r.name, (SELECT value FROM tags t WHERE t.run_uuid = r.run_uuid AND t.key = 'mlflow.runName'), ''), r.status,
			coalesce(r.start_time, 0), coalesce(r.end_time, 0), coalesce((SELECT value FROM tags t WHERE t.run_uuid = r.run_uuid AND t.key = 'mlflow.note.content'), ''),
			coalesce((SELECT value FROM tags t WHERE t.run_uuid = r.run_uuid AND t.key = 'mlflow.source.name'), ''), (SELECT count(*) FROM metrics m WHERE m.run_uuid = r.run_uuid),
			(SELECT count(*) FROM params p WHERE p.run_uuid = r.run_uuid)
			FROM runs r WHERE r.experiment_id = ? AND r.lifecycle_stage = 'active' AND r.run_uuid NOT IN (` + grouping + `) ORDER BY r.start_time, r.run_uuid`
		params  = `SELECT key, value FROM params WHERE run_uuid = ? ORDER BY key`
		metrics = `SELECT key FROM latest_metrics WHERE run_uuid = ? ORDER BY key`
	)
	return m.each(ctx, "runs", query, []any{of.ID, of.ID}, func(scan func(...any) error) error {
		run := &Run{}
		var status, source string
		var start, end, values, settings int64
		if err := scan(&run.ID, &run.Name, &status, &start, &end, &run.Note, &source, &values, &settings); err != nil {
			return err
		}
		mlflowStatus(run, status)
		run.Revision = fmt.Sprintf("%d values, %d params", values, settings) // a run gets more after its end, as of scores on test data
		run.Name, run.Start, run.End, run.Program = Shown(run.Name), millis(start), millis(end), script(source)
		id := []any{run.ID}
		if err := m.each(ctx, "params", params, id, func(scan func(...any) error) error {
			var key string
			var value *string
			err := scan(&key, &value)
			run.setting(key, text(value))
			return err
		}); err != nil {
			return err
		}
		if err := m.each(ctx, "latest_metrics", metrics, id, func(scan func(...any) error) error {
			var key string
			err := scan(&key)
			run.Metrics = append(run.Metrics, Shown(key))
			return err
		}); err != nil {
			return err
		}
		return each(run)
	})
}

// Values implements Source.
func (m *mlflowDB) Values(ctx context.Context, _ Experiment, run *Run) (map[string][]imported.Logged, error) {
	const query = `SELECT key, step, timestamp, value, is_nan FROM metrics WHERE run_uuid = ?`
	values := map[string][]imported.Logged{}
	err := m.each(ctx, "metrics", query, []any{run.ID}, func(scan func(...any) error) error {
		var key string
		var v imported.Logged
		var x any
		var isNaN bool
		if err := scan(&key, &v.Step, &v.At, &x, &isNaN); err != nil {
			return err
		}
		v.Value = stored(real(x), isNaN)
		values[Shown(key)] = append(values[Shown(key)], v)
		return nil
	})
	return values, err
}

// fileStore is an mlruns folder.
type fileStore struct{ root string }

// openFileStore looks for experiments.
func openFileStore(root string) (Source, error) {
	folders, err := os.ReadDir(root)
	if err != nil {
		return nil, cannotOpen(err)
	}
	for _, f := range folders {
		if _, err := os.Stat(filepath.Join(root, f.Name(), metaFile)); err == nil {
			return &fileStore{root}, nil
		}
	}
	return nil, unreadable(root, mlflowTitle, "none of its folders has a file "+metaFile)
}

const metaFile = "meta.yaml"

// meta is what the file store says of an experiment or of a run.
type meta struct {
	Name    string `yaml:"name"`
	RunName string `yaml:"run_name"`
	Created int64  `yaml:"creation_time"`
	Stage   string `yaml:"lifecycle_stage"`
	Status  int    `yaml:"status"`
	Start   *int64 `yaml:"start_time"`
	End     *int64 `yaml:"end_time"`
}

// mlflowStatuses are the statuses by the numbers that files have: mlflow/protos/service.proto, RunStatus.
var mlflowStatuses = map[int]string{1: "RUNNING", 2: "SCHEDULED", 3: "FINISHED", 4: "FAILED", 5: "KILLED"}

// longestMeta is well above what MLflow writes.
const longestMeta = 1 << 20

func readMeta(folder string) (m meta, err error) {
	path := filepath.Join(folder, metaFile)
	text, err := readSmall(path)
	if err != nil {
		return m, err
	}
	if err := yaml.Unmarshal(text, &m); err != nil {
		first, _, _ := strings.Cut(err.Error(), "\n")
		return m, advice.Usage(fmt.Errorf("%s: %s", path, first), "nothing after this place is read; what was imported before it stays")
	}
	return m, nil
}

// readSmall reads a file that is an ordinary one, and not large.
func readSmall(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() || info.Size() > longestMeta {
		return nil, advice.Usage(fmt.Errorf("%s is no small file", path), "")
	}
	return os.ReadFile(path)
}

// Close implements Source.
func (s *fileStore) Close() error { return nil }

// Experiments implements Source.
func (s *fileStore) Experiments(ctx context.Context) (all []Experiment, err error) {
	folders, err := os.ReadDir(s.root)
	if err != nil {
		return nil, err
	}
	for _, f := range folders {
		m, err := readMeta(filepath.Join(s.root, f.Name()))
		if errors.Is(err, fs.ErrNotExist) || err == nil && m.Stage == "deleted" {
			continue
		}
		if err != nil {
			return nil, err
		}
		e := mlflowExperiment(f.Name(), m.Name, m.Created)
		deleted := 0
		groups := 0
		if err := s.folders(ctx, e, func(folder string, m meta, grouped map[string]bool) error {
			if m.Stage == "deleted" {
				deleted++
			} else if grouped[filepath.Base(folder)] && len(files(filepath.Join(folder, "metrics"))) == 0 {
				groups++
			}
			return nil
		}); err != nil {
			return nil, err
		}
		e.Left = []Left{{"deleted runs", deleted}, {onlyGroups, groups}}
		all = append(all, e)
	}
	return all, nil
}

// folders calls a function with the folder of each run of an experiment, oldest first. parents are the runs that have nested ones.
func (s *fileStore) folders(ctx context.Context, of Experiment, each func(folder string, m meta, parents map[string]bool) error) error {
	root := filepath.Join(s.root, of.ID)
	all, err := os.ReadDir(root)
	if err != nil {
		return err
	}
	parents := map[string]bool{}
	for _, f := range all {
		if parent, err := readSmall(filepath.Join(root, f.Name(), "tags", tagParent)); err == nil {
			parents[strings.TrimSpace(string(parent))] = true
		}
	}
	type found struct {
		folder string
		meta
	}
	var runs []found
	for _, f := range all {
		folder := filepath.Join(root, f.Name())
		m, err := readMeta(folder)
		switch {
		case errors.Is(err, fs.ErrNotExist) || !f.IsDir(): // tags, or a file
		case err != nil:
			return err
		default:
			runs = append(runs, found{folder, m})
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	slices.SortStableFunc(runs, func(a, b found) int { return cmp.Compare(a.start(), b.start()) })
	for _, run := range runs {
		if err := each(run.folder, run.meta, parents); err != nil {
			return err
		}
	}
	return nil
}

// start is in milliseconds; 0 if unknown.
func (m meta) start() int64 {
	if m.Start == nil {
		return 0
	}
	return *m.Start
}

// files are the files below a folder, by their paths from it with slashes. Names with slashes are in folders of their own.
func files(folder string) (all []string) {
	_ = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // without the folder there are none
		}
		if name, err := filepath.Rel(folder, path); err == nil {
			all = append(all, filepath.ToSlash(name))
		}
		return nil
	})
	return all
}

// Runs implements Source.
func (s *fileStore) Runs(ctx context.Context, of Experiment, each func(*Run) error) error {
	return s.folders(ctx, of, func(folder string, m meta, parents map[string]bool) error {
		id := filepath.Base(folder)
		run := &Run{ID: id, Name: Shown(m.RunName)}
		var bytes int64
		for _, name := range files(filepath.Join(folder, "metrics")) {
			run.Metrics = append(run.Metrics, Shown(name))
			if info, err := os.Stat(filepath.Join(folder, "metrics", filepath.FromSlash(name))); err == nil {
				bytes += info.Size()
			}
		}
		run.Revision = fmt.Sprintf("%d bytes, %d params", bytes, len(files(filepath.Join(folder, "params"))))
		if m.Stage == "deleted" || len(run.Metrics) == 0 && parents[id] {
			return nil
		}
		mlflowStatus(run, mlflowStatuses[m.Status])
		run.Start = millis(m.start())
		if m.End != nil {
			run.End = millis(*m.End)
		}
		for _, name := range files(filepath.Join(folder, "params")) {
			value, err := readSmall(filepath.Join(folder, "params", filepath.FromSlash(name)))
			if err != nil {
				return err
			}
			run.setting(name, string(value))
		}
		if note, err := readSmall(filepath.Join(folder, "tags", tagNote)); err == nil {
			run.Note = string(note)
		}
		if source, err := readSmall(filepath.Join(folder, "tags", tagSource)); err == nil {
			run.Program = script(string(source))
		}
		if name, err := readSmall(filepath.Join(folder, "tags", tagName)); err == nil && run.Name == "" {
			run.Name = Shown(string(name))
		}
		return each(run)
	})
}

// Values implements Source.
func (s *fileStore) Values(ctx context.Context, of Experiment, run *Run) (map[string][]imported.Logged, error) {
	folder := filepath.Join(s.root, of.ID, run.ID, "metrics")
	values := map[string][]imported.Logged{}
	for _, name := range files(folder) {
		path := filepath.Join(folder, filepath.FromSlash(name))
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		n := 0
		err = lines(ctx, f, func(line []byte) error {
			n++
			v, err := metricLine(string(line))
			if err != nil {
				return damaged(path, fmt.Sprintf("line %d", n), err)
			}
			values[Shown(name)] = append(values[Shown(name)], v)
			return nil
		})
		f.Close()
		if err != nil {
			return nil, err
		}
	}
	return values, nil
}

// metricLine reads a line of a metric's file: its time, its value, and its step. MLflow 3 writes more behind them.
func metricLine(line string) (v imported.Logged, err error) {
	fields := strings.Fields(line)
	if len(fields) < 2 {
		return v, errors.New("it is not a time, a value and a step")
	}
	if v.At, err = strconv.ParseInt(fields[0], 10, 64); err != nil {
		return v, err
	}
	if v.Value, err = strconv.ParseFloat(fields[1], 64); err != nil && !math.IsInf(v.Value, 0) {
		return v, err
	}
	if len(fields) > 2 { // before MLflow 1.0 there was no step
		v.Step, err = strconv.ParseInt(fields[2], 10, 64)
		return v, err
	}
	return v, nil
}

// mlflowServer is a tracking server.
type mlflowServer struct{ export.MLflowServer }

func openMLflowServer(address string, o Options) (Source, error) {
	s := &mlflowServer{export.MLflowServer{URI: address, User: os.Getenv("MLFLOW_TRACKING_USERNAME"), Password: os.Getenv("MLFLOW_TRACKING_PASSWORD"),
		Token: os.Getenv("MLFLOW_TRACKING_TOKEN"), Patience: 5 * time.Second,
		Waiting: func(err error, wait time.Duration) { o.Notice(fmt.Sprintf("%v; again in %v", err, wait)) }}}
	if err := s.Open(); err != nil {
		return nil, advice.Usage(err, "for instance xrun import mlflow http://127.0.0.1:5000")
	}
	return s, nil
}

// Close implements Source.
func (s *mlflowServer) Close() error { return nil }

// Experiments implements Source.
func (s *mlflowServer) Experiments(ctx context.Context) (all []Experiment, err error) {
	err = s.pages(func(token string) (string, int, error) {
		request := map[string]any{"max_results": 1000, "view_type": "ACTIVE_ONLY"}
		if token != "" {
			request["page_token"] = token
		}
		var page struct {
			Experiments []struct {
				ID      string               `json:"experiment_id"`
				Name    string               `json:"name"`
				Created export.MLflowInteger `json:"creation_time"`
			} `json:"experiments"`
			Next string `json:"next_page_token"`
		}
		err := s.Post(ctx, "experiments/search", request, &page)
		for _, e := range page.Experiments {
			all = append(all, mlflowExperiment(e.ID, e.Name, int64(e.Created)))
		}
		return page.Next, len(page.Experiments), err
	})
	return all, err
}

// pages calls a function for each page of an answer.
func (s *mlflowServer) pages(page func(token string) (next string, n int, err error)) error {
	for token := ""; ; {
		next, n, err := page(token)
		if err != nil || next == "" || next == token || n == 0 {
			return err
		}
		token = next
	}
}

// mlflowNumber is a number in an answer.
type mlflowNumber float64

// UnmarshalJSON implements json.Unmarshaler.
func (n *mlflowNumber) UnmarshalJSON(text []byte) error {
	x, err := strconv.ParseFloat(strings.Trim(string(text), `"`), 64)
	if math.IsInf(x, 0) {
		err = nil
	}
	*n = mlflowNumber(x)
	return err
}

// Runs implements Source.
func (s *mlflowServer) Runs(ctx context.Context, of Experiment, each func(*Run) error) error {
	type pair struct {
		Key   string `json:"key"`
		Value string `json:"value"`
	}
	type found struct {
		Info struct {
			ID     string               `json:"run_id"`
			Name   string               `json:"run_name"`
			Status string               `json:"status"`
			Start  export.MLflowInteger `json:"start_time"`
			End    export.MLflowInteger `json:"end_time"`
		} `json:"info"`
		Data struct {
			Params  []pair `json:"params"`
			Tags    []pair `json:"tags"`
			Metrics []struct {
				Key string `json:"key"`
			} `json:"metrics"`
		} `json:"data"`
	}
	var suspects []*Run // without values: they may only group others
	parents := map[string]bool{}
	err := s.pages(func(token string) (string, int, error) {
		request := map[string]any{"experiment_ids": []string{of.ID}, "max_results": 1000, "run_view_type": "ACTIVE_ONLY", "order_by": []string{"attributes.start_time ASC"}}
		if token != "" {
			request["page_token"] = token
		}
		var page struct {
			Runs []found `json:"runs"`
			Next string  `json:"next_page_token"`
		}
		if err := s.Post(ctx, "runs/search", request, &page); err != nil {
			return "", 0, err
		}
		for _, r := range page.Runs {
			run := &Run{ID: r.Info.ID, Name: Shown(r.Info.Name), Start: millis(int64(r.Info.Start)), End: millis(int64(r.Info.End)),
				Revision: fmt.Sprintf("%d metrics, %d params at %d", len(r.Data.Metrics), len(r.Data.Params), r.Info.End)}
			mlflowStatus(run, r.Info.Status)
			for _, p := range r.Data.Params {
				run.setting(p.Key, p.Value)
			}
			for _, t := range r.Data.Tags {
				switch t.Key {
				case tagNote:
					run.Note = t.Value
				case tagSource:
					run.Program = script(t.Value)
				case tagParent:
					parents[t.Value] = true
				}
			}
			for _, m := range r.Data.Metrics {
				run.Metrics = append(run.Metrics, m.Key)
			}
			if len(run.Metrics) == 0 {
				suspects = append(suspects, run)
				continue
			}
			if err := each(run); err != nil {
				return "", 0, err
			}
		}
		return page.Next, len(page.Runs), nil
	})
	for _, run := range suspects {
		if err == nil && !parents[run.ID] {
			err = each(run)
		}
	}
	return err
}

// Values implements Source.
func (s *mlflowServer) Values(ctx context.Context, _ Experiment, run *Run) (map[string][]imported.Logged, error) {
	values := map[string][]imported.Logged{}
	for _, metric := range run.Metrics {
		err := s.pages(func(token string) (string, int, error) {
			query := url.Values{"run_id": {run.ID}, "run_uuid": {run.ID}, "metric_key": {metric}, "max_results": {"25000"}}
			if token != "" {
				query.Set("page_token", token)
			}
			var page struct {
				Metrics []struct {
					Step  export.MLflowInteger `json:"step"`
					At    export.MLflowInteger `json:"timestamp"`
					Value mlflowNumber         `json:"value"`
				} `json:"metrics"`
				Next string `json:"next_page_token"`
			}
			err := s.Get(ctx, "metrics/get-history", query, &page)
			for _, m := range page.Metrics {
				values[Shown(metric)] = append(values[Shown(metric)], imported.Logged{Step: int64(m.Step), At: int64(m.At), Value: stored(float64(m.Value), false)})
			}
			return page.Next, len(page.Metrics), err
		})
		if err != nil {
			return nil, err
		}
	}
	return values, nil
}
