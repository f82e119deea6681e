package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
)

// A Condition chooses runs. SQL writes it for SQLite: column returns the SQL of a name's value with its
// parameters, and false for an unknown name. Numbers are INTEGER or REAL, texts TEXT, flags the BLOB x'01'
// or x'00'. A missing value and NaN are NULL.
//
// [Store.Names] lists the names. A metric has also min(NAME), max(NAME), first(NAME), last(NAME),
// mean(NAME), count(NAME), step(min(NAME)) and step(max(NAME)), where NAME may be in quotation marks.
// NAME alone is the value at the kept epoch of a run.
type Condition interface {
	SQL(column func(name string) (sql string, args []any, ok bool)) (text string, args []any, err error)
}

// runColumns are the columns of runs by the name that conditions have for them.
var runColumns = map[string]struct {
	is  plugins.Type
	sql string
}{
	"run":          {plugins.TypeInteger, "r.id"},
	"trial":        {plugins.TypeText, "t.key"},
	"sweep":        {plugins.TypeText, "(SELECT w.name FROM sweep w WHERE w.id = r.sweep_id)"},
	"optimizer":    {plugins.TypeText, "coalesce(m.optimizer_label, t.optimizer)"},
	"regularizer":  {plugins.TypeText, "coalesce(m.regularizer_label, t.regularizer)"},
	"lr":           {plugins.TypeReal, "t.lr"},
	"lambda":       {plugins.TypeReal, "t.lambda"},
	"seed":         {plugins.TypeInteger, "t.seed"},
	"attempt":      {plugins.TypeInteger, "r.attempt"},
	"status":       {plugins.TypeText, "r.status"},
	"reason":       {plugins.TypeText, "nullif(r.reason, '')"},
	"error":        {plugins.TypeText, "nullif(r.error, '')"},
	"epochs":       {plugins.TypeInteger, "r.epochs"},
	"kept_epoch":   {plugins.TypeInteger, "r.kept_epoch"},
	"best_epoch":   {plugins.TypeInteger, "r.kept_epoch"}, // its name in earlier versions
	"steps":        {plugins.TypeInteger, "r.steps"},
	"wall_seconds": {plugins.TypeReal, "(r.wall_ns / 1e9)"},
	"started_at":   {plugins.TypeText, "strftime('%Y-%m-%dT%H:%M:%SZ', r.started_at / 1000000, 'unixepoch')"},
	"ended_at":     {plugins.TypeText, "strftime('%Y-%m-%dT%H:%M:%SZ', r.ended_at / 1000000, 'unixepoch')"},
}

// Times are the columns of every run that hold times: texts of RFC 3339 in UTC.
var Times = []string{"started_at", "ended_at"}

// Names are the names in conditions on runs.
type Names struct {
	Run      map[string]plugins.Type   // columns of every run; see [Times]
	Settings map[string][]plugins.Type // types by path; several where trials differ
	Metrics  []string
}

// Names lists the names that conditions on the runs of a sweep can use; 0 means all sweeps. A name that means several
// things means the first of: one of Run, a setting, a metric. With run., grid. or metric. before it, it means that kind.
func (s *Store) Names(ctx context.Context, sweepID int64) (Names, error) {
	n := Names{Run: map[string]plugins.Type{}, Settings: map[string][]plugins.Type{}}
	for name, c := range runColumns {
		n.Run[name] = c.is
	}
	settings, metrics, args := `SELECT p.path, s.type FROM (SELECT DISTINCT path_id, type FROM setting) s
		JOIN setting_path p ON p.id = s.path_id ORDER BY p.path, s.type`, `SELECT name FROM metric ORDER BY name`, []any(nil)
	if sweepID != 0 {
		settings = `SELECT p.path, s.type FROM (SELECT DISTINCT s.path_id AS path_id, s.type AS type
			FROM member m JOIN setting s ON s.trial_id = m.trial_id WHERE m.sweep_id = ?) s
			JOIN setting_path p ON p.id = s.path_id ORDER BY p.path, s.type`
		metrics = `SELECT k.name FROM metric k WHERE EXISTS (SELECT 1 FROM member m JOIN present_run r ON r.trial_id = m.trial_id
			JOIN summary u ON u.run_id = r.id AND u.metric_id = k.id WHERE m.sweep_id = ?) ORDER BY k.name`
		args = []any{sweepID}
	}
	err := s.each(ctx, "read settings", settings, args, func(scan scanner) error {
		var path string
		var kind int
		if err := scan(&path, &kind); err != nil {
			return err
		}
		if kind <= 0 || kind >= len(types) {
			return fmt.Errorf("a setting is stored with type %d", kind)
		}
		n.Settings[path] = append(n.Settings[path], types[kind])
		return nil
	})
	if err != nil {
		return n, err
	}
	err = s.each(ctx, "read metrics", metrics, args, func(scan scanner) error {
		var name string
		err := scan(&name)
		n.Metrics = append(n.Metrics, name)
		return err
	})
	return n, err
}

// maxJoins limits the joined tables of a query of runs; SQLite takes 64.
const maxJoins = 50

// A finder finds the columns of a condition and the joins that they need. Its queries call the tables of runs r, of
// trials t and of members m.
type finder struct {
	paths   map[string]int64
	metrics map[string]int64
	sweeps  map[string][]string // by metric
	joins   []string
	joined  map[string]bool
}

func (s *Store) finder(ctx context.Context) (*finder, error) {
	f := &finder{paths: map[string]int64{}, metrics: map[string]int64{}, sweeps: map[string][]string{}, joined: map[string]bool{}}
	read := func(query string, into map[string]int64) error {
		return s.each(ctx, "read names", query, nil, func(scan scanner) error {
			var name string
			var id int64
			err := scan(&name, &id)
			into[name] = id
			return err
		})
	}
	if err := read(`SELECT path, id FROM setting_path`, f.paths); err != nil {
		return nil, err
	}
	if err := read(`SELECT name, id FROM metric`, f.metrics); err != nil {
		return nil, err
	}
	err := s.each(ctx, "read sweeps", `SELECT id, metric FROM sweep`, nil, func(scan scanner) error {
		var id, metric string
		err := scan(&id, &metric)
		f.sweeps[metric] = append(f.sweeps[metric], id)
		return err
	})
	return f, err
}

// column is the argument of [Condition.SQL].
func (f *finder) column(name string) (sql string, args []any, ok bool) {
	kind, bare, dotted := strings.Cut(name, ".")
	if !dotted || kind != "run" && kind != "grid" && kind != "metric" {
		kind, bare = "", name
	}
	if c, ok := runColumns[bare]; ok && (kind == "" || kind == "run") {
		return c.sql, nil, true
	}
	if id, ok := f.paths[bare]; ok && (kind == "" || kind == "grid") {
		alias := "s" + strconv.FormatInt(id, 10)
		return f.of(alias, "setting", fmt.Sprintf("%s.trial_id = t.id AND %[1]s.path_id = %d", alias, id),
			fmt.Sprintf("CASE WHEN %s.type <> 3 THEN %[1]s.value WHEN %[1]s.value THEN x'01' ELSE x'00' END", alias), "value"), nil, true
	}
	metric, function := bare, ""
	if _, ok := f.metrics[bare]; !ok || kind != "" && kind != "metric" {
		function, metric, ok = takeApart(name)
		if !ok {
			return "", nil, false
		}
	}
	id, ok := f.metrics[metric]
	if !ok {
		return "", nil, false
	}
	if function == "" {
		return f.kept(id, metric), nil, true
	}
	alias := "u" + strconv.FormatInt(id, 10)
	value, ok := map[string]string{"min": ".min", "max": ".max", "first": ".first", "last": ".last", "mean": ".mean", "count": ".count",
		"step(min": ".min", "step(max": ".max"}[function]
	switch {
	case !ok:
		return "", nil, false
	case strings.HasPrefix(function, "step("):
		value = fmt.Sprintf("CASE WHEN %s%s IS NOT NULL THEN %[1]s%[2]s_step END", alias, value)
	default:
		value = alias + value
	}
	return f.of(alias, "summary", fmt.Sprintf("%s.run_id = r.id AND %[1]s.metric_id = %d", alias, id), value, "run_id"), nil, true
}

// takeApart splits step(min('a b')) into "step(min" and "a b".
func takeApart(name string) (function, metric string, ok bool) {
	at := strings.LastIndexByte(name, '(')
	if quoted := strings.IndexAny(name, `'"`); quoted > 0 {
		at = quoted - 1
	}
	if at <= 0 || name[at] != '(' {
		return "", "", false
	}
	function = name[:at]
	metric, ok = strings.CutSuffix(name[at+1:], strings.Repeat(")", 1+strings.Count(function, "(")))
	if ok && len(metric) > 1 && (metric[0] == '\'' || metric[0] == '"') {
		metric = metric[1 : len(metric)-1]
	}
	return function, metric, ok
}

// kept is the value of a metric at the kept epoch. The row of a run holds it for the metric of its sweep.
func (f *finder) kept(id int64, metric string) string {
	const at = `(SELECT CASE s.slot WHEN 0 THEN p.v0 WHEN 1 THEN p.v1 WHEN 2 THEN p.v2 WHEN 3 THEN p.v3
		WHEN 4 THEN p.v4 WHEN 5 THEN p.v5 WHEN 6 THEN p.v6 ELSE p.v7 END
		FROM point p JOIN metric_slot s ON s.set_id = p.set_id AND s.metric_id = %d WHERE p.run_id = r.id AND p.step = r.kept_epoch)`
	other := fmt.Sprintf(at, id)
	if own := f.sweeps[metric]; len(own) > 0 {
		return fmt.Sprintf("CASE WHEN r.sweep_id IN (%s) THEN r.value ELSE %s END", strings.Join(own, ", "), other)
	}
	return other
}

// of is a value of one row of another table: joined, or looked up if there are many joins already. key is NULL where
// the row is missing.
func (f *finder) of(alias, table, on, value, key string) string {
	if strings.Contains(value, "CASE WHEN "+alias) {
		value = fmt.Sprintf("CASE WHEN %s.%s IS NOT NULL THEN %s END", alias, key, value)
	}
	if !f.joined[alias] {
		if len(f.joins) == maxJoins {
			return fmt.Sprintf("(SELECT %s FROM %s %s WHERE %s)", value, table, alias, on)
		}
		f.joined[alias] = true
		f.joins = append(f.joins, fmt.Sprintf(" LEFT JOIN %s %s ON %s", table, alias, on))
	}
	return value
}
