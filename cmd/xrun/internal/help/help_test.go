package help

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func TestPagesAreListedAndFound(t *testing.T) {
	entries, err := files.ReadDir("pages")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if name := strings.TrimSuffix(e.Name(), ".md"); !slices.Contains(topics, name) {
			t.Errorf("the page %s is in no list: add it to topics", name)
		}
	}
	if len(entries) != len(topics) {
		t.Errorf("%d pages for %d topics", len(entries), len(topics))
	}
	for _, p := range Pages() {
		if !strings.HasPrefix(p.Text, "# ") || p.Title == "" || plain(p.Title) != p.Title {
			t.Errorf("page %s has the title %q, wants a heading without marks in its first line", p.Name, p.Title)
		}
	}
	for _, word := range Words() {
		if _, ok := Find(word); !ok {
			t.Errorf("%s is listed and not found", word)
		}
	}
	if _, ok := Find("nonsense"); ok {
		t.Error("there is a page on nonsense")
	}
}

// marks are what Markdown has and a terminal does not show.
var marks = regexp.MustCompile("`|\\*\\*|\\]\\(|<!--|^#+ |\\|\\s*-{3}")

// Pages are shown without marks, and fit the terminal. Code is shown as it stands.
func TestPagesAreShownWhole(t *testing.T) {
	const longest = 76 // of a line of code that is typed, which a terminal of 80 columns then does not break
	for _, p := range Pages() {
		codes := map[string]bool{}
		for _, b := range parse(p.Text) {
			if b.kind != code {
				continue
			}
			for line := range strings.SplitSeq(b.text, "\n") {
				codes[pad(codeIndent)+line] = true
				if n := visible(line); n > longest && (strings.HasPrefix(b.info, "console") || b.info == "toml") {
					t.Errorf("page %s has a line of code of %d characters, more than %d:\n%s", p.Name, n, longest, line)
				}
			}
		}
		for _, s := range []Style{{Width: 60}, {Width: 80}, {Width: 120}, {Width: 80, Color: true}} {
			var out bytes.Buffer
			if err := p.Write(&out, s); err != nil {
				t.Fatal(err)
			}
			if strings.Contains(out.String(), "\x1b") != s.Color {
				t.Errorf("page %s with colour %v has escapes: %v", p.Name, s.Color, !s.Color)
			}
			for line := range strings.SplitSeq(out.String(), "\n") {
				bare := regexp.MustCompile("\x1b\\[[0-9]*m").ReplaceAllString(line, "")
				if codes[bare] {
					continue
				}
				if marks.MatchString(bare) {
					t.Errorf("page %s shows a mark of Markdown: %s", p.Name, bare)
				}
				if n := visible(line); n > min(s.Width, maxWidth) && s.Width > 60 {
					t.Errorf("page %s at %d columns has a line of %d: %s", p.Name, s.Width, n, bare)
				}
			}
		}
	}
}

func TestLinksLeadSomewhere(t *testing.T) {
	for _, p := range Pages() {
		for _, b := range parse(p.Text) {
			for _, m := range link.FindAllStringSubmatch(b.text, -1) {
				name, isPage := strings.CutSuffix(m[2], ".md")
				if isPage && !strings.Contains(name, "/") && !slices.Contains(topics, name) {
					t.Errorf("page %s links to %s, which does not exist", p.Name, m[2])
				}
			}
		}
		for _, m := range regexp.MustCompile(`xrun help ([a-z][a-z-]*)`).FindAllStringSubmatch(p.Text, -1) {
			if _, ok := Find(m[1]); !ok {
				t.Errorf("page %s names xrun help %s, which does not exist", p.Name, m[1])
			}
		}
	}
}

func TestRendering(t *testing.T) {
	const text = `# A *title*

First, some **bold** and ` + "`code`" + ` words, see [metrics](metrics.md) or [the rules](early-stopping.md), at
https://example.org. 2 * 3 * 4 is 24.

## Lists

- one that is long enough to be broken
  somewhere
- ` + "`two`" + `

<!-- not
shown -->

` + "```console\n$ xrun plan a_file.toml\nas *it* stands\n```" + `

| a | what it is |
|---|---|
| x | a\|b and a good many words that do not fit |
| longer | **y** |
`
	const want = `A title

  First, some bold and code words,
  see xrun help metrics or the rules
  (xrun help early-stopping), at
  https://example.org. 2 * 3 * 4 is
  24.

Lists

  • one that is long enough to be
    broken somewhere
  • two

    $ xrun plan a_file.toml
    as *it* stands

  a       what it is
  x       a|b and a good many words
          that do not fit
  longer  y
`
	var out bytes.Buffer
	if err := (Page{Text: text}).Write(&out, Style{Width: 36}); err != nil {
		t.Fatal(err)
	}
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
	out.Reset()
	if err := (Page{Text: text}).Write(&out, Style{Width: 36, Color: true}); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"\x1b[1mA\x1b[0m \x1b[1mtitle\x1b[0m", "\x1b[1mbold\x1b[0m", "\x1b[36mcode\x1b[0m", "\x1b[1m    $ xrun plan a_file.toml\x1b[0m"} {
		if !strings.Contains(out.String(), part) {
			t.Errorf("with colour %q is not in %q", part, &out)
		}
	}
}

func TestLongLinesHang(t *testing.T) {
	text := "   --flag WORD, -f WORD  words that say what it is for, at some length\n   plain words with neither flag nor column in them\nshort\n   averyveryverylongwordwithoutaspaceinitanditsend and more\n"
	want := "   --flag WORD, -f WORD  words that say what it is\n                         for, at some length\n   plain words with neither flag nor column in\n   them\nshort\n   averyveryverylongwordwithoutaspaceinitanditsend\n   and more\n"
	if got := Hang(text, 50); got != want {
		t.Errorf("it is\n%s\nwant\n%s", got, want)
	}
	if command := "   xrun plot curves small --metric val_loss --top 5 -o curves.svg\n"; Hang(command, 50) != command {
		t.Error("a command to copy is broken")
	}
	if got := Hang(want, 50); got != want {
		t.Error("lines that fit are changed")
	}
}
