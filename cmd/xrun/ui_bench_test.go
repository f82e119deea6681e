package main

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e/browser"
)

// BenchmarkPage is `xrun ui` over 10,000 runs × 100 epochs × 4 metrics: the time of each answer, the first one with nothing
// read before, and the memory of the server after all of them and under fifty at once.
func BenchmarkPage(b *testing.B) {
	if runtime.GOOS != "linux" {
		b.Skip("the memory of a process is read from /proc")
	}
	server, page, token := servedPage(b, benchStore(b, 25, 40, 100))
	get := func(path string) (size int, body []byte) {
		r, _ := http.NewRequest("GET", page+path, nil)
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Accept-Encoding", "gzip")
		got, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			b.Fatal(err)
		}
		defer got.Body.Close()
		body, err = io.ReadAll(got.Body)
		if err != nil || got.StatusCode != http.StatusOK {
			b.Fatalf("%s is answered with %d, %v: %s", path, got.StatusCode, err, body)
		}
		return len(body), body
	}
	memory := func(when string) {
		now, most := memoryOf(server)
		say("%-34s %6.1f MB, at most %.1f MB", "memory "+when, now, most)
	}
	memory("at the start")
	paths := []string{"", "api/v1/answer", "api/v1/sheet", "api/v1/points?limit=5000", "api/v1/points?limit=500&seeds=1&exact=1", "api/v1/maps", "api/v1/curves", "api/v1/curves?x=seconds&metric=train_loss&metric=val_loss", "api/v1/sensitivity", "api/v1/parallel", "api/v1/profile",
		"api/v1/sweeps?lead=1", "api/v1/complete?expr=op", "api/v1/run?id=1", "api/v1/answer?where=lr+%3C+0.01", "api/v1/answer?metric=val_accuracy", "api/v1/sql?q=SELECT+count(*),avg(value)+FROM+runs", "api/v1/export?format=json"}
	for b.Loop() {
		for _, path := range paths {
			began := time.Now()
			size, _ := get(path)
			first := time.Since(began)
			began = time.Now()
			get(path)
			say("%-64s %7.1f ms, then %6.1f ms, %7.1f kB", "/"+path, first.Seconds()*1e3, time.Since(began).Seconds()*1e3, float64(size)/1e3)
		}
	}
	memory("after all")
	done := make(chan bool)
	for i := range 50 {
		go func() {
			get(fmt.Sprintf("api/v1/answer?where=lr+%%3C+%v", 0.01+0.001*float64(i%10)))
			done <- true
		}()
	}
	for range 50 {
		<-done
	}
	memory("under ten questions fifty times")
	time.Sleep(8 * time.Second)
	memory("at rest")
	_, body := get("api/v1/point?point=" + firstKey(b, get))
	say("a point takes %d bytes", len(body))
	b.ReportMetric(0, "ns/op")
}

func firstKey(b *testing.B, get func(string) (int, []byte)) string {
	b.Helper()
	r := struct{ Columns struct{ Key []string } }{}
	z, body := get("api/v1/points?limit=1")
	if text, err := gunzip(body); err != nil || json.Unmarshal(text, &r) != nil || len(r.Columns.Key) == 0 {
		b.Fatalf("%d bytes of points cannot be read: %v", z, err)
	}
	return r.Columns.Key[0]
}

func gunzip(data []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// servedPage runs `xrun ui` over a database until the benchmark ends.
func servedPage(b *testing.B, path string) (server *exec.Cmd, page, token string) {
	b.Helper()
	self, err := os.Executable()
	if err != nil {
		b.Fatal(err)
	}
	xrun := filepath.Join(b.TempDir(), "xrun")
	if err := os.Symlink(self, xrun); err != nil { // by that name the test binary is xrun
		b.Fatal(err)
	}
	server = exec.Command(xrun, "ui", "--no-open", "--store", path)
	out, err := server.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	server.Stderr = os.Stderr
	if err := server.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { server.Process.Signal(os.Interrupt); server.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	page, token, _ = strings.Cut(strings.TrimSpace(line), "?token=")
	return server, page, token
}

// memoryOf is the memory of a process in MB, now and at most.
func memoryOf(server *exec.Cmd) (now, most float64) {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", server.Process.Pid))
	for l := range strings.Lines(string(text)) {
		fmt.Sscanf(l, "VmRSS: %f kB", &now)
		fmt.Sscanf(l, "VmHWM: %f kB", &most)
	}
	return now / 1e3, most / 1e3
}

// BenchmarkBrowser is the page in Chromium, over 200 and over 10,000 runs × 100 epochs: bytes over the wire, when the answer is
// painted, how long each page takes from the address to its last frame, how long a cell under the pointer takes, and the
// server's memory. Each page is opened for the first time, and then again.
func BenchmarkBrowser(b *testing.B) {
	if runtime.GOOS != "linux" {
		b.Skip("the memory of a process is read from /proc")
	}
	for _, size := range []struct{ lrs, lambdas int }{{5, 4}, {25, 40}} {
		runs := 10 * size.lrs * size.lambdas
		path := benchStore(b, size.lrs, size.lambdas, 100)
		server, page, token := servedPage(b, path)
		tab := browser.New(b)
		ms := func(text string, value float64, target string) {
			say("%6d runs  %-44s %8.1f ms%s", runs, text, value, target)
		}
		kB := func(all []browser.Sent) (sum float64) {
			for _, s := range all {
				sum += s.Bytes / 1e3
			}
			return sum
		}
		for _, open := range []string{"first", "again"} {
			tab.Received()
			tab.Open(page + "?token=" + token)
			tab.Until("performance.getEntriesByType('paint').length > 1")
			// From the request for the page itself, which the address with its token leads to.
			paint := browser.Value[float64](tab, "performance.getEntriesByName('first-contentful-paint')[0].startTime")
			ms("the answer is painted, "+open, paint, fmt.Sprintf(" (%d)", map[bool]int{true: 500, false: 1000}[runs < 1000]))
			tab.Run("performance.setResourceTimingBufferSize(2000)")
			tab.Until("!document.querySelector('#top nav').hidden && !document.querySelector('#view [aria-busy]')")
			time.Sleep(500 * time.Millisecond) // what follows
			say("%6d runs  %-44s %8.1f kB (150 before data, 300 in all)", runs, "over the wire with all points, "+open, kB(tab.Received()))
		}
		key := browser.Value[string](tab, "document.querySelector('#view .arms [data-p]').dataset.p")
		for _, name := range []string{"curves", "table", "map", "map?show=spread", "explore", "setting?of=" + key, "sweeps", "database", "run?run=1", "overview"} {
			for _, open := range []string{"first", "again"} {
				want, _, _ := strings.Cut(name, "?")
				title := want + map[bool]string{true: " of spreads"}[strings.Contains(name, "show=")]
				took := browser.Value[[]float64](tab, fmt.Sprintf(`new Promise((done) => {
					const began = performance.now();
					location.hash = '#/%s';
					const look = () => %s ? requestAnimationFrame(() => setTimeout(() => { const took = performance.now() - began; setTimeout(() => done([took, performance.getEntriesByType('resource').filter((e) => e.startTime >= began).reduce((sum, e) => sum + e.transferSize, 0) / 1e3]), 100); }, 0)) : setTimeout(look, 2);
					look();
				})`, name, browser.SettledOn(want)))
				ms(title+", "+open, took[0], fmt.Sprintf(" (300), %.1f kB", took[1]))
				tab.Go("#/database?x=1")
			}
		}
		tab.Go("#/overview")
		hover := browser.Value[float64](tab, `new Promise((done) => {
			const cells = [...document.querySelectorAll('.map .cell')].slice(0, 20), times = [];
			const next = () => {
				const c = cells.shift();
				if (!c) { times.sort((a, b) => a - b); done(times[Math.floor(times.length / 2)]); return; }
				const began = performance.now();
				c.dispatchEvent(new PointerEvent('pointerover', {bubbles: true, pointerType: 'mouse'}));
				document.querySelector('#tip').getBoundingClientRect(); // lays out
				times.push(performance.now() - began);
				setTimeout(next, 30);
			};
			next();
		})`)
		ms("a cell under the pointer", hover, " (16)")
		now, most := memoryOf(server)
		say("%6d runs  %-44s %8.1f MB, at most %.1f (100)", runs, "memory of the server", now, most)
		tab.Wrong()
	}
	for b.Loop() {
		_ = runtime.NumGoroutine()
	}
	b.ReportMetric(0, "ns/op")
}

// say prints a line. The log of a benchmark is cut after ten.
func say(format string, args ...any) { fmt.Printf(format+"\n", args...) }
