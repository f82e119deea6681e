package ui

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/sheet"
)

func (s *Server) routes() *http.ServeMux {
	mux := http.NewServeMux()
	get := func(path string, parameters []string, handle func(*request) error) {
		mux.Handle("GET /api/v1/"+path, s.api(parameters, handle))
	}
	with := func(more ...string) []string { return append(append([]string{}, asking...), more...) }
	get("sweeps", []string{"where", "from", "limit", "lead"}, s.getSweeps)
	get("answer", with(), s.once(s.getAnswer))
	get("sheet", with("columns", "rows", "show"), s.once(s.getSheet))
	get("points", with("from", "limit", "exact", "seeds"), s.once(s.getPoints))
	get("maps", with("columns", "rows", "show", "exact"), s.once(s.getMaps))
	several := slices.DeleteFunc(with("metric+", "point+", "rank", "x", "seeds", "exact"), func(name string) bool { return name == "metric" })
	get("curves", several, s.once(s.getCurves))
	get("point", with("point", "exact"), s.once(s.getPoint))
	get("run", []string{"id", "exact"}, s.getRun)
	get("diff", []string{"a", "b"}, s.getDiff)
	get("sensitivity", with("problem", "exact"), s.once(s.getSensitivity))
	get("parallel", with("problem", "limit", "exact"), s.once(s.getParallel))
	get("ranking", with(), s.once(s.getRanking))
	get("profile", with(), s.once(s.getProfile))
	get("complete", []string{"sweep", "among", "expr", "caret"}, s.getComplete)
	get("sql", []string{"q", "limit", "param+"}, s.getSQL)
	get("refine", []string{"sweep", "where"}, s.getRefine)
	get("export", with("format", "top"), s.getExport)
	get("act", acting, s.getAct)
	get("jobs", nil, s.getJobs)
	mux.Handle("POST /api/v1/act", s.api(acting, s.postAct))
	mux.HandleFunc("GET /api/v1/events", s.getEvents)
	mux.HandleFunc("GET /app.js", s.getAsset)
	mux.HandleFunc("GET /app.css", s.getAsset)
	page := s.api(append(with("token", "ticket"), "columns", "rows", "show"), s.once(s.getPage))
	mux.Handle("GET /{$}", page)
	mux.Handle("GET /s/{name...}", page)
	mux.HandleFunc("GET /favicon.ico", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.refuse(w, http.StatusNotFound, fmt.Errorf("there is no %s", r.URL.Path), "xrun help ui-api lists what there is")
	})
	return mux
}

// Warm makes the page of a sweep, so that the first one who opens it need not wait. An empty title is the newest sweep.
func (s *Server) Warm(ctx context.Context, title string) {
	path := "/"
	if title != "" {
		path = "/s/" + url.PathEscape(title)
	}
	for _, path := range []string{path, "/api/v1/points?sweep=" + url.QueryEscape(title) + "&from=0&limit=2000"} {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, path, nil)
		if err != nil || title == "" && strings.HasPrefix(path, "/api") {
			return
		}
		r.Header.Set("Accept-Encoding", "gzip")
		s.pages.ServeHTTP(&sent{header: http.Header{}}, r)
	}
}

// An asset is a file of the page, in memory: no file of the disk is ever served.
type asset struct {
	kind    string
	content []byte
	hash    string
}

func newAsset(kind string, content []byte) asset {
	sum := sha256.Sum256(content)
	return asset{kind, content, hex.EncodeToString(sum[:8])}
}

// path is the address of an asset with its hash: it may be kept for ever, since another content has another one.
func (s *Server) path(name string) string {
	if len(s.assets[name].content) == 0 {
		return ""
	}
	return name + "?h=" + s.assets[name].hash
}

func (s *Server) getAsset(w http.ResponseWriter, r *http.Request) {
	a := s.assets[r.URL.Path]
	if r.URL.Query().Get("h") == a.hash {
		w.Header().Set("Cache-Control", "private, max-age=31536000, immutable")
	}
	q := &request{Request: r, s: s, w: w}
	q.compressed(a.kind, func(out io.Writer) error {
		_, err := out.Write(a.content)
		return err
	})
}

// shell is the page around the answer. Script replaces what is in it.
var shell = template.Must(template.New("shell").Parse(`<!doctype html>
<html lang="en" data-live{{if .Control}} data-control{{end}}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{{.Title}}</title>
<link rel="icon" href="data:,">
{{with .Style}}<link rel="stylesheet" href="{{.}}">{{end}}
{{with .Script}}<script src="{{.}}" defer></script>{{end}}
</head>
<body data-page="overview" data-sweep="{{.Sweep}}" data-version="{{.Version}}">
{{.Top}}<main id="view">{{.Answer}}</main>
<aside id="tray" aria-label="pinned points" hidden></aside>
<div id="tip" hidden></div>
</body>
</html>
`))

// getPage is the page with its answer.
func (s *Server) getPage(q *request) error {
	if name := q.PathValue("name"); name != "" {
		q.values.Set("sweep", name)
	}
	all, err := q.db.Sweeps(q.Context())
	if err != nil {
		return err
	}
	page := struct {
		Title, Sweep, Style, Script string
		Version                     int64
		Control                     bool
		Top, Answer                 template.HTML
	}{Title: "xrun", Style: s.path("/app.css"), Script: s.path("/app.js"), Control: s.o.Control != nil}
	code := http.StatusOK
	switch {
	case len(all) == 0:
		var b bytes.Buffer
		if err := sheet.WriteTop(&b, sheet.Data{Title: "nothing yet"}, false); err != nil {
			return err
		}
		page.Top = template.HTML(b.String())
		b.Reset()
		if err := sheet.WriteEmpty(&b); err != nil {
			return err
		}
		page.Answer = template.HTML(b.String())
	default:
		html, err := q.html()
		if err != nil {
			if err := q.Context().Err(); err != nil {
				return err
			}
			hint, _ := advice.HintOf(err)
			code = http.StatusUnprocessableEntity
			if question.Missing(err) {
				code = http.StatusNotFound
			}
			html.top, html.view = `<header id="top"></header>`, written(wrongSheet, map[string]string{"Error": err.Error(), "Hint": hint})
		}
		page.Top, page.Answer = html.top, html.view
		if len(q.sweeps) > 0 {
			page.Sweep = q.sweeps[0].Title
			page.Title = page.Sweep + " · xrun"
		}
	}
	v, err := q.db.version(q.Context())
	if err != nil {
		return err
	}
	page.Version = v.number()
	var b bytes.Buffer
	if err := shell.Execute(&b, page); err != nil {
		return err
	}
	q.code = code
	return q.compressed("text/html; charset=utf-8", func(w io.Writer) error {
		_, err := w.Write(b.Bytes())
		return err
	})
}

// wrongSheet is the answer to a question that has none.
var wrongSheet = template.Must(template.New("wrong").Parse(`<section class="sec" id="answer"><div class="label">No answer</div><div><h1 class="answer">{{.Error}}</h1>{{with .Hint}}<p class="second">{{.}}</p>{{end}}</div></section>
`))

// written is a small template in full.
func written(t *template.Template, data any) template.HTML {
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		panic(err) // it has texts only
	}
	return template.HTML(b.String())
}
