package protocol

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// escapes are the escape sequences of ECMA-48: of control (colors, the cursor), of commands with a text (the title of
// the window, links, the clipboard), and short ones. A command without an end hides nothing: only its beginning is
// one.
var escapes = regexp.MustCompile(`(?:\x1b\[|\x{9b})[0-?]*[ -/]*[@-~]` +
	`|(?:\x1b[\]PX^_]|[\x{90}\x{98}\x{9d}-\x{9f}])[^\x07\x1b\x{9c}\n]*(?:\x07|\x1b\\|\x{9c})` +
	`|\x1b[ -/]*[0-~]`)

// Plain removes escape sequences and control characters from a text, so that it cannot command a terminal. Tabs and
// ends of lines stay.
func Plain(text string) string {
	if strings.ContainsAny(text, "\x1b\u0090\u0098\u009b\u009d\u009e\u009f") {
		text = escapes.ReplaceAllString(text, "")
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n':
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Bidi_Control, r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, text)
}

// MaxText is the limit, in bytes, of every text that comes from a plugin: an error with its stack, a line of
// documentation, the last words of a process. It is also what a reply in shared memory has room for.
const MaxText = 8 << 10

// Cut shortens a text to [MaxText] bytes. It keeps three quarters from the beginning, where an error says what is
// wrong, and the rest from the end, where a traceback says where.
func Cut(text string) string { return cut(text, MaxText) }

func cut(text string, limit int) string {
	if len(text) <= limit {
		return text
	}
	room := limit - len("\n… 9223372036854775807 bytes left out …\n")
	head, tail := text[:room*3/4], text[len(text)-room/4:]
	head = head[:len(head)-unfinished(head)]
	for len(tail) > 0 && !utf8.RuneStart(tail[0]) {
		tail = tail[1:]
	}
	return fmt.Sprintf("%s\n… %d bytes left out …\n%s", head, len(text)-len(head)-len(tail), tail)
}

// unfinished is how many bytes at the end of a text begin a character that is cut off.
func unfinished(text string) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if at := text[len(text)-n:]; utf8.RuneStart(at[0]) {
			if utf8.FullRuneInString(at) {
				return 0
			}
			return n
		}
	}
	return 0
}

// Clean makes a text of a plugin fit to be shown and stored: it cuts it to [MaxText] bytes, and is [Plain] without tabs and
// without blanks at the ends of lines.
func Clean(text string) string {
	lines := strings.Split(Plain(Cut(text)), "\n")
	for i, line := range lines {
		lines[i] = strings.TrimRight(strings.ReplaceAll(line, "\t", " "), " ")
	}
	return strings.Join(lines, "\n")
}

// CleanAll is Clean for each of some texts.
func CleanAll(texts []string) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = Clean(t)
	}
	return out
}

// Features makes the features that a plugin names fit to be stored: what exceeds [MaxText] in all is left out.
func Features(names []string) []string {
	out := make([]string, 0, len(names))
	for room := MaxText; len(names) > 0; names = names[1:] {
		name := Clean(names[0])
		if room -= len(name); room < 0 {
			break
		}
		out = append(out, name)
	}
	return out
}

// brief is a wrong name as an error quotes it.
func brief(name string) string {
	const limit = 100
	if len(name) <= limit {
		return name
	}
	return name[:limit-unfinished(name[:limit])] + "…"
}
