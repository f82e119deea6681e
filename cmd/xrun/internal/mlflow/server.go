package mlflow

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/door"
)

// A Server answers clients.
type Server struct {
	Space *Space
	Files Files
	Token string   // that every request has to show; empty for none
	Hosts []string // names under which it may be asked, beside those of this machine
	// Failed is told of errors that no client has caused; may be nil.
	Failed func(error)
}

// spoken is the version of MLflow whose protocol this is, as clients ask for it.
const spoken = "3.0.0"

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	if err := s.serve(w, r); err != nil {
		s.refuse(w, r, err)
	}
}

// refuse answers an error.
func (s *Server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	told, ok := errors.AsType[*Error](err)
	if !ok {
		if r.Context().Err() != nil {
			return // nobody listens
		}
		if s.Failed != nil {
			s.Failed(err)
		}
		told = refuse(unavailable, "xrun could not record it: %v", err)
	}
	if told.Code == unknownToken {
		w.Header().Set("WWW-Authenticate", `Basic realm="xrun serve", charset="UTF-8"`)
	}
	text, _ := json.Marshal(map[string]string{"error_code": told.Code, "message": told.Message}) // of texts: it does not fail
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(statuses[told.Code])
	w.Write(append(text, '\n'))
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) error {
	if s.Token == "" && !door.KnownHost(r, s.Hosts) { // a page that asks under its own name does not know the token
		return refuse(forbidden, "this server is not %q: ask it under the address that it printed, or name it with --host", clip(r.Host))
	}
	if door.FromAPage(r) {
		return refuse(forbidden, "pages of other sites may not ask this server")
	}
	if s.Token != "" && !admitted(r, s.Token) {
		return refuse(unknownToken, "the token lacks, or is another one: set MLFLOW_TRACKING_TOKEN to the one that xrun serve has printed")
	}
	switch r.URL.Path {
	case "/health":
		io.WriteString(w, "OK")
		return nil
	case "/":
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			io.WriteString(w, front)
			return nil
		}
	case "/version":
		io.WriteString(w, spoken)
		return nil
	}
	base, path := split(r.URL.Path)
	switch base {
	case "mlflow":
		if r.Method == http.MethodGet && path == "artifacts/list" {
			return s.listOfRun(w, r)
		}
		e := route(r.Method, path)
		if e == nil {
			break
		}
		in, err := read(w, r)
		if err != nil {
			return err
		}
		answer, err := e(s.Space, r.Context(), in)
		if err != nil {
			return err
		}
		return send(w, answer)
	case "mlflow-artifacts":
		return s.artifact(w, r, path)
	}
	return refuse(noEndpoint, "xrun has no endpoint %s %s: it takes what clients log of experiments, runs and their artifacts", r.Method, clip(r.URL.Path))
}

// front is what a browser gets that looks for MLflow's page.
const front = `This is xrun serve --mlflow: it takes what programs log with MLflow, and has no page.

xrun ui shows the runs. So does MLflow's own page, where the Python package xrun is installed:

    mlflow ui --backend-store-uri xrun:///PATH/OF/xrun.db
`

// split finds which service a path is of, and the rest of it.
func split(path string) (service, rest string) {
	for _, prefix := range []string{"/api/2.0/", "/api/3.0/", "/ajax-api/2.0/", "/ajax-api/3.0/"} {
		if below, ok := strings.CutPrefix(path, prefix); ok {
			service, rest, _ = strings.Cut(below, "/")
			return service, rest
		}
	}
	return "", path
}

// admitted reports whether a request shows the token: as a bearer, or as the password of any user.
func admitted(r *http.Request, token string) bool {
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return door.Same(bearer, token)
	}
	_, password, ok := r.BasicAuth()
	return ok && door.Same(password, token)
}

// read reads a request.
func read(w http.ResponseWriter, r *http.Request) (message, error) {
	if r.Method == http.MethodGet {
		return query(r.URL.Query()), nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, large := errors.AsType[*http.MaxBytesError](err); large {
		return nil, refuse(invalid, "the request has more than %d bytes: send it in parts", maxBody)
	}
	if err != nil {
		return nil, refuse(malformed, "the request was cut off")
	}
	return parse(body)
}

// send answers an object.
func send(w http.ResponseWriter, answer any) error {
	var text bytes.Buffer
	e := json.NewEncoder(&text)
	e.SetEscapeHTML(false)
	if err := e.Encode(answer); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(text.Bytes())
	return nil
}

// listOfRun lists the artifacts of a run.
func (s *Server) listOfRun(w http.ResponseWriter, r *http.Request) error {
	in := query(r.URL.Query())
	id, err := in.run()
	if err != nil {
		return err
	}
	below, err := in.text("path")
	if err != nil {
		return err
	}
	run, err := s.Space.find(r.Context(), id)
	if err != nil {
		return err
	}
	run.mu.Unlock()
	files, err := s.Files.list(strings.TrimSuffix(id+"/artifacts/"+below, "/"), below)
	if err != nil {
		return err
	}
	return send(w, map[string]any{"root_uri": s.Space.location(id), "files": files})
}

// artifact takes, sends, lists or removes artifacts.
func (s *Server) artifact(w http.ResponseWriter, r *http.Request, path string) error {
	name, ok := strings.CutPrefix(path, "artifacts")
	if !ok || name != "" && name[0] != '/' {
		return refuse(noEndpoint, "xrun has no endpoint %s %s", r.Method, clip(r.URL.Path))
	}
	switch {
	case r.Method == http.MethodPut:
		if err := s.Files.put(name, r.Body); err != nil {
			return err
		}
		return send(w, nothing)
	case r.Method == http.MethodGet && name == "":
		files, err := s.Files.list(r.URL.Query().Get("path"), "")
		if err != nil {
			return err
		}
		return send(w, map[string]any{"files": files})
	case r.Method == http.MethodGet:
		return s.Files.get(w, name)
	case r.Method == http.MethodDelete:
		if err := s.Files.remove(name); err != nil {
			return err
		}
		return send(w, nothing)
	}
	return refuse(noEndpoint, "xrun has no endpoint %s %s", r.Method, clip(r.URL.Path))
}

// Limits of a server.
const (
	mostConnections = 1000
	patience        = 60 * time.Second // for the head of a request, and for one that reads or sends nothing
	idle            = 5 * time.Minute  // of a connection that a client keeps
)

// Serve answers at a listener until the context is done; what is being answered then is answered first.
func Serve(ctx context.Context, l net.Listener, h http.Handler) error {
	server := &http.Server{Handler: &slow{h}, ReadHeaderTimeout: patience, IdleTimeout: idle, MaxHeaderBytes: 64 << 10}
	done := make(chan error, 1)
	go func() { done <- server.Serve(&few{Listener: l, free: make(chan struct{}, mostConnections)}) }()
	select {
	case err := <-done:
		return fmt.Errorf("serve at %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := server.Shutdown(last); err != nil {
		server.Close() // who sends so slowly has no answer
	}
	return nil
}

// slow breaks off a client that neither sends nor takes anything for a while.
type slow struct{ http.Handler }

func (s *slow) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	control.SetReadDeadline(time.Now().Add(patience))
	control.SetWriteDeadline(time.Time{})
	r.Body = &patient{r.Body, control}
	s.Handler.ServeHTTP(&writing{w, control}, r)
}

type patient struct {
	io.ReadCloser
	control *http.ResponseController
}

func (p *patient) Read(b []byte) (int, error) {
	p.control.SetReadDeadline(time.Now().Add(patience))
	return p.ReadCloser.Read(b)
}

type writing struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (p *writing) Write(b []byte) (int, error) {
	p.control.SetWriteDeadline(time.Now().Add(patience))
	return p.ResponseWriter.Write(b)
}

// few limits the connections that are open at once. Further ones wait.
type few struct {
	net.Listener
	free chan struct{}
}

func (f *few) Accept() (net.Conn, error) {
	f.free <- struct{}{}
	c, err := f.Listener.Accept()
	if err != nil {
		<-f.free
		return nil, err
	}
	return &counted{Conn: c, done: sync.OnceFunc(func() { <-f.free })}, nil
}

type counted struct {
	net.Conn
	done func()
}

func (c *counted) Close() error {
	defer c.done()
	return c.Conn.Close()
}
