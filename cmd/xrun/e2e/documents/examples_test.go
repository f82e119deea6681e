package documents

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/help"
	"github.com/xrun-dev/xrun/runner/tests"
)

// pathOf is that of a page of `xrun help`.
func pathOf(page help.Page) string {
	return e2e.Path("cmd", "xrun", "internal", "help", "pages", page.Name+".md")
}

// The examples of every page, and of the README, do what the page shows. Each page is run in a directory of its own, from
// top to bottom: a block whose first line is a comment with a file's name is written to it, a console block is typed, other
// TOML is held against the parser.
func TestExamplesOfTheDocuments(t *testing.T) {
	documents := []string{e2e.Path("README.md")}
	for _, page := range help.Pages() {
		documents = append(documents, pathOf(page))
	}
	for _, path := range documents {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".md"), func(t *testing.T) {
			t.Parallel()
			if filepath.Base(path) != "README.md" {
				tests.NeedExamples(t, "the pages train a hundred small sweeps")
			}
			runExamples(t, path)
		})
	}
}

// A fence is a fenced block of a document.
type fence struct {
	from, to    int      // of its text, in the document
	language    string   // first word behind the fence
	needs       []string // further words: what its commands need
	text, named string   // named is the file that it is
}

var fenced = regexp.MustCompile("(?ms)^```(\\w*)([^\\n]*)\\n(.*?)^```$")

// fileLine is the first line of a block that is a file.
var fileLine = regexp.MustCompile(`^(?:#|//) ([\w./-]+\.(?:toml|py|R|go))\n`)

func fences(text string) (all []fence) {
	for _, at := range fenced.FindAllStringSubmatchIndex(text, -1) {
		f := fence{from: at[6], to: at[7], language: text[at[2]:at[3]], needs: strings.Fields(text[at[4]:at[5]]), text: text[at[6]:at[7]]}
		if m := fileLine.FindStringSubmatch(f.text); m != nil {
			f.named = m[1]
		}
		all = append(all, f)
	}
	return all
}

// runExamples runs the examples of a document.
func runExamples(t *testing.T, path string) {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	session := &session{dir: t.TempDir()}
	session.at = session.dir
	written, offset := string(text), 0
	for i, f := range fences(string(text)) {
		line := 1 + strings.Count(string(text[:f.from]), "\n")
		switch {
		case f.named != "":
			e2e.Write(t, filepath.Join(session.at, f.named), f.text)
		case f.language == "console":
			t.Run(fmt.Sprintf("line %d", line), func(t *testing.T) {
				session.needed(t, f.needs)
				shown := session.console(t, f.text)
				written = written[:f.from+offset] + shown + written[f.to+offset:]
				offset += len(shown) - len(f.text)
			})
		case f.language == "sh" && len(f.needs) > 0:
			t.Run(fmt.Sprintf("line %d", line), func(t *testing.T) {
				session.needed(t, f.needs)
				if code, out := session.typed(t, "(set -eu\n"+f.text+")"); code != 0 {
					t.Errorf("these commands end with %d:\n%s\n%s", code, f.text, out)
				}
			})
		case f.language == "toml":
			t.Run(fmt.Sprintf("line %d", line), func(t *testing.T) {
				name := fmt.Sprintf("fragment%d.toml", i)
				e2e.Write(t, filepath.Join(session.at, name), completed(f.text))
				if _, out := session.typed(t, "xrun plan "+name); !strings.Contains(out, "trial") {
					t.Errorf("it is no part of a sweep file:\n%s\n%s", f.text, out)
				}
			})
		}
	}
	if tests.Update() && written != string(text) {
		e2e.Write(t, path, written)
	}
}

// modules are what is looked for in Python; the heavy ones take long to import, as go does to build a plugin.
var (
	modules = []string{"torch", "numpy", "safetensors"}
	heavy   = []string{"torch", "go"}

	// trackers are modules of the Python of .ci/trackers.txt, which is the python3 of the block.
	trackers = []string{"aim", "mlflow", "optuna", "trackio", "wandb"}
)

// needed skips what this machine or this kind of run lacks.
func (s *session) needed(t *testing.T, words []string) {
	t.Helper()
	s.python = ""
	for _, word := range words {
		if slices.Contains(trackers, word) {
			s.python = e2e.Tracker(t, word)
			continue
		}
		if slices.Contains(heavy, word) {
			tests.NeedExamples(t, "needs "+word+", which takes long")
		}
		if slices.Contains(modules, word) {
			e2e.Python(t, word)
			continue
		}
		e2e.Need(t, word)
	}
}

// completed is a part of a sweep file with the tables that it lacks.
func completed(part string) string {
	if !strings.Contains(part, "[task]") {
		part += "\n[task]\ndataset = \"iris\"\nmodel = \"softmax\"\nvalidation = 0.2\ntest = 0.2\nepochs = 20\n"
	}
	if !strings.Contains(part, "[grid]") {
		part += "\n[grid]\nlr = [0.01, 0.1]\nlambda = [0, 1]\n"
		if !strings.Contains(part, "[optimizers.") {
			part += "optimizer = [\"sgd\", \"adam\"]\n"
		}
	}
	return part
}

// A session is a shell in which a document's commands are typed one after the other.
type session struct {
	dir, at string
	python  string // a folder whose python3 goes before that of PATH; may be empty
}

// typed runs a command and returns its exit code and what it printed. The session stays where the command went. What the
// command left in the background has ended then: one that it only asked to end would still write to the folder.
func (s *session) typed(t *testing.T, command string) (code int, out string) {
	t.Helper()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no shell to type commands into")
	}
	where := filepath.Join(s.dir, ".where")
	cmd := e2e.Xrun(t, s.at)
	cmd.Path, cmd.Args = shell, []string{"sh", "-c", e2e.Checks(command) + "\ncode=$?\nwait\npwd > \"$WHERE\"\nexit $code"}
	cmd.Env = append(cmd.Env, "WHERE="+where, "GOFLAGS=", "GOWORK=", "XRUN_PROGRESS=none", "XDG_DATA_HOME="+filepath.Join(s.dir, "home"))
	if xrun, err := exec.LookPath("xrun"); err == nil { // as if the wheel were installed
		cmd.Env = append(cmd.Env, "XRUN_BINARY="+xrun, "PYTHONPATH="+e2e.Path("plugins", "python"), "PYTHONDONTWRITEBYTECODE=1")
	}
	if s.python != "" {
		cmd.Env = append(cmd.Env, "PATH="+s.python+string(filepath.ListSeparator)+os.Getenv("PATH"))
	}
	var printed bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &printed
	code = e2e.Ending(cmd.Run())
	if at, err := os.ReadFile(where); err == nil {
		s.at = strings.TrimSpace(string(at))
	} else if !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	return code, printed.String()
}

// exitComment is at the end of a command that does not end with 0.
var exitComment = regexp.MustCompile(`\s+# .*exit code (\d+)`)

// console types the commands of a block and compares what they print with what is shown. It returns the block as it ought
// to be.
func (s *session) console(t *testing.T, block string) string {
	var ought strings.Builder
	parts := regexp.MustCompile(`(?m)^\$ `).Split(block, -1)
	ought.WriteString(parts[0])
	for _, part := range parts[1:] {
		command, shown, _ := strings.Cut(part, "\n")
		for strings.HasSuffix(command, `\`) || strings.Count(command, `"`)%2 == 1 { // it goes on in the next line
			next, rest, _ := strings.Cut(shown, "\n")
			command, shown = command+"\n"+next, rest
		}
		want := 0
		if m := exitComment.FindStringSubmatch(command); m != nil {
			want, _ = strconv.Atoi(m[1])
		}
		code, out := s.typed(t, command)
		if code != want {
			t.Errorf("%s\nended with %d, want %d:\n%s", command, code, want, out)
		} else if problem := mismatch(shown, out); strings.TrimSpace(shown) != "" && problem != "" {
			if tests.Update() && !strings.Contains(shown, "…") {
				shown = out
			} else {
				t.Errorf("%s\nprints, %s:\n%s\nbut is shown with:\n%s", command, problem, out, shown)
			}
		}
		ought.WriteString("$ " + command + "\n" + shown)
	}
	return ought.String()
}

// mismatch compares what is shown with what is printed, line by line. … stands for any text in a line, and alone for any lines.
func mismatch(shown, printed string) (problem string) {
	lines := strings.Split(strings.TrimSpace(printed), "\n")
	gap := false
	for want := range strings.SplitSeq(strings.TrimSpace(shown), "\n") {
		if want = strings.TrimRight(want, " "); want == "…" {
			gap = true
			continue
		}
		quoted := strings.Split(want, "…")
		for i := range quoted {
			quoted[i] = regexp.QuoteMeta(quoted[i])
		}
		like := regexp.MustCompile("^" + strings.Join(quoted, ".*") + "$")
		i := slices.IndexFunc(lines, func(l string) bool { return like.MatchString(strings.TrimRight(l, " ")) })
		if i < 0 || i > 0 && !gap {
			return fmt.Sprintf("which has no line %q in its place", want)
		}
		lines, gap = lines[i+1:], false
	}
	if len(lines) > 0 && !gap {
		return fmt.Sprintf("which goes on with %q", lines[0])
	}
	return ""
}

// The README begins with its two commands and is short: what is long is a page.
func TestTheReadmeIsShort(t *testing.T) {
	text, err := os.ReadFile(e2e.Path("README.md"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	const most = 150
	if len(lines) > most {
		t.Errorf("it has %d lines, more than %d", len(lines), most)
	}
	commands := strings.Join(lines[:min(8, len(lines))], "\n")
	for _, want := range []string{"    go run ./cmd/xrun sweep sweeps/examples/digits.toml", "    go test ./..."} {
		if !strings.Contains(commands, want) {
			t.Errorf("its first lines lack the command %q", want)
		}
	}
	for _, page := range help.Pages() {
		if !strings.Contains(string(text), "(cmd/xrun/internal/help/pages/"+page.Name+".md)") {
			t.Errorf("it does not link the page %s", page.Name)
		}
	}
}
