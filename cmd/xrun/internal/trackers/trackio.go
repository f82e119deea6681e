package trackers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store/imported"
)

var _ = add(Tracker{
	Name: "trackio", Title: trackioTitle, From: "PATH",
	About: `PATH is the SQLite file of a project, the folder that has such files, or the name of a project in TRACKIO_DIR, which is
~/.cache/huggingface/trackio by default. Each project becomes a sweep. Nested settings and metrics get names with dots. Trackio does not keep
whether a run has ended or failed: runs are finished, and one that has got more values is taken anew by the next import.`,
	Open: openTrackio,
})

const trackioTitle = "Trackio"

// longestRow is above what a row of a project has in JSON.
const longestRow = 64 << 20

// trackio is some projects.
type trackio struct {
	projects []*trackioProject
	notice   func(string)
}

// A trackioProject is the file of a project.
type trackioProject struct {
	*database
	name   string
	id     string // the column that tells runs apart
	ids    []any  // of the runs, as they are in the column
	runs   []*Run // oldest first
	left   map[string]int
	shared map[string]string // one copy of each name
}

// openTrackio opens a file, the files of a folder, or a project by its name.
func openTrackio(ctx context.Context, from string, o Options) (_ Source, err error) {
	info, err := os.Stat(from)
	if errors.Is(err, os.ErrNotExist) && !strings.ContainsAny(from, `/\`) && filepath.Ext(from) != trackioEnding {
		named := filepath.Join(trackioFolder(), trackioFile(from))
		if info, err = os.Stat(named); err != nil {
			return nil, advice.Usage(fmt.Errorf("there is no file %s, and no project %s in %s", from, from, trackioFolder()), "give the path of the project's file")
		}
		from = named
	}
	if err != nil {
		return nil, cannotOpen(err)
	}
	paths := []string{from}
	if info.IsDir() {
		if paths, err = trackioFiles(from); err != nil {
			return nil, err
		}
	}
	t := &trackio{notice: o.Notice}
	defer func() {
		if err != nil {
			t.Close()
		}
	}()
	for _, path := range paths {
		db, err := openSQLite(ctx, path, trackioTitle, "metrics")
		if err != nil {
			if info.IsDir() && ctx.Err() == nil {
				o.Notice(fmt.Sprintf("not read: %v", err))
				continue
			}
			return nil, err
		}
		t.projects = append(t.projects, &trackioProject{database: db, name: strings.TrimSuffix(filepath.Base(path), trackioEnding), left: map[string]int{}, shared: map[string]string{}})
	}
	if len(t.projects) == 0 {
		return nil, unreadable(from, trackioTitle, "there is no project's file")
	}
	return t, nil
}

const trackioEnding = ".db"

// trackioFolder is where Trackio keeps its files: trackio/utils.py, and HF_HOME of huggingface_hub.
func trackioFolder() string {
	if dir := os.Getenv("TRACKIO_DIR"); dir != "" {
		return dir
	}
	if dir := os.Getenv("HF_HOME"); dir != "" {
		return filepath.Join(dir, "trackio")
	}
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		home, _ := os.UserHomeDir() // without one there is no such file
		cache = filepath.Join(home, ".cache")
	}
	return filepath.Join(cache, "huggingface", "trackio")
}

// trackioFile is the name of a project's file: canonical_project_name of trackio/utils.py.
func trackioFile(project string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) || r == '-' || r == '_' {
			return r
		}
		return -1
	}, project) + trackioEnding
}

// trackioFiles are the files of the projects in a folder. Registries have no runs.
func trackioFiles(dir string) (paths []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, cannotOpen(err)
	}
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() || filepath.Ext(path) != trackioEnding || strings.HasPrefix(entry.Name(), "registry-") {
			continue
		}
		paths = append(paths, path)
	}
	if len(paths) == 0 {
		return nil, unreadable(dir, trackioTitle, "no file there is called PROJECT"+trackioEnding)
	}
	return paths, nil
}

// Close implements Source.
func (t *trackio) Close() (err error) {
	for _, p := range t.projects {
		err = errors.Join(err, p.Close())
	}
	return err
}

// Experiments implements Source.
func (t *trackio) Experiments(ctx context.Context) (all []Experiment, err error) {
	live := 0
	for i, p := range t.projects {
		if err := p.survey(ctx); err != nil {
			return nil, err
		}
		e := Experiment{ID: strconv.Itoa(i), Name: Shown(p.name), Identity: p.name}
		if len(p.runs) > 0 {
			e.Identity = fmt.Sprintf("%q", p.runs[0].ID)
			if p.id == "run_name" {
				e.Identity = fmt.Sprintf("%q %d", p.runs[0].ID, p.runs[0].Start.UnixMicro())
			}
		}
		for _, run := range p.runs {
			if recent(run.End) {
				live++
			}
		}
		for _, what := range sortedKeys(p.left) {
			e.Left = append(e.Left, Left{what, p.left[what]})
		}
		all = append(all, e)
	}
	if live > 0 {
		t.notice(fmt.Sprintf("runs with values of the last %d minutes: %d; they count as finished, and the same command takes anew what has grown", int(quiet.Minutes()), live))
	}
	return all, nil
}

// anyText is what a column has, as a text.
func anyText(v any) string {
	switch v := v.(type) {
	case nil:
		return ""
	case string:
		return v
	case []byte:
		return string(v)
	}
	return fmt.Sprint(v)
}

// trackioTime reads a time of a row. Times without a zone are UTC.
func trackioTime(text string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05.999999999", "2006-01-02 15:04:05.999999999"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	return time.Time{}
}

// survey reads the runs of a project, without their values.
func (p *trackioProject) survey(ctx context.Context) error {
	column := func(table, name string) (has bool, err error) {
		err = p.one(ctx, table, `SELECT count(*) > 0 FROM pragma_table_info(?) WHERE name = ?`, []any{table, name}, &has)
		return has, err
	}
	p.id = "run_name" // before Trackio 0.24
	if has, err := column("metrics", "run_id"); err != nil {
		return err
	} else if has {
		p.id = "run_id"
	}
	var runs = map[bool]string{
		true: `SELECT run_id, min(run_name), min(timestamp), max(timestamp), count(*) FROM metrics GROUP BY run_id ORDER BY min(timestamp), min(id)`,
		false: `SELECT run_name, min(run_name), min(timestamp), max(timestamp), count(*) FROM metrics
			GROUP BY run_name ORDER BY min(timestamp), min(id)`,
	}[p.id == "run_id"]
	at := map[string]*Run{}
	if err := p.each(ctx, "metrics", runs, nil, func(scan func(...any) error) error {
		var id, name, first, last any
		var rows int64
		if err := scan(&id, &name, &first, &last, &rows); err != nil {
			return err
		}
		run := &Run{ID: Shown(anyText(id)), Name: Shown(anyText(name)), Status: runner.StatusFinished, Start: trackioTime(anyText(first)), End: trackioTime(anyText(last)),
			Revision: fmt.Sprintf("%d rows", rows), at: int64(len(p.runs))}
		p.runs, p.ids, at[anyText(id)] = append(p.runs, run), append(p.ids, id), run
		return nil
	}); err != nil {
		return err
	}
	if err := p.configs(ctx, at); err != nil {
		return err
	}
	if err := p.metrics(ctx, at); err != nil {
		return err
	}
	slices.SortStableFunc(p.runs, func(a, b *Run) int { return a.Start.Compare(b.Start) })
	for table, what := range map[string]string{"system_metrics": "rows of system metrics", "alerts": "alerts", "traces": "traces", "artifact_versions": "versions of artifacts"} {
		has, err := p.Has(ctx, table)
		if err != nil {
			return damaged(p.path, "its tables", err)
		}
		if has {
			var n int
			if err := p.one(ctx, table, `SELECT count(*) FROM `+table, nil, &n); err != nil {
				return err
			}
			p.left[what] += n
		}
	}
	return nil
}

// configs reads the settings of the runs.
func (p *trackioProject) configs(ctx context.Context, at map[string]*Run) error {
	if has, err := p.Has(ctx, "configs"); err != nil || !has {
		return damaged(p.path, "its tables", err)
	}
	query := map[bool]string{
		true:  `SELECT run_id, CASE WHEN length(config) <= ? THEN config END FROM configs ORDER BY id`,
		false: `SELECT run_name, CASE WHEN length(config) <= ? THEN config END FROM configs ORDER BY id`,
	}[p.id == "run_id"]
	return p.each(ctx, "configs", query, []any{longestRow}, func(scan func(...any) error) error {
		var id, config any
		if err := scan(&id, &config); err != nil {
			return err
		}
		run := at[anyText(id)]
		if run == nil {
			return nil // it has no values
		}
		settings, err := settingsOf(json.RawMessage(anyText(config)))
		if err != nil {
			p.left["configurations that cannot be read"]++
			return nil
		}
		run.Settings = run.Settings[:0]
		for _, s := range settings {
			switch {
			case s.Path == "_Created":
				if created := trackioTime(s.Value.Text); !created.IsZero() && !run.Start.Before(created) { // later if it was resumed
					run.Start = created
				}
			case s.Path == "_Group":
				run.Note = "group " + s.Value.Text
			case strings.HasPrefix(s.Path, "_"): // Trackio's own
			default:
				s.Path = p.share(s.Path)
				run.Settings = append(run.Settings, s)
			}
		}
		return nil
	})
}

func (p *trackioProject) share(name string) string {
	if p.shared[name] == "" {
		p.shared[name] = name
	}
	return p.shared[name]
}

// metrics reads the names of the metrics of the runs, and counts what is no value of one.
func (p *trackioProject) metrics(ctx context.Context, at map[string]*Run) error {
	query := map[bool]string{
		true:  `SELECT run_id, step, CASE WHEN length(metrics) <= ? THEN metrics END FROM metrics`,
		false: `SELECT run_name, step, CASE WHEN length(metrics) <= ? THEN metrics END FROM metrics`,
	}[p.id == "run_id"]
	return p.each(ctx, "metrics", query, []any{longestRow}, func(scan func(...any) error) error {
		var id, step, row any
		if err := scan(&id, &step, &row); err != nil {
			return err
		}
		run := at[anyText(id)]
		if run == nil {
			return nil // it came just now
		}
		_, counts := step.(int64)
		if !counts || trackioRow(row, func(name string, _ float64, other string) {
			if other != "" {
				p.left[other]++
			} else if name = p.share(Shown(name)); !slices.Contains(run.Metrics, name) {
				run.Metrics = append(run.Metrics, name)
			}
		}) != nil {
			p.left["rows that cannot be read"]++
		}
		return ctx.Err()
	})
}

// trackioRow calls a function with the values of a row. other says what a value is that is no number.
func trackioRow(row any, each func(name string, x float64, other string)) error {
	d := json.NewDecoder(strings.NewReader(string(finite([]byte(anyText(row))))))
	d.UseNumber()
	var tree map[string]any
	if err := d.Decode(&tree); err != nil {
		return err
	}
	var walk func(path string, value any)
	walk = func(path string, value any) {
		switch value := value.(type) {
		case json.Number:
			x, err := value.Float64()
			if err != nil && math.IsInf(x, 0) || err == nil {
				each(path, x, "")
			}
		case string:
			switch value { // serialize_values of trackio/utils.py
			case "NaN":
				each(path, math.NaN(), "")
			case "Infinity", "+Inf":
				each(path, math.Inf(1), "")
			case "-Infinity", "-Inf":
				each(path, math.Inf(-1), "")
			default:
				each(path, 0, "values that are no numbers")
			}
		case map[string]any:
			if kind, ok := value["_type"].(string); ok {
				each(path, 0, map[bool]string{true: "histograms", false: "media, tables and other objects"}[kind == "trackio.histogram"])
				return
			}
			for _, key := range sortedKeys(value) {
				walk(path+"."+key, value[key])
			}
		case nil:
		default:
			each(path, 0, "values that are no numbers")
		}
	}
	for _, key := range sortedKeys(tree) {
		walk(key, tree[key])
	}
	return nil
}

func (t *trackio) project(of Experiment) (*trackioProject, error) {
	i, err := strconv.Atoi(of.ID)
	if err != nil || i < 0 || i >= len(t.projects) {
		return nil, fmt.Errorf("there is no project %q", of.ID)
	}
	return t.projects[i], nil
}

// Runs implements Source.
func (t *trackio) Runs(_ context.Context, of Experiment, each func(*Run) error) error {
	p, err := t.project(of)
	if err != nil {
		return err
	}
	for _, run := range p.runs {
		given := *run
		if err := each(&given); err != nil {
			return err
		}
	}
	return nil
}

// Values implements Source.
func (t *trackio) Values(ctx context.Context, of Experiment, run *Run) (map[string][]imported.Logged, error) {
	p, err := t.project(of)
	if err != nil {
		return nil, err
	}
	query := map[bool]string{
		true:  `SELECT step, timestamp, CASE WHEN length(metrics) <= ? THEN metrics END FROM metrics WHERE run_id IS ? ORDER BY id`,
		false: `SELECT step, timestamp, CASE WHEN length(metrics) <= ? THEN metrics END FROM metrics WHERE run_name IS ? ORDER BY id`,
	}[p.id == "run_id"]
	values := map[string][]imported.Logged{}
	n := 0
	err = p.each(ctx, "metrics", query, []any{longestRow, p.ids[run.at]}, func(scan func(...any) error) error {
		var step, at, row any
		if err := scan(&step, &at, &row); err != nil {
			return err
		}
		number, counts := step.(int64)
		if !counts {
			return nil // it was counted before
		}
		when := int64(0)
		if t := trackioTime(anyText(at)); !t.IsZero() {
			when = t.UnixMicro()
		}
		_ = trackioRow(row, func(name string, x float64, other string) { // likewise
			if other == "" {
				name = Shown(name)
				values[name] = append(values[name], imported.Logged{Step: number, At: when, Value: x})
				n++
			}
		})
		if n > maxRunValues {
			return fmt.Errorf("the run has more than %d values", maxRunValues)
		}
		return nil
	})
	return values, err
}
