package report

import (
	"io"
	"strings"
)

// ascii is what is written in place of characters that ASCII lacks.
var ascii = strings.NewReplacer("λ", "lambda", "±", "+-", "≈", "~", "·", "|", "…", "...", "×", "x", "→", "->", "–", "-", "−", "-",
	"↓", "(min)", "↑", "(max)", "∞", "inf", "²", "^2", "█", "#", "▓", "+", "▒", "-", "░", ".", "✗", "X", "✂", "%", "χ", "chi", "◆", "@")

// An asciiWriter turns what is written into ASCII. A write ends at the end of a character.
type asciiWriter struct{ to io.Writer }

func (w *asciiWriter) Write(p []byte) (int, error) {
	if _, err := ascii.WriteString(w.to, string(p)); err != nil {
		return 0, err
	}
	return len(p), nil
}

// writer is w, for ASCII only if the view is.
func (v View) writer(w io.Writer) io.Writer {
	if v.ASCII {
		return &asciiWriter{w}
	}
	return w
}
