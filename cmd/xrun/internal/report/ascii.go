package report

import (
	"io"
	"strings"

	"github.com/xrun-dev/xrun/sweeps/compare"
)

// ascii replaces characters that ASCII lacks.
var ascii = strings.NewReplacer("λ", "lambda", "±", "+-", "≈", "~", "·", "|", "…", "...", "×", "x", "→", "->", "–", "-", "−", "-",
	"↓", "(min)", "↑", "(max)", "∞", "inf", "≥", ">=", "─", "-", "₁₀", "10", "η", "eta", "²", "^2", "█", "#", "▓", "+", "▒", "-", "░", ".", "✗", "X", "✂", "%", "χ", "chi", "◆", "@")

// An asciiWriter writes text in ASCII. A write must end at the end of a character.
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

// asciiAxis is the axis with its names in ASCII.
func asciiAxis(a compare.Axis) compare.Axis {
	b := compare.Axis{Name: ascii.Replace(a.Name)}
	for _, t := range a.Ticks {
		b.Ticks = append(b.Ticks, compare.Tick{Text: ascii.Replace(t.Text), Number: t.Number})
	}
	return b
}
