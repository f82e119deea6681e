package ui

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"mime"
	"slices"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/exporting"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/store"
)

// The largest answer to a statement, in rows and in bytes of texts.
const (
	mostRows  = 10_000
	mostBytes = 4 << 20
)

// getSQL answers a statement that reads. It ends after some seconds, or with the request.
func (s *Server) getSQL(q *request) error {
	limit, err := q.number("limit", 200, 1, mostRows)
	if err != nil {
		return err
	}
	text := q.text("q")
	if text == "" {
		return q.json(map[string]any{"xrun_ui": format, "views": viewRows()})
	}
	parameters, err := question.Parameters(q.values["param"])
	if err != nil {
		return err
	}
	if err := s.hold(q.Context()); err != nil {
		return err
	}
	defer s.release()
	ctx, cancel := context.WithTimeoutCause(q.Context(), s.statementTime, errSlow)
	defer cancel()
	began := time.Now()
	head, rows, more, bytes := []string{}, [][]any{}, errors.New("there are more rows"), 0
	err = q.db.Query(ctx, store.Query{Text: text, Parameters: parameters}, func(names []string) error {
		head = append(head, names...)
		return nil
	}, func(row []any) error {
		if len(rows) == limit || bytes > mostBytes {
			return more
		}
		cells := make([]any, len(row))
		for i, v := range row {
			switch v := v.(type) {
			case float64:
				cells[i] = number(v)
			case []byte:
				cells[i] = base64.StdEncoding.EncodeToString(v)
				bytes += len(v)
			case string:
				cells[i] = v
				bytes += len(v)
			default:
				cells[i] = v
			}
			bytes += 8
		}
		rows = append(rows, cells)
		return nil
	})
	var wrong *store.QueryError
	switch {
	case errors.As(err, &wrong):
		return question.StatementError(text, wrong)
	case err != nil && !errors.Is(err, more):
		return err
	}
	return q.json(map[string]any{"xrun_ui": format, "columns": head, "rows": rows, "more": err != nil, "seconds": number(time.Since(began).Seconds()),
		"command": advice.Command(append([]string{"sql", text}, s.o.Arguments...)...)})
}

var errSlow = advice.Nothing(fmt.Errorf("the statement took more than %v", statementTime), "xrun sql has no such limit")

// hold waits for a place among the statements that are answered at once.
func (s *Server) hold(ctx context.Context) error {
	select {
	case s.reading <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *Server) release() { <-s.reading }

func viewRows() []map[string]any {
	rows := []map[string]any{}
	for _, v := range store.Views() {
		columns := []map[string]string{}
		for _, c := range v.Columns {
			columns = append(columns, map[string]string{"name": c.Name, "about": c.About})
		}
		rows = append(rows, map[string]any{"name": v.Name, "about": v.About, "columns": columns})
	}
	return rows
}

// exports are the formats of points, as xrun compare writes them, and of runs, as xrun export does.
var exports = map[string]struct{ kind, ending string }{
	"csv": {"text/csv; charset=utf-8", "csv"}, "md": {"text/markdown; charset=utf-8", "md"}, "tex": {"text/plain; charset=utf-8", "tex"}, "json": {"application/json; charset=utf-8", "json"},
	"runs-csv": {"text/csv; charset=utf-8", "csv"}, "jsonl": {"application/jsonl; charset=utf-8", "jsonl"},
}

var exportNames = []string{"csv", "md", "tex", "json", "runs-csv", "jsonl"}

// getExport writes points or runs as a file.
func (s *Server) getExport(q *request) error {
	name := q.text("format")
	if !slices.Contains(exportNames, name) {
		return wrongFormat(name, exportNames)
	}
	top, err := q.number("top", 0, 0, 1<<30)
	if err != nil {
		return err
	}
	if name != "md" && name != "tex" && q.text("top") != "" {
		return advice.Usage(fmt.Errorf("top is not for %s, which has all", name), "md and tex can have the first N points")
	}
	form := exports[name]
	file := func(sweep string) {
		q.w.Header().Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": sweep + "." + form.ending}))
	}
	if name == "runs-csv" || name == "jsonl" {
		if err := q.find(); err != nil {
			return err
		}
		if len(q.sweeps) > 1 {
			return advice.Usage(errors.New("runs are exported of one sweep at a time"), "ask for each")
		}
		if err := s.hold(q.Context()); err != nil {
			return err
		}
		defer s.release()
		return q.compressed(form.kind, func(w io.Writer) error {
			file(q.sweeps[0].Title)
			o := exporting.Options{Format: map[string]string{"runs-csv": "csv", "jsonl": "jsonl"}[name], Sweep: itoa(q.sweeps[0].ID), Where: q.text("where"), Wide: name == "runs-csv",
				Stdout: w, Stderr: io.Discard, Env: func(string) string { return "" }, Wrote: func(string) {}}
			return o.Run(q.Context(), q.db.Store)
		})
	}
	a, err := q.answer(nil)
	if err != nil {
		return err
	}
	return q.compressed(form.kind, func(w io.Writer) error {
		file(a.report.Sweep)
		switch name {
		case "csv":
			return report.CSV(w, a.report, false)
		case "md":
			return report.Markdown(w, a.report, report.View{Top: top})
		case "tex":
			return report.TeX(w, a.report, report.View{Top: top})
		}
		return report.JSON(w, a.report, false)
	})
}
