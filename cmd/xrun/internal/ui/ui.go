// Package ui serves the page of `xrun ui`: what a database says, live, to browsers and to other programs.
//
// It reads only. Its store is opened read-only, and holds no transaction between two queries, so that a sweep never waits
// for it. It asks package question, as `xrun compare` does, and takes the numbers of pictures from sweeps/compare, as
// figures do. With a [Control] it starts xrun as a child process, which is what writes.
//
// A page of another site must not reach it: see guard.go.
package ui

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/xrun-dev/xrun/sweeps/where"
)

// Options say what is served, and to whom.
type Options struct {
	Store   string // the database's path
	Version string // of xrun
	// Arguments are the arguments by which other commands find the database; none for the default.
	Arguments []string
	// Script and Style are the page's, served as /app.js and /app.css; nil for none.
	Script, Style []byte
	// Token admits those who know it; empty makes a random one. Password does, too, if it is not empty, for any user name.
	Token, Password string
	// Hosts are further names under which the server is reached. Those of this machine's loopback are always allowed.
	Hosts []string
	// TLS encrypts the line; nil does not.
	TLS *tls.Config
	// Control allows requests that change something; nil allows none.
	Control *Control
}

// Limits of a server.
const (
	mostConnections = 256
	mostStreams     = 64               // of events
	mostBody        = 64 << 10         // bytes of a request's body
	mostQuery       = 16 << 10         // bytes of a request's query
	mostHeader      = 32 << 10         // bytes of its header
	headerTime      = 5 * time.Second  // for it
	patience        = 10 * time.Second // for a client to take what was written
	answerTime      = 60 * time.Second // for a question
	statementTime   = 5 * time.Second  // for a statement in SQL
	atOnce          = 1                // reports that are made: each needs memory, and one processor
	statements      = 2                // and exports at once
)

// A Server answers requests about one database.
type Server struct {
	o       Options
	source  *source
	reports *reports
	hub     *hub
	jobs    *jobs
	live    *followers
	busy    chan struct{} // holds a place for each report that is made
	reading chan struct{} // and each statement and export
	ready   *ready
	handler http.Handler
	pages   http.Handler // without what guards them
	cookie  string       // its name
	assets  map[string]asset
	leads   leads
	schemas keeper[schemaKey, where.Schema]
	failed  attempts
	tickets tickets

	headerTime, patience, statementTime time.Duration // tests have less
}

// New makes a server. It opens the database, and refuses one that it cannot read.
func New(ctx context.Context, o Options) (*Server, error) {
	if o.Token == "" {
		random := make([]byte, 16)
		rand.Read(random)
		o.Token = hex.EncodeToString(random)
	}
	src, err := openSource(ctx, o.Store)
	if err != nil {
		return nil, err
	}
	s := &Server{o: o, source: src, busy: make(chan struct{}, atOnce), reading: make(chan struct{}, statements), ready: newReady(), cookie: cookieName(o.Token), headerTime: headerTime, patience: patience, statementTime: statementTime}
	s.reports, s.live = newReports(), newFollowers()
	s.hub = newHub(s)
	if o.Control != nil {
		s.jobs = newJobs(o.Control, s.hub)
	}
	s.assets = map[string]asset{"/app.js": newAsset("text/javascript; charset=utf-8", o.Script), "/app.css": newAsset("text/css; charset=utf-8", o.Style)}
	s.pages = s.routes()
	s.handler = s.guard(s.pages)
	return s, nil
}

// Handler is the server's, with everything that protects it.
func (s *Server) Handler() http.Handler { return s.handler }

// Token admits those who know it.
func (s *Server) Token() string { return s.o.Token }

// Serve serves until the context ends. It then ends what is under way, and closes the database.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	all := newCrowd(l, mostConnections)
	l = all
	if s.o.TLS != nil {
		l = tls.NewListener(l, s.o.TLS)
	}
	// A stream of events lasts as long as the page, so there is no limit for a whole answer. Each write has one instead:
	// see [patient].
	server := &http.Server{Handler: s.handler, ReadHeaderTimeout: s.headerTime, IdleTimeout: time.Minute, MaxHeaderBytes: mostHeader, ConnState: all.state,
		ErrorLog: log.New(quiet{}, "", 0), BaseContext: func(net.Listener) context.Context { return ctx }}
	server.Protocols = new(http.Protocols)
	server.Protocols.SetHTTP1(true)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	var err error
	select {
	case err = <-ended:
	case <-ctx.Done():
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
		if err = server.Shutdown(grace); err != nil { // somebody reads slowly
			err = server.Close()
		}
		cancel()
	}
	s.hub.close()
	if s.jobs != nil {
		s.jobs.close()
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	return errors.Join(err, s.source.close())
}

// Close closes the database of a server that has not served.
func (s *Server) Close() error {
	s.hub.close()
	if s.jobs != nil {
		s.jobs.close()
	}
	return s.source.close()
}

// quiet drops what net/http says about clients that break off, or that speak another protocol.
type quiet struct{}

func (quiet) Write(text []byte) (int, error) { return len(text), nil }

// Listen listens at an address, HOST:PORT. Port 0 is a free one.
func Listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}

// Address is the URL of the page under a host and port, without what admits to it. A sweep is the page's; empty is the newest.
func (s *Server) Address(host, sweep string) *url.URL {
	u := &url.URL{Scheme: s.scheme(), Host: host, Path: "/"}
	if sweep != "" {
		u.Path = "/s/" + sweep
	}
	return u
}

// WithToken is an address with the token.
func (s *Server) WithToken(u *url.URL) string {
	with := *u
	with.RawQuery = "token=" + s.o.Token
	return with.String()
}

// WithTicket is an address that admits once, and expires soon: a browser is started with it.
func (s *Server) WithTicket(u *url.URL) string {
	with := *u
	with.RawQuery = "ticket=" + s.tickets.issue()
	return with.String()
}
