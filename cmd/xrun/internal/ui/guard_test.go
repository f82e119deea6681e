package ui

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// everywhere are addresses of each kind.
var everywhere = []string{"/", "/s/small", "/app.js", "/app.css", "/nothing", "/favicon.ico", "/api/v1/sweeps", "/api/v1/answer", "/api/v1/sheet", "/api/v1/points", "/api/v1/maps", "/api/v1/curves", "/api/v1/point?point=x",
	"/api/v1/run?id=1", "/api/v1/diff?a=1&b=2", "/api/v1/sensitivity", "/api/v1/parallel", "/api/v1/ranking", "/api/v1/profile", "/api/v1/complete?expr=lr", "/api/v1/sql", "/api/v1/sql?q=SELECT+1", "/api/v1/export?format=csv",
	"/api/v1/events?x=1", "/api/v1/act?do=stop", "/api/v1/jobs"}

func TestOnlyThoseWhoKnowTheTokenAreAdmitted(t *testing.T) {
	v := serve(t, Options{Store: filled(t, small), Script: []byte("1"), Style: []byte("a{}")})
	for _, path := range everywhere {
		for _, headers := range [][]string{{""}, {"Authorization: Bearer wrong"}, {"Authorization: Bearer "}, {"", "Cookie: " + v.cookie + "=wrong"}, {"", "Cookie: token=" + v.Token()}, {"Authorization: Basic " + "OnNlY3JldA=="}} {
			r := v.get(path, headers...)
			if r.code != http.StatusUnauthorized || strings.Contains(r.body, "small") || strings.Contains(r.body, v.Token()) {
				t.Errorf("%s with %q is answered with %d: %s", path, headers, r.code, r.body)
			}
		}
	}
	for _, wrong := range []string{"/?token=", "/?token=0", "/?token=" + v.Token()[:31], "/?token=" + v.Token() + "0", "/?token=x&token=" + v.Token(), "/?ticket=", "/?ticket=0", "/api/v1/sweeps?token=" + v.Token()} {
		if r := v.get(wrong, ""); r.code != http.StatusUnauthorized || r.header.Get("Set-Cookie") != "" {
			t.Errorf("%s is answered with %d", wrong, r.code)
		}
	}
	// The right one becomes a cookie, and leaves the address.
	r := v.get("/s/small?where=lr+%3C+1&token="+v.Token(), "")
	cookie := r.header.Get("Set-Cookie")
	if r.code != http.StatusSeeOther || r.header.Get("Location") != "/s/small?where=lr+%3C+1" || cookie != v.cookie+"="+v.Token()+"; Path=/; HttpOnly; SameSite=Strict" {
		t.Errorf("a visit with the token is answered with %d, %q, %q", r.code, r.header.Get("Location"), cookie)
	}
	if r := v.get("/s/small", "", "Cookie: "+v.cookie+"="+v.Token()); r.code != http.StatusOK || !strings.Contains(r.body, "is best") {
		t.Errorf("a visit with the cookie is answered with %d: %s", r.code, r.body)
	}
	// A link of another site: its redirection would have no strict cookie.
	if r := v.get("/?token="+v.Token(), "", "Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"); r.code != http.StatusOK || r.header.Get("Refresh") != "0; url=/" {
		t.Errorf("a visit from another site is answered with %d, %q", r.code, r.header.Get("Refresh"))
	}
	// What follows the token stays on this server.
	for _, path := range []string{"//evil.example/", "/%5cevil.example", "/s//evil.example"} {
		if to := v.get(path+"?token="+v.Token(), "").header.Get("Location"); strings.HasPrefix(to, "//") || strings.HasPrefix(to, "/\\") || strings.Contains(to, "://") {
			t.Errorf("%s leads to %q", path, to)
		}
	}
	// A ticket admits once.
	to := v.WithTicket(v.Address(v.host, ""))
	path := strings.TrimPrefix(to, "http://"+v.host)
	if first, second := v.get(path, ""), v.get(path, ""); first.code != http.StatusSeeOther || second.code != http.StatusUnauthorized {
		t.Errorf("a ticket is answered with %d, and again with %d", first.code, second.code)
	}
}

func TestAPasswordAdmits(t *testing.T) {
	v := serve(t, Options{Store: filled(t, small), Password: "correct horse"})
	basic := func(password string) string {
		r, _ := http.NewRequest("GET", "/", nil)
		r.SetBasicAuth("anybody", password)
		return "Authorization: " + r.Header.Get("Authorization")
	}
	if r := v.get("/", ""); r.code != http.StatusUnauthorized || !strings.HasPrefix(r.header.Get("WWW-Authenticate"), "Basic ") {
		t.Errorf("a visit is answered with %d, %q", r.code, r.header.Get("WWW-Authenticate"))
	}
	if r := v.get("/", basic("correct horse")); r.code != http.StatusOK {
		t.Errorf("the password is answered with %d", r.code)
	}
	codes := map[int]int{}
	for range 30 {
		codes[v.get("/", basic("wrong")).code]++
	}
	if codes[http.StatusUnauthorized] < 10 || codes[http.StatusTooManyRequests] == 0 {
		t.Errorf("wrong passwords are answered with %v", codes)
	}
}

// A site whose name resolves to this machine asks under its own name, with whatever secret.
func TestOtherNamesAreRefused(t *testing.T) {
	v := serve(t, Options{Store: filled(t, small), Hosts: []string{"box.lan"}})
	_, port, _ := net.SplitHostPort(v.host)
	for host, known := range map[string]bool{"127.0.0.1:" + port: true, "localhost:" + port: true, "LOCALHOST": true, "localhost:9000": true, "[::1]:" + port: true, "127.1.2.3": true, "box.lan:" + port: true, "x.localhost": true,
		"evil.example": false, "evil.example:" + port: false, "127.0.0.1.evil.example": false, "localhost.evil.example": false, "localhostx": false, "192.168.1.7": false, "0.0.0.0": false, "[fe80::1]": false, "2130706433": false, "127.1": false, "0x7f.0.0.1": false} {
		for _, path := range []string{"/", "/api/v1/sweeps", "/?token=" + v.Token()} {
			r := v.get(path, "Host: "+host)
			if refused := r.code == http.StatusForbidden; refused == known {
				t.Errorf("%s of %q is answered with %d", path, host, r.code)
			}
			if !known && (r.header.Get("Set-Cookie") != "" || strings.Contains(r.body, "small")) {
				t.Errorf("%s of %q gives something away: %s", path, host, r.body)
			}
		}
	}
}

func TestOtherSitesAreRefused(t *testing.T) {
	v := serve(t, Options{Store: filled(t, small), Script: []byte("1")})
	for _, c := range []struct {
		path    string
		headers []string
		code    int
	}{
		{"/api/v1/sweeps", nil, 200}, // a program
		{"/api/v1/sweeps", []string{"Sec-Fetch-Site: same-origin"}, 200},
		{"/api/v1/sweeps", []string{"Sec-Fetch-Site: same-origin", "Origin: http://" + v.host}, 200},
		{"/api/v1/sweeps", []string{"Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate"}, 200}, // typed
		{"/api/v1/sweeps", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"/api/v1/sweeps", []string{"Sec-Fetch-Site: same-site"}, 403}, // another port of this machine
		{"/api/v1/sweeps", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"}, 403},
		{"/api/v1/events", []string{"Sec-Fetch-Site: cross-site"}, 403},
		{"/api/v1/sweeps", []string{"Origin: http://evil.example"}, 403},
		{"/api/v1/sweeps", []string{"Origin: null"}, 403},
		{"/api/v1/sweeps", []string{"Origin: https://" + v.host}, 403},
		{"/api/v1/sweeps", []string{"Origin: http://127.0.0.1:1"}, 403},
		{"/app.js", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: script"}, 403},
		{"/", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: iframe"}, 403},
		{"/", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: embed"}, 403},
		{"/", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: no-cors", "Sec-Fetch-Dest: image"}, 403},
		{"/", []string{"Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}, 200}, // a link, with the cookie that its browser does not send
		{"/", []string{"Sec-Fetch-Site: none", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"}, 200},
	} {
		if r := v.get(c.path, c.headers...); r.code != c.code {
			t.Errorf("%s with %q is answered with %d, want %d: %s", c.path, c.headers, r.code, c.code, r.body)
		}
	}
}

// Every answer, errors too, forbids what the page does not need.
func TestEveryAnswerHasItsPolicy(t *testing.T) {
	v := serve(t, Options{Store: filled(t, small), Script: []byte("1"), Style: []byte("a{}")})
	for _, path := range everywhere {
		for _, headers := range [][]string{nil, {""}, {"Host: evil.example"}, {"Origin: null"}} {
			h := v.get(path, headers...).header
			for name, want := range map[string]string{"Content-Security-Policy": policy, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY", "Cross-Origin-Resource-Policy": "same-origin"} {
				if h.Get(name) != want {
					t.Errorf("%s with %q: %s is %q", path, headers, name, h.Get(name))
				}
			}
			if h.Get("Access-Control-Allow-Origin") != "" || h.Get("Cache-Control") != "no-store" {
				t.Errorf("%s with %q: %v", path, headers, h)
			}
		}
	}
	page := v.get("/").body
	for _, name := range []string{"/app.js", "/app.css"} {
		_, rest, _ := strings.Cut(page, name+"?h=")
		hash, _, _ := strings.Cut(rest, `"`)
		if r := v.get(name + "?h=" + hash); !strings.Contains(r.header.Get("Cache-Control"), "immutable") || r.code != 200 || len(hash) != 16 {
			t.Errorf("%s with its hash %q is answered with %d, %v", name, hash, r.code, r.header)
		}
	}
}

// content is all files of a folder, with their sizes and bytes.
func content(t *testing.T, dir string) string {
	t.Helper()
	var b bytes.Buffer
	try(t, filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if strings.HasSuffix(path, "-shm") || strings.HasSuffix(path, "-wal") { // made by opening, empty without a writer
			return nil
		}
		data, err := os.ReadFile(path)
		fmt.Fprintf(&b, "%s %x\n", path, data)
		return err
	}))
	return b.String()
}

// Without --control no request changes the database, makes a file or starts a process.
func TestNothingChangesWithoutControl(t *testing.T) {
	path := filled(t, small)
	before := content(t, filepath.Dir(path))
	v := serve(t, Options{Store: path})
	same := []string{"Origin: http://" + v.host, "X-Xrun: 1"}
	for _, at := range append(everywhere, "/api/v1/act?do=stop&sweep=small", "/api/v1/act?do=confirm&sweep=small", "/api/v1/act?do=retry", "/api/v1/act?do=start&file=x.toml", "/api/v1/act?do=refine&save=x.toml") {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "XRUN"} {
			r := v.ask(method, at, same...)
			if method != "GET" && method != "HEAD" && r.code != http.StatusMethodNotAllowed {
				t.Errorf("%s %s is answered with %d", method, at, r.code)
			}
			if strings.Contains(at, "/act") && r.code < 400 {
				t.Errorf("%s %s is answered with %d", method, at, r.code)
			}
		}
	}
	for _, statement := range []string{"DELETE FROM run", "INSERT INTO sweep DEFAULT VALUES", "PRAGMA journal_mode=DELETE", "ATTACH '/tmp/x' AS x", "VACUUM INTO 'x.db'", "SELECT load_extension('x')", "SELECT writefile('x', 'y')", "SELECT 1; DELETE FROM run",
		"WITH x AS (SELECT 1) DELETE FROM run", "EXPLAIN DELETE FROM run", "PRAGMA user_version = 9", "SELECT * FROM pragma_wal_checkpoint"} {
		if r := v.get("/api/v1/sql?q=" + strings.ReplaceAll(strings.ReplaceAll(statement, " ", "+"), ";", "%3B")); r.code != http.StatusBadRequest {
			t.Errorf("%s is answered with %d: %s", statement, r.code, r.body)
		}
	}
	v.end()
	if after := content(t, filepath.Dir(path)); after != before {
		t.Error("files beside the database have changed")
	}
	if _, err := os.Stat(path + "-wal"); err == nil {
		t.Error("a log is left behind")
	}
}

// No path leads to a file of the disk.
func TestNoFileIsServed(t *testing.T) {
	path := filled(t, small)
	try(t, os.WriteFile(filepath.Join(filepath.Dir(path), "secret.txt"), []byte("the secret"), 0o600))
	v := serve(t, Options{Store: path})
	for _, at := range []string{"/secret.txt", "/../secret.txt", "/./../secret.txt", "/s/../secret.txt", "/s/../../secret.txt", "/%2e%2e/secret.txt", "/s/%2e%2e%2fsecret.txt", "/s/..%5csecret.txt", "/app.js/../secret.txt", "//secret.txt", "/api/v1/../../secret.txt",
		"/api/v1/export?format=../secret.txt", "/api/v1/run?id=../secret.txt", "/s/" + strings.ReplaceAll(filepath.Dir(path), "/", "%2f") + "%2fsecret.txt", "/etc/passwd", "/s/%00", "/xrun.db", "/.xrun/owners"} {
		c, err := net.Dial("tcp", v.host)
		try(t, err)
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\nConnection: close\r\n\r\n", at, v.Token())
		answer, _ := io.ReadAll(c)
		c.Close()
		if bytes.Contains(answer, []byte("the secret")) || bytes.Contains(answer, []byte("SQLite format")) || !bytes.HasPrefix(answer, []byte("HTTP/1.1 ")) || bytes.HasPrefix(answer, []byte("HTTP/1.1 200")) {
			t.Errorf("%s is answered with %.300q", at, answer)
		}
	}
}

func TestLargeRequestsAreRefused(t *testing.T) {
	v := serve(t, Options{Store: filled(t, small)}, func(s *Server) { s.patience = 300 * time.Millisecond })
	head := func(more string) string {
		return "GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer " + v.Token() + "\r\n" + more
	}
	for name, c := range map[string]struct{ text, want string }{
		"a long address":         {"GET /api/v1/points?where=" + strings.Repeat("a", 20_000) + " HTTP/1.1\r\nHost: localhost\r\n\r\n", "414"},
		"a longer one":           {"GET /?x=" + strings.Repeat("a", 1<<20) + " HTTP/1.1\r\nHost: localhost\r\n\r\n", "431"},
		"a long header":          {head("X-Long: " + strings.Repeat("a", 1<<20) + "\r\n\r\n"), "431"},
		"a body":                 {head("Content-Length: 5\r\n\r\nhello"), "413"},
		"a body that never ends": {head("Content-Length: 9000000000\r\n\r\nhello"), "413"},
		"a body in pieces":       {head("Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), "413"},
		"two lengths":            {head("Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello"), "400"},
		"no HTTP":                {"hello\r\n\r\n", "400"},
	} {
		if got := v.raw(c.text); !strings.HasPrefix(got, "HTTP/1.1 "+c.want) {
			t.Errorf("%s is answered with %q, want %s", name, got, c.want)
		}
	}
	for _, at := range []string{"/api/v1/points?where=" + strings.Repeat("(", 5000) + "1", "/api/v1/points?where=" + strings.Repeat("not+", 2000) + "true", "/api/v1/points?limit=99999999999999999999", "/api/v1/points?limit=-1", "/api/v1/points?from=x",
		"/api/v1/curves?" + strings.Repeat("point=x&", 100), "/api/v1/sweeps?from=1&from=2", "/api/v1/points?where=%zz", "/api/v1/points?where=%ff"} {
		if r := v.get(at); r.code != http.StatusBadRequest || !strings.Contains(r.body, `"error"`) {
			t.Errorf("%.60s is answered with %d: %.200s", at, r.code, r.body)
		}
	}
}

// A thousand connections that ask nothing, or by the byte, keep nobody out, and are closed.
func TestAThousandConnections(t *testing.T) {
	v := serve(t, Options{Store: filled(t, small)}, func(s *Server) { s.headerTime = 500 * time.Millisecond })
	var idle []net.Conn
	defer func() {
		for _, c := range idle {
			c.Close()
		}
	}()
	for i := range 1000 {
		c, err := net.Dial("tcp", v.host)
		if err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
		idle = append(idle, c)
		if i%2 == 0 {
			io.WriteString(c, "GET / HTTP/1.1\r\nHost: loc")
		}
		if i%100 == 99 {
			if r := v.get("/api/v1/sweeps"); r.code != http.StatusOK {
				t.Fatalf("beside %d connections a request is answered with %d", i+1, r.code)
			}
		}
	}
	for _, c := range idle[996:] { // the latest, by the byte: as long as the server takes them
		for {
			if _, err := io.WriteString(c, "a"); err != nil {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	if r := v.get("/api/v1/sweeps"); r.code != http.StatusOK {
		t.Errorf("afterwards a request is answered with %d", r.code)
	}
}

func TestStreamsAreLimited(t *testing.T) {
	v := serve(t, Options{Store: filled(t, small)})
	for range mostStreams {
		v.stream("").until("hello", "")
	}
	if r := v.get("/api/v1/events"); r.code != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
		t.Errorf("one more stream is answered with %d", r.code)
	}
	if r := v.get("/api/v1/sweeps"); r.code != http.StatusOK {
		t.Errorf("beside all streams a request is answered with %d", r.code)
	}
}

// A client that reads nothing is cut off: the server ends in order beside it.
func TestWhoReadsNothingIsCutOff(t *testing.T) {
	v := serve(t, Options{Store: filled(t, grid{name: "small", lrs: 20, lambdas: 5, seeds: 2, epochs: 2})}, func(s *Server) { s.patience = 200 * time.Millisecond })
	var slow []net.Conn
	for range 2 {
		c, err := net.Dial("tcp", v.host)
		try(t, err)
		defer c.Close()
		c.(*net.TCPConn).SetReadBuffer(1024)
		go func() {
			for range 500 { // more than the sockets hold
				fmt.Fprintf(c, "GET /api/v1/points?limit=5000&seeds=1&exact=1 HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", v.Token())
			}
		}()
		slow = append(slow, c)
	}
	for _, c := range slow {
		cut := make([]byte, 1)
		for { // the server closes it, though not all was read
			time.Sleep(50 * time.Millisecond)
			if _, err := c.Write(cut); err != nil {
				break
			}
		}
	}
	if r := v.get("/api/v1/sweeps"); r.code != http.StatusOK {
		t.Errorf("afterwards a request is answered with %d", r.code)
	}
}

// A statement that takes long is ended, by the server or with the request.
func TestLongStatementsEnd(t *testing.T) {
	v := serve(t, Options{Store: filled(t, small)}, func(s *Server) { s.statementTime = 200 * time.Millisecond })
	const forever = "/api/v1/sql?q=WITH+RECURSIVE+n(i)+AS+(SELECT+1+UNION+ALL+SELECT+i%2B1+FROM+n)+SELECT+count(*)+FROM+n"
	if r := v.get(forever); r.code != http.StatusUnprocessableEntity || !strings.Contains(r.body, "the statement took more than") {
		t.Errorf("an endless statement is answered with %d: %s", r.code, r.body)
	}
	v = serve(t, Options{Store: v.o.Store}, func(s *Server) { s.statementTime = time.Hour })
	var rows struct {
		Rows [][]any
		More bool
	}
	v.read(&rows, "/api/v1/sql?limit=7&q=WITH+RECURSIVE+n(i)+AS+(SELECT+1+UNION+ALL+SELECT+i%2B1+FROM+n)+SELECT+i+FROM+n")
	if len(rows.Rows) != 7 || !rows.More {
		t.Errorf("of endless rows there are %d, more %v", len(rows.Rows), rows.More)
	}
	for range 5 { // more than are answered at once
		c, err := net.Dial("tcp", v.host)
		try(t, err)
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer %s\r\n\r\n", forever, v.Token())
		time.Sleep(20 * time.Millisecond)
		c.Close()
	}
	if r := v.get("/api/v1/answer"); r.code != http.StatusOK {
		t.Errorf("after requests that were given up one is answered with %d", r.code)
	}
}
