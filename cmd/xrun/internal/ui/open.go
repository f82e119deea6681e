package ui

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os/exec"
	"runtime"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
)

// A Page is a server that listens, for the command that serves it.
type Page struct {
	server   *Server
	listener net.Listener
}

// A Shell is where a page is announced.
type Shell struct {
	Stdout, Stderr io.Writer
	Env            func(string) string
}

// Certificate reads the files that encrypt the line, in PEM; nil without any.
func Certificate(cert, key string) (*tls.Config, error) {
	if cert == "" && key == "" {
		return nil, nil
	}
	if cert == "" || key == "" {
		return nil, advice.Usage(errors.New("--tls-cert and --tls-key go together"), "each is a file in PEM")
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, advice.Usage(fmt.Errorf("--tls-cert: %w", err), "both files are in PEM, and belong together")
	}
	return &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}, nil
}

// Open opens the database and listens at an address, HOST:PORT.
func Open(ctx context.Context, o Options, address string) (*Page, error) {
	host, _, _ := net.SplitHostPort(address)
	if ip := net.ParseIP(host); host != "" && (ip == nil || !ip.IsUnspecified()) { // 0.0.0.0 is no name of this machine
		o.Hosts = append(o.Hosts, host)
	}
	o.Hosts = append(o.Hosts, hostname())
	server, err := New(ctx, o)
	if err != nil {
		return nil, err
	}
	l, err := Listen(address)
	if err != nil {
		hint := "choose another port, or none for a free one"
		return nil, errors.Join(advice.Failure(err, hint), server.Close())
	}
	return &Page{server, l}, nil
}

// Serve serves until the context ends. The page of a sweep is made while the browser starts; an empty title is the newest.
func (p *Page) Serve(ctx context.Context, sweep string) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	warm := make(chan struct{})
	go func() {
		defer close(warm)
		p.server.Warm(ctx, sweep)
	}()
	err := p.server.Serve(ctx, p.listener)
	stop()
	<-warm
	return err
}

// Alongside serves while something else goes on. The result ends it.
func (p *Page) Alongside(ctx context.Context) (end func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.server.Serve(ctx, p.listener)
	}()
	return func() { cancel(); <-ended }
}

// reach is the host under which the user's browser finds the page. Over ssh it says first what brings the page there.
func (p *Page) reach(s Shell) (host string, here bool) {
	at := p.listener.Addr().(*net.TCPAddr)
	switch remote := s.Env("SSH_CONNECTION"); {
	case at.IP.IsUnspecified():
		return net.JoinHostPort(hostname(), fmt.Sprint(at.Port)), false
	case !at.IP.IsLoopback():
		return at.String(), false
	case remote != "":
		fmt.Fprintf(s.Stderr, "on your own machine: %s\n", tunnel(remote, s.Env("USER"), at.Port))
		return fmt.Sprintf("localhost:%d", at.Port), false
	}
	return at.String(), true
}

// Announce prints the address of the page of a sweep, and opens a browser if that is wanted and possible.
func (p *Page) Announce(s Shell, sweep string, open bool) {
	host, here := p.reach(s)
	o, u := p.server.o, p.server.Address(host, sweep)
	loopback := p.listener.Addr().(*net.TCPAddr).IP.IsLoopback()
	if loopback && !here {
		fmt.Fprintln(s.Stderr, "then open")
	}
	if o.Password != "" && !loopback {
		fmt.Fprintln(s.Stdout, u)
	} else {
		fmt.Fprintln(s.Stdout, p.server.WithToken(u))
	}
	if !loopback && o.TLS == nil {
		fmt.Fprintln(s.Stderr, "warning: the line is not encrypted: who can listen to it reads the results and what admits to them; --tls-cert and --tls-key encrypt it")
	}
	if o.Control != nil {
		fmt.Fprintln(s.Stderr, "the page can stop and start sweeps")
	}
	if open && here {
		openBrowser(p.server.WithTicket(u), s.Env)
	}
}

// Mention prints the address of a page beside what else is printed.
func (p *Page) Mention(s Shell) {
	host, _ := p.reach(s)
	fmt.Fprintf(s.Stderr, "the page is at %s\n", p.server.WithToken(p.server.Address(host, "")))
}

// tunnel is the command that brings a port of this machine to the one that has opened the ssh connection. The connection is
// "CLIENT PORT SERVER PORT".
func tunnel(connection, user string, port int) string {
	words := []string{"ssh", "-L", fmt.Sprintf("%d:127.0.0.1:%d", port, port)}
	host := "HOST"
	if parts := strings.Fields(connection); len(parts) == 4 {
		if host = parts[2]; parts[3] != "22" {
			words = append(words, "-p", advice.Word(parts[3]))
		}
	}
	if user != "" {
		host = user + "@" + host
	}
	return strings.Join(append(words, advice.Word(host)), " ")
}

// openBrowser opens a page in the user's browser. It says nothing if there is none.
func openBrowser(address string, env func(string) string) {
	if u, err := url.Parse(address); err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return
	}
	command := []string{"xdg-open", address}
	switch runtime.GOOS {
	case "windows":
		command = []string{"rundll32", "url.dll,FileProtocolHandler", address}
	case "darwin":
		command = []string{"open", address}
	default:
		if env("DISPLAY") == "" && env("WAYLAND_DISPLAY") == "" {
			return // it would open a browser for terminals in this one
		}
	}
	cmd := exec.Command(command[0], command[1:]...)
	if cmd.Start() == nil {
		go cmd.Wait()
	}
}
