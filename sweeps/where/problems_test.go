package where

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/xrun-dev/xrun/runner/tests"
)

const problemsFile = "testdata/problems.txt"

// wrongExpressions are the first lines of the cases in a file, between which are empty lines.
func wrongExpressions(t testing.TB) (expressions []string) {
	t.Helper()
	content, err := os.ReadFile(problemsFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range strings.Split(string(content), "\n\n") {
		text, _, _ := strings.Cut(c, "\n")
		expressions = append(expressions, text)
	}
	return expressions
}

func TestProblems(t *testing.T) {
	expressions := wrongExpressions(t)
	var shown []string
	for _, text := range expressions {
		e, err := Compile(text, schema)
		var wrong *Error
		if !errors.As(err, &wrong) {
			t.Fatalf("%s compiles to %v, %v", text, e, err)
		}
		shown = append(shown, show(text, wrong))
	}
	got := strings.Join(shown, "\n\n") + "\n"
	tests.Golden(t, problemsFile, got)
}

// show draws the place of an error below the expression.
func show(text string, e *Error) string {
	line := strings.Repeat(" ", utf8.RuneCountInString(text[:e.From])) + strings.Repeat("^", max(1, utf8.RuneCountInString(text[e.From:e.To])))
	shown := fmt.Sprintf("%s\n%s %s\n%s", text, line, e.Label, e.Message)
	if e.Help != "" {
		shown += "\n" + e.Help
	}
	return strings.ReplaceAll(shown, " \n", "\n")
}

func TestInputsThatAreNoExpressions(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{strings.Repeat("lr<1 or ", maxLength/8) + "lr<1", "the expression has 4100 bytes, more than 4096"},
		{"", "expected a value or a name, but the expression ends"},
		{"optimizer == 'a\nb'", "the text does not end"},
		{"optimizer == 'a\x1b'", "a text cannot hold the character U+001B, which cannot be shown"},
		{"lr == '\xff'", "the expression is not valid UTF-8"},
		{strings.Repeat("(", maxDepth+1) + "true" + strings.Repeat(")", maxDepth+1), "the expression is nested more than 64 deep"},
		{strings.Repeat("not ", maxDepth+1) + "true", "the expression is nested more than 64 deep"},
		{strings.Repeat("-", maxDepth+1) + "lr < 1", "the expression is nested more than 64 deep"},
	} {
		if _, err := Compile(c.text, schema); err == nil || err.Error() != c.want {
			t.Errorf("%.20s…: got %v, want %s", c.text, err, c.want)
		}
	}
	for _, text := range []string{
		strings.Repeat("lr<1 or ", maxLength/8-1) + "lr<1",
		strings.Repeat("(", maxDepth) + "true" + strings.Repeat(")", maxDepth),
		strings.Repeat("(true) and ", maxDepth+1) + "true",
	} {
		if _, err := Compile(text, schema); err != nil {
			t.Errorf("%.20s…: %v", text, err)
		}
	}
}
