package ui

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps/compare"
	"github.com/xrun-dev/xrun/sweeps/document"
)

// asking are the parameters of every question. They have the names of the flags of xrun compare.
var asking = []string{"sweep", "where", "metric", "goal", "at", "stat", "test", "equal", "scale", "baseline", "by", "target", "sort", "cols"}

// A request is one that was admitted, with its parameters and the database.
type request struct {
	*http.Request
	s      *Server
	w      http.ResponseWriter
	db     *opened
	values url.Values
	code   int               // of the answer; 0 is OK
	sweeps []store.SweepInfo // of the question, once it was read
}

// api handles requests of a path. Of each parameter there may be one, but for those that the path lists with a plus.
func (s *Server) api(parameters []string, handle func(*request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		q := &request{Request: r, s: s, w: w}
		err := q.read(parameters)
		if err == nil {
			if q.db, err = s.source.take(r.Context()); err == nil {
				defer s.source.drop(q.db)
				err = handle(q)
			}
		}
		if err != nil {
			s.fail(w, r, err)
		}
	})
}

func (q *request) read(parameters []string) error {
	var err error
	if q.values, err = url.ParseQuery(q.URL.RawQuery); err != nil {
		return advice.Usage(fmt.Errorf("the query cannot be read: %w", err), "")
	}
	known := make([]string, len(parameters))
	for i, p := range parameters {
		known[i] = strings.TrimSuffix(p, "+")
	}
	for name, given := range q.values {
		i := slices.Index(known, name)
		if i < 0 {
			hint := "there are " + strings.Join(known, ", ")
			if meant := document.Nearest(name, known); meant != "" {
				hint = fmt.Sprintf("did you mean %s? ", meant) + hint
			}
			return advice.Usage(fmt.Errorf("%s has no parameter %q", q.URL.Path, name), hint)
		}
		many := parameters[i] != known[i] || name == "sweep"
		if len(given) > 1 && !many || len(given) > 64 {
			return advice.Usage(fmt.Errorf("%s is given %d times", name, len(given)), "")
		}
	}
	return nil
}

func (q *request) text(name string) string { return q.values.Get(name) }

// flag is a parameter that is 1 or 0.
func (q *request) flag(name string) (bool, error) {
	switch text := q.text(name); text {
	case "", "0":
		return false, nil
	case "1":
		return true, nil
	default:
		return false, advice.Usage(fmt.Errorf("%s is %q", name, text), "it is 0 or 1")
	}
}

// number is a whole number from least to most.
func (q *request) number(name string, otherwise, least, most int) (int, error) {
	text := q.text(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		return 0, advice.Usage(fmt.Errorf("%s is %q", name, text), fmt.Sprintf("it is a whole number from %d to %d", least, most))
	}
	return n, nil
}

// question reads the question of the parameters.
func (q *request) question() (question.Question, error) {
	ask := question.Question{Metric: q.text("metric"), Goal: q.text("goal"), At: q.text("at"), Stat: q.text("stat"), Test: q.text("test"), Equal: q.text("equal"), Scale: q.text("scale"),
		Baseline: q.text("baseline"), By: q.text("by"), Where: q.text("where"), Columns: q.text("cols"), Sort: q.text("sort"), Arguments: q.s.o.Arguments}
	if text := q.text("target"); text != "" {
		target, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return ask, advice.Usage(fmt.Errorf("target is %q, no number", text), "for instance target=0.2")
		}
		ask.Target, ask.HasTarget = target, true
	}
	return ask, nil
}

// find finds the sweeps of the request.
func (q *request) find() error {
	names := q.values["sweep"]
	if len(names) == 0 {
		names = []string{""}
	}
	for _, name := range names {
		sweep, err := q.db.FindSweep(q.Context(), name)
		if err != nil {
			return err
		}
		q.sweeps = append(q.sweeps, sweep)
	}
	return nil
}

// answer answers the question of the parameters, after a change of it.
func (q *request) answer(change func(*question.Question)) (*answer, error) {
	if err := q.find(); err != nil {
		return nil, err
	}
	ask, err := q.question()
	if err != nil {
		return nil, err
	}
	if change != nil {
		change(&ask)
	}
	owners, err := q.owners()
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, sweep := range q.sweeps { // a name can become another sweep's
		ids = append(ids, strconv.FormatInt(sweep.ID, 10))
	}
	return q.s.answer(q.Context(), q.db, ids, ask, len(owners) > 0)
}

// exactly answers the question, and says whether numbers are to be exact.
func (q *request) exactly() (a *answer, exact bool, err error) {
	if exact, err = q.flag("exact"); err != nil {
		return nil, false, err
	}
	a, err = q.answer(nil)
	return a, exact, err
}

// exactlyOne does so for one problem: the only one, or the one that the parameter problem names.
func (q *request) exactlyOne() (a *answer, r *compare.Report, exact bool, err error) {
	if a, exact, err = q.exactly(); err != nil {
		return nil, nil, false, err
	}
	if r = a.report; r.Across == nil {
		return a, r, exact, nil
	}
	var names []string
	for _, sub := range r.Problems {
		if sub.Problem == q.text("problem") {
			return a, sub, exact, nil
		}
		names = append(names, sub.Problem)
	}
	return nil, nil, false, advice.Usage(fmt.Errorf("%s has %s", r.Sweep, r.ProblemsOf(len(r.Problems))), "problem=NAME names one of "+fmt.Sprintf("%q", names))
}

// owners are the processes that train one of the sweeps.
func (q *request) owners() (all []store.Owner, err error) {
	for _, sweep := range q.sweeps {
		of, err := q.db.Owners(q.Context(), sweep.ID)
		if err != nil {
			return nil, err
		}
		all = append(all, of...)
	}
	return all, nil
}

// A stamp says of which state of the database an answer is, and which command prints the same.
type stamp struct {
	Version int64  `json:"version"`
	Command string `json:"command"`
}

func (q *request) stamp(a *answer, command ...string) stamp {
	return stamp{a.version.number(), q.command(command...)}
}

// json writes an answer.
func (q *request) json(value any) error {
	return q.compressed("application/json; charset=utf-8", func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetEscapeHTML(false)
		return e.Encode(value)
	})
}

var compressors = sync.Pool{New: func() any {
	z, _ := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	return z
}}

// compressed writes an answer of a type, compressed if the client takes that. What goes wrong after the first byte breaks
// the answer off, so that nobody takes it for whole.
func (q *request) compressed(kind string, write func(io.Writer) error) error {
	h := q.w.Header()
	coding := ""
	begun := &lazy{w: q.w, begin: func() {
		h.Set("Content-Type", kind)
		if coding != "" {
			h.Set("Content-Encoding", coding)
		}
		if q.code != 0 {
			q.w.WriteHeader(q.code)
		}
	}}
	h.Add("Vary", "Accept-Encoding")
	err := error(nil)
	if takesGzip(q.Header) {
		z := compressors.Get().(*gzip.Writer)
		defer compressors.Put(z)
		coding = "gzip"
		z.Reset(begun)
		if err = write(z); err == nil || begun.written {
			err = errors.Join(err, z.Close())
		}
		z.Reset(io.Discard)
	} else {
		err = write(begun)
	}
	if err != nil && begun.written {
		panic(http.ErrAbortHandler)
	}
	return err
}

// lazy sets headers with the first byte, so that an error before it has its own.
type lazy struct {
	w       io.Writer
	begin   func()
	written bool
}

func (l *lazy) Write(data []byte) (int, error) {
	if !l.written {
		l.written = true
		l.begin()
	}
	return l.w.Write(data)
}

func takesGzip(h http.Header) bool {
	for part := range strings.SplitSeq(strings.Join(h.Values("Accept-Encoding"), ","), ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.EqualFold(name, "gzip") && strings.ReplaceAll(weight, " ", "") != "q=0" {
			return true
		}
	}
	return false
}

// fail answers with an error.
func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	hint, _ := advice.HintOf(err)
	code := http.StatusInternalServerError
	exit, known := advice.Code(err)
	var statement *store.QueryError
	var old *store.OldSchemaError
	var forbidden *forbiddenError
	var problems document.Problems
	switch {
	case r.Context().Err() != nil: // nobody hears it
		code = http.StatusServiceUnavailable
	case errors.Is(err, context.DeadlineExceeded):
		code, err = http.StatusServiceUnavailable, errors.New("the answer takes too long")
	case store.Unavailable(err), errors.As(err, &old), errors.Is(err, errClosed):
		code = http.StatusServiceUnavailable
	case errors.As(err, &forbidden):
		code = http.StatusForbidden
	case errors.Is(err, store.ErrNotFound):
		code = http.StatusNotFound
	case known && exit == advice.ExitUsage, errors.As(err, &statement):
		code = http.StatusBadRequest
	case known && exit == advice.ExitNothing, hint != "", errors.As(err, &problems):
		code = http.StatusUnprocessableEntity
	}
	s.refuse(w, code, err, hint)
}

// refuse answers with a code, and an error with a hint.
func (s *Server) refuse(w http.ResponseWriter, code int, err error, hint string) {
	h := w.Header()
	h.Del("Content-Encoding")
	h.Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(code)
	body := map[string]string{"error": err.Error()}
	if hint != "" {
		body["hint"] = hint
	}
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	e.Encode(body)
}
