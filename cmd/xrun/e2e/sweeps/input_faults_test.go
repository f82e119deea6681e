//go:build unix

package sweeps

import (
	"compress/gzip"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
)

// sweepOn is a small sweep on a data set.
func sweepOn(dataset, target string) string {
	return fmt.Sprintf("[task]\ndataset = %q\ntarget = %q\nmodel = \"softmax\"\nepochs = 2\nbatch = 4\n[grid]\nlr = [0.1]\n", dataset, target)
}

// rows is a CSV file that can be trained on, with a line of its own.
func rows(line string) string {
	text := "a,b,y\n"
	for i := range 20 {
		text += fmt.Sprintf("%d,%g,%s\n", i, float64(i)/3, []string{"u", "v"}[i%2])
	}
	return text + line
}

// Malformed input of every kind ends with one clear message that says where and what, with exit code 2, before anything is
// trained or written; what can be understood is. The numbers are those of the list in faults_test.go.
func TestFaultyInput(t *testing.T) {
	t.Parallel()
	const good = "[task]\nmodel = \"quadratic\"\nepochs = 2\n[grid]\nlr = [0.1]\n"
	for _, c := range []struct {
		fault int
		name  string
		files map[string]string // sweep.toml among them
		code  int
		want  string // a regular expression that stderr has to match
	}{
		{56, "not TOML", map[string]string{"sweep.toml": "[task\nmodel = 3"}, 2, `sweep.toml:1:\d`},
		{56, "a key twice", map[string]string{"sweep.toml": "[task]\nmodel = 'quadratic'\nmodel = 'quadratic'\n[grid]\nlr = 1"}, 2, `sweep.toml:3:1`},
		{56, "a table twice", map[string]string{"sweep.toml": good + "[task]\nepochs = 3\n"}, 2, `sweep.toml:6:`},
		{56, "a wrong type", map[string]string{"sweep.toml": strings.Replace(good, "epochs = 2", "epochs = 'two'", 1)}, 2, `sweep.toml:3:10\n(?s).*epochs`},
		{56, "several at once", map[string]string{"sweep.toml": "[task]\nmodel = 'quadratic'\nepochs = 0\ndtype = 'int'\n[grid]\nlr = -1\n"}, 2, `(?s)sweep.toml:3:.*sweep.toml:4:.*sweep.toml:6:`},
		{57, "an unknown key", map[string]string{"sweep.toml": good + "lamda = [1]\n"}, 2, "did you mean `lambda`"},
		{57, "another case", map[string]string{"sweep.toml": strings.Replace(good, "lr =", "LR =", 1)}, 2, "did you mean `lr`"},
		{58, "a byte order mark", map[string]string{"sweep.toml": "\uFEFF" + good}, 0, ``},
		{59, "lr is nan", map[string]string{"sweep.toml": strings.Replace(good, "[0.1]", "[nan]", 1)}, 2, `sweep.toml:5:7`},
		{59, "lr is infinite", map[string]string{"sweep.toml": strings.Replace(good, "[0.1]", "[inf]", 1)}, 2, `sweep.toml:5:7`},
		{59, "a log axis from 0", map[string]string{"sweep.toml": strings.Replace(good, "[0.1]", "{ log = [0, 1], n = 3 }", 1)}, 2, `sweep.toml:5:\d+`},
		{59, "no value", map[string]string{"sweep.toml": strings.Replace(good, "[0.1]", "[]", 1)}, 2, `is empty`},
		{59, "a value twice", map[string]string{"sweep.toml": strings.Replace(good, "[0.1]", "[0.1, 0.1]", 1)}, 2, `0.1 twice`},
		{60, "a huge grid", map[string]string{"sweep.toml": "seeds = 100000\n[task]\nmodel = 'quadratic'\n[grid]\nlr = { linear = [0.1, 1], n = 10000 }\n"}, 2, `10000 lr .* = 1000000000 trials, more than max_trials = 100000`},
		{61, "no data", map[string]string{"sweep.toml": sweepOn("nowhere.csv", "y")}, 2, `nowhere.csv`},
		{61, "a directory", map[string]string{"sweep.toml": sweepOn("dir.csv", "y"), "dir.csv/x": ""}, 2, `dir.csv`},
		{62, "a header only", map[string]string{"sweep.toml": sweepOn("d.csv", "y"), "d.csv": "a,b,y\n"}, 2, `d.csv`},
		{62, "an empty file", map[string]string{"sweep.toml": sweepOn("d.csv", "y"), "d.csv": ""}, 2, `d.csv`},
		{62, "no such target", map[string]string{"sweep.toml": sweepOn("d.csv", "z"), "d.csv": rows("")}, 2, `"z"(?s).*a, b, y`},
		{62, "a column twice", map[string]string{"sweep.toml": sweepOn("d.csv", "y"), "d.csv": strings.Replace(rows(""), "a,b", "a,a", 1)}, 2, `twice|two columns|second time`},
		{63, "a ragged row", map[string]string{"sweep.toml": sweepOn("d.csv", "y"), "d.csv": rows("1,2\n")}, 2, `d.csv:22|line 22`},
		{63, "a bad quote", map[string]string{"sweep.toml": sweepOn("d.csv", "y"), "d.csv": rows("1,\"2,u\n")}, 2, `d.csv:\d+|line \d+`},
		{63, "a NUL", map[string]string{"sweep.toml": sweepOn("d.csv", "y"), "d.csv": rows("1,2\x00,u\n")}, 2, `d.csv`},
		{64, "a word", map[string]string{"sweep.toml": sweepOn("d.csv", "y"), "d.csv": rows("1,two,u\n")}, 2, `"two"`},
		{64, "nan", map[string]string{"sweep.toml": sweepOn("d.csv", "y"), "d.csv": rows("1,nan,u\n")}, 2, `nan`},
		{64, "an underscore", map[string]string{"sweep.toml": sweepOn("d.csv", "y"), "d.csv": rows("1,1_000,u\n")}, 2, `1_000`},
		{64, "hexadecimal", map[string]string{"sweep.toml": sweepOn("d.csv", "y"), "d.csv": rows("1,0x1p-2,u\n")}, 2, `0x1p-2`},
		{64, "vanishing", map[string]string{"sweep.toml": sweepOn("d.csv", "y"), "d.csv": rows("1,1e-400,u\n")}, 2, `"1e-400" is too small`},
		{64, "past the range", map[string]string{"sweep.toml": sweepOn("d.csv", "y"), "d.csv": rows("1,1e400,u\n")}, 2, `1e400`},
		{64, "other digits", map[string]string{"sweep.toml": sweepOn("d.csv", "y"), "d.csv": rows("1,١٢,u\n")}, 2, `١٢`},
		{65, "a byte order mark in data", map[string]string{"sweep.toml": sweepOn("d.csv", "y"), "d.csv": "\uFEFF" + rows("")}, 0, ``},
		{65, "CRLF", map[string]string{"sweep.toml": sweepOn("d.csv", "y"), "d.csv": strings.ReplaceAll(rows(""), "\n", "\r\n")}, 0, ``},
		{65, "UTF-16", map[string]string{"sweep.toml": sweepOn("d.csv", "y"), "d.csv": "\xff\xfea\x00,\x00y\x00\n\x00"}, 2, `d.csv`},
		{65, "semicolons", map[string]string{"sweep.toml": sweepOn("d.csv", "y"), "d.csv": strings.ReplaceAll(rows(""), ",", ";")}, 2, `d.csv`},
		{66, "one class", map[string]string{"sweep.toml": sweepOn("d.csv", "y"), "d.csv": strings.ReplaceAll(rows(""), ",v\n", ",u\n")}, 2, `of class "u", there is nothing to tell apart`},
		{66, "a constant column", map[string]string{"sweep.toml": sweepOn("d.csv", "y"), "d.csv": regexp.MustCompile(`(?m)^\d+,`).ReplaceAllString(rows(""), "7,")}, 0, `warning: .*a`},
		{66, "too few rows", map[string]string{"sweep.toml": sweepOn("d.csv", "y"), "d.csv": "a,y\n1,u\n2,v\n"}, 2, `s.toml|sweep.toml:\d+`},
		{67, "gzip cut short", map[string]string{"sweep.toml": sweepOn("d.csv.gz", "y"), "d.csv.gz": compressed(rows(""))[:40]}, 2, `d.csv.gz`},
		{67, "no gzip", map[string]string{"sweep.toml": sweepOn("d.csv.gz", "y"), "d.csv.gz": rows("")}, 2, `d.csv.gz`},
		{69, "odd names", map[string]string{"sweep.toml": strings.Replace(sweepOn("odd #?%41 ü.csv", "y"), "[grid]", "[grid]", 1) + "[run]\nstore = \"odd #?%41 ü.db\"\n", "odd #?%41 ü.csv": rows("")}, 0, ``},
		{70, "garbage in a condition", map[string]string{"sweep.toml": good + "[[skip]]\nwhere = \"lr <\"\n"}, 2, `sweep.toml:7:\d+`},
		{70, "SQL in a condition", map[string]string{"sweep.toml": good + "[[skip]]\nwhere = \"lr < 1; DROP TABLE run\"\n"}, 2, `sweep.toml:7:\d+`},
		{70, "SQL in names", map[string]string{"sweep.toml": "name = \"x'); DROP TABLE run; --\"\ntags = [\"'; --\"]\n" + good}, 0, ``},
	} {
		t.Run(fmt.Sprint(c.fault, " ", c.name), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			for name, text := range c.files {
				e2e.Write(t, filepath.Join(dir, name), text)
			}
			_, stderr := e2e.Run(t, c.code, e2e.Xrun(t, dir, "sweep", "sweep.toml", "--progress", "none"))
			if !regexp.MustCompile(c.want).MatchString(stderr) {
				t.Errorf("it does not say %q:\n%s", c.want, stderr)
			}
			for _, leak := range []string{"SQL logic error", "goroutine ", "panic", "<nil>"} {
				if strings.Contains(stderr, leak) {
					t.Errorf("it says %q:\n%s", leak, stderr)
				}
			}
			if _, err := os.Stat(filepath.Join(dir, "xrun.db")); c.code == 2 && err == nil {
				t.Error("a database was made for a sweep that cannot be")
			}
		})
	}
}

func compressed(text string) string {
	var b strings.Builder
	w := gzip.NewWriter(&b)
	w.Write([]byte(text))
	w.Close()
	return b.String()
}

// What is no regular file is not read: a pipe would never end.
func TestFault61APipeIsNoDataSet(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe.csv"), 0o600); err != nil {
		t.Skipf("no pipe can be made here: %v", err)
	}
	e2e.Write(t, filepath.Join(dir, "sweep.toml"), sweepOn("pipe.csv", "y"))
	if _, stderr := e2e.Run(t, 2, e2e.Xrun(t, dir, "sweep", "sweep.toml")); !strings.Contains(stderr, "pipe.csv") {
		t.Errorf("it says:\n%s", stderr)
	}
}
