package ui

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/door"
)

// The guard keeps pages of other sites, and other people, out.
//
//   - The name under which the server is asked has to be one of this machine. A site that has its own name resolve to
//     127.0.0.1, to be of one origin with the server (DNS rebinding), asks under its own name.
//   - Who asks has to know the token, which is in the address that the command prints. It is turned into a cookie that
//     scripts cannot read and that browsers do not send for other sites.
//   - A request that is not a visit has to come from a page of this server, as browsers say by Sec-Fetch-Site and Origin:
//     cookies are for a host whatever its port, so other servers of this machine share them.
//   - Whatever the content, it may run no script but the page's own, and be in no frame of others.

// policy is the content security policy of the page.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"

// cookieName is a server's own, so that two of them on one machine do not replace each other's cookies.
func cookieName(token string) string {
	sum := sha256.Sum256([]byte("name of " + token))
	return "xrun-" + hex.EncodeToString(sum[:4])
}

// guard wraps the handler of admitted requests.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cache-Control", "no-store")
		w = &patient{ResponseWriter: w, control: http.NewResponseController(w), time: s.patience}
		if r.ContentLength != 0 { // nothing but a POST has a body, and that a short one
			http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.patience))
			r.Body = http.MaxBytesReader(w, r.Body, mostBody)
			if r.Method != http.MethodPost || r.ContentLength > mostBody {
				h.Set("Connection", "close")
				s.refuse(w, http.StatusRequestEntityTooLarge, errors.New("the request has a body that nothing here takes"), "")
				return
			}
		}
		if len(r.URL.RawQuery) > mostQuery {
			s.refuse(w, http.StatusRequestURITooLong, fmt.Errorf("the query has more than %d bytes", mostQuery), "")
			return
		}
		if !door.KnownHost(r, s.o.Hosts) {
			s.refuse(w, http.StatusForbidden, fmt.Errorf("this server is not %q", r.Host), "open it under the address that xrun ui prints")
			return
		}
		if why := foreign(r, s.scheme()); why != "" {
			s.refuse(w, http.StatusForbidden, errors.New(why), "only pages of this server may ask it")
			return
		}
		if r.Method != http.MethodGet && r.Method != http.MethodHead && (r.Method != http.MethodPost || s.o.Control == nil) {
			h.Set("Allow", "GET, HEAD")
			s.refuse(w, http.StatusMethodNotAllowed, fmt.Errorf("%s is not allowed", r.Method), "xrun ui --control allows the page to act")
			return
		}
		if r.Method == http.MethodPost && (r.Header.Get("X-Xrun") != "1" || r.Header.Get("Origin") == "" && r.Header.Get("Authorization") == "") {
			s.refuse(w, http.StatusForbidden, errors.New("a POST needs the header X-Xrun: 1, and the Origin of this server"), "see xrun help ui-api")
			return
		}
		if s.entered(w, r) {
			return
		}
		if wait := s.failed.wait(); wait > 0 && s.o.Password != "" && r.Header.Get("Authorization") != "" {
			h.Set("Retry-After", fmt.Sprint(1+int(wait.Seconds())))
			s.refuse(w, http.StatusTooManyRequests, errors.New("too many wrong passwords"), "wait some seconds")
			return
		}
		if !s.admitted(r) {
			if s.o.Password != "" {
				h.Set("WWW-Authenticate", `Basic realm="xrun ui", charset="UTF-8"`)
			}
			s.refuse(w, http.StatusUnauthorized, errors.New("this page is for those who know its address with the token"), "open the address that xrun ui has printed")
			return
		}
		next.ServeHTTP(w, r)
	})
}

func (s *Server) scheme() string {
	if s.o.TLS != nil {
		return "https"
	}
	return "http"
}

// entered turns a right token or ticket of a visit into a cookie, and sends the browser on to the address without it.
// Otherwise it does nothing.
func (s *Server) entered(w http.ResponseWriter, r *http.Request) bool {
	if strings.HasPrefix(r.URL.Path, "/api/") || r.Method == http.MethodPost {
		return false
	}
	query := r.URL.Query()
	switch {
	case len(query["token"]) == 1 && door.Same(query.Get("token"), s.o.Token):
	case len(query["ticket"]) == 1 && r.Method == http.MethodGet && s.tickets.use(query.Get("ticket")):
	default:
		return false
	}
	query.Del("token")
	query.Del("ticket")
	http.SetCookie(w, &http.Cookie{Name: s.cookie, Value: s.o.Token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: s.o.TLS != nil})
	path := "/" + strings.TrimLeft(r.URL.EscapedPath(), "/\\") // two slashes would begin the name of another host
	if text := query.Encode(); text != "" {
		path += "?" + text
	}
	if site := r.Header.Get("Sec-Fetch-Site"); site == "cross-site" || site == "same-site" {
		// A link in the page of another site leads here. What follows a redirection counts as that site's, too, and has no
		// strict cookie; what this answer asks for is ours.
		w.Header().Set("Refresh", "0; url="+path)
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Write([]byte("one moment\n"))
		return true
	}
	w.Header().Set("Location", path)
	w.WriteHeader(http.StatusSeeOther)
	return true
}

// tickets admit once each, and expire soon: all users of a machine see the address with which a browser is started.
type tickets struct {
	mu    sync.Mutex
	valid map[string]time.Time // until when
}

const ticketTime = time.Minute

func (t *tickets) issue() string {
	random := make([]byte, 16)
	rand.Read(random)
	ticket := hex.EncodeToString(random)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.valid == nil {
		t.valid = map[string]time.Time{}
	}
	t.valid[ticket] = time.Now().Add(ticketTime)
	return ticket
}

func (t *tickets) use(ticket string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	until, ok := t.valid[ticket] // of 128 random bits, so the time of the look-up tells nothing
	delete(t.valid, ticket)
	return ok && time.Now().Before(until)
}

// admitted reports whether the request shows the token, in the cookie or as a bearer, or the password.
func (s *Server) admitted(r *http.Request) bool {
	for _, c := range r.CookiesNamed(s.cookie) {
		if door.Same(c.Value, s.o.Token) {
			return true
		}
	}
	if bearer, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return door.Same(bearer, s.o.Token)
	}
	if _, password, ok := r.BasicAuth(); ok && s.o.Password != "" {
		if door.Same(password, s.o.Password) {
			return true
		}
		s.failed.add()
	}
	return false
}

// attempts count wrong passwords: ten at once, then one each second.
type attempts struct {
	mu    sync.Mutex
	count float64
	last  time.Time
}

func (a *attempts) add() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.drain()
	a.count++
}

func (a *attempts) drain() {
	now := time.Now()
	a.count, a.last = max(0, a.count-now.Sub(a.last).Seconds()), now
}

func (a *attempts) wait() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.drain()
	return time.Duration(max(0, a.count-10) * float64(time.Second))
}

// hostname is this machine's name, for an address that others open.
func hostname() string {
	if name, err := os.Hostname(); err == nil && name != "" {
		return name
	}
	return "localhost"
}

// foreign says why a request comes from elsewhere; empty if it does not.
func foreign(r *http.Request, scheme string) string {
	visit := r.Header.Get("Sec-Fetch-Mode") == "navigate" && (r.Method == http.MethodGet || r.Method == http.MethodHead)
	site := r.Header.Get("Sec-Fetch-Site")
	page := !strings.HasPrefix(r.URL.Path, "/api/") && !strings.HasPrefix(r.URL.Path, "/app.")
	if visit && page {
		if dest := r.Header.Get("Sec-Fetch-Dest"); dest != "" && dest != "document" {
			return "the page is not for frames of others"
		}
	} else if site != "" && site != "same-origin" && !(visit && site == "none") {
		return "the request comes from another site"
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return ""
	}
	u, err := url.Parse(origin)
	if err != nil || u.Scheme != scheme || !strings.EqualFold(u.Host, r.Host) {
		return fmt.Sprintf("the request comes from %q", origin)
	}
	return ""
}

// A patient writer gives the client some time for each write, and then breaks off: one that reads nothing must not keep
// what is written for it in memory.
type patient struct {
	http.ResponseWriter
	control *http.ResponseController
	time    time.Duration
}

func (p *patient) Write(data []byte) (written int, err error) {
	const piece = 32 << 10 // what a slow line takes in that time
	for first := true; err == nil && (first || len(data) > 0); first = false {
		some := data[:min(len(data), piece)]
		p.control.SetWriteDeadline(time.Now().Add(p.time))
		n := 0
		n, err = p.ResponseWriter.Write(some)
		written, data = written+n, data[len(some):]
	}
	return written, err
}

func (p *patient) Flush() {
	p.control.SetWriteDeadline(time.Now().Add(p.time))
	p.control.Flush()
}

// Unwrap is for http.ResponseController.
func (p *patient) Unwrap() http.ResponseWriter { return p.ResponseWriter }
