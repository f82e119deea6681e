package help

import (
	"strings"
	"unicode/utf8"
)

// The indents: text stands under its heading as in a manual page, code stands out of the text.
const (
	bodyIndent = 2
	codeIndent = 4
)

// escapes are the ANSI sequences that begin a face.
var escapes = map[face]string{bold: "\x1b[1m", italic: "\x1b[3m", mono: "\x1b[36m"}

const reset = "\x1b[0m"

// render lays blocks out.
func (s Style) render(blocks []block) string {
	var b strings.Builder
	for i, block := range blocks {
		tight := i > 0 && block.kind == item && blocks[i-1].kind == item
		if i > 0 && !tight {
			b.WriteByte('\n')
		}
		switch block.kind {
		case heading:
			indent := pad(max(0, block.level-2))
			b.WriteString(s.lines([]span{{plain(block.text), bold}}, indent, indent))
		case paragraph:
			b.WriteString(s.lines(spans(block.text), pad(bodyIndent), pad(bodyIndent)))
		case item:
			first := pad(bodyIndent) + strings.Replace(block.mark, "-", "•", 1) + " "
			b.WriteString(s.lines(spans(block.text), first, pad(utf8.RuneCountInString(first))))
		case code:
			b.WriteString(s.code(block))
		case table:
			b.WriteString(s.table(block.rows))
		}
	}
	return b.String()
}

func pad(n int) string { return strings.Repeat(" ", n) }

// code shows a block as it stands: a line that is too long is the terminal's to break. What is typed stands out.
func (s Style) code(block block) string {
	var b strings.Builder
	for line := range strings.SplitSeq(strings.TrimRight(block.text, "\n"), "\n") {
		if line != "" {
			line = pad(codeIndent) + line
		}
		if s.Color && strings.HasPrefix(strings.TrimSpace(line), "$ ") {
			line = escapes[bold] + line + reset
		}
		b.WriteString(line + "\n")
	}
	return b.String()
}

// together is how long code may be that is kept in one line.
const together = 64

// lines breaks spans into lines. The first line begins with one text, the others with another of the same length.
func (s Style) lines(all []span, first, next string) string {
	var b strings.Builder
	prefix := first
	for _, line := range s.wrap(all, s.Width-utf8.RuneCountInString(first)) {
		b.WriteString(strings.TrimRight(prefix+line, " ") + "\n")
		prefix = next
	}
	return b.String()
}

// wrap breaks spans into lines of at most width characters, between words. A word that is longer has a line of its own.
func (s Style) wrap(all []span, width int) []string {
	lines, at := []string{""}, 0
	for _, word := range words(all, width) {
		n := 0
		for _, part := range word {
			n += utf8.RuneCountInString(part.text)
		}
		last := &lines[len(lines)-1]
		switch {
		case at > 0 && at+1+n > width:
			lines, at = append(lines, ""), 0
			last = &lines[len(lines)-1]
		case at > 0:
			*last += " "
			at++
		}
		for _, part := range word {
			*last += s.faced(part)
		}
		at += n
	}
	return lines
}

// words splits spans at their spaces. A word can have parts of several faces. Short code is one word.
func words(all []span, width int) (words [][]span) {
	var word []span
	end := func() {
		if len(word) > 0 {
			words, word = append(words, word), nil
		}
	}
	for _, sp := range all {
		if sp.face == mono && utf8.RuneCountInString(sp.text) <= min(together, width) {
			word = append(word, sp)
			continue
		}
		for i, text := range strings.Split(sp.text, " ") {
			if i > 0 {
				end()
			}
			if text != "" {
				word = append(word, span{text, sp.face})
			}
		}
	}
	end()
	return words
}

// faced is a text in its face.
func (s Style) faced(sp span) string {
	if !s.Color || sp.face == roman {
		return sp.text
	}
	return escapes[sp.face] + sp.text + reset
}

// gap is between the columns of a table.
const gap = 2

// table aligns rows. Columns that are too wide together are broken into lines, the widest first.
func (s Style) table(rows [][]string) string {
	columns := 0
	for _, row := range rows {
		columns = max(columns, len(row))
	}
	widths, least := make([]int, columns), make([]int, columns)
	for _, row := range rows {
		for i, cell := range row {
			text := plain(cell)
			widths[i] = max(widths[i], utf8.RuneCountInString(text))
			for word := range strings.FieldsSeq(text) {
				least[i] = max(least[i], utf8.RuneCountInString(word))
			}
		}
	}
	narrow(widths, least, s.Width-bodyIndent-gap*(columns-1))
	var b strings.Builder
	empty := len(rows) > 0 && strings.Join(rows[0], "") == "" // a head without words
	for r, row := range rows {
		if r == 0 && empty {
			continue
		}
		parts, height := make([][]string, columns), 1
		for i, cell := range row {
			all := spans(cell)
			if r == 0 {
				all = []span{{plain(cell), bold}}
			}
			parts[i] = s.wrap(all, widths[i])
			height = max(height, len(parts[i]))
		}
		for l := range height {
			line := pad(bodyIndent)
			for i := range columns {
				part := ""
				if l < len(parts[i]) {
					part = parts[i][l]
				}
				line += part
				if i < columns-1 {
					line += pad(widths[i] - visible(part) + gap)
				}
			}
			b.WriteString(strings.TrimRight(line, " ") + "\n")
		}
	}
	return b.String()
}

// narrow takes columns in, the widest first, until they fit or none can be taken in: a column is as wide as its longest
// word.
func narrow(widths, least []int, room int) {
	for {
		sum, widest := 0, -1
		for i, w := range widths {
			sum += w
			if w > least[i] && (widest < 0 || w > widths[widest]) {
				widest = i
			}
		}
		if sum <= room || widest < 0 {
			return
		}
		widths[widest]--
	}
}

// Hang breaks lines that are longer than a width at spaces. What follows hangs below the last column of the line, which
// two spaces or more set apart, if that leaves room for words, or else below its beginning. Commands
// to copy stay in one line.
func Hang(text string, width int) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if strings.HasPrefix(strings.TrimLeft(line, " "), "xrun ") && !strings.Contains(line, " - ") { // a command to copy
			b.WriteString(line)
			continue
		}
		for utf8.RuneCountInString(strings.TrimRight(line, "\n")) > width {
			runes := []rune(line)
			begin := 0
			for begin < len(runes) && runes[begin] == ' ' {
				begin++
			}
			hang := begin
			for i := begin; i < min(width-least, len(runes)-2); i++ {
				if runes[i] == ' ' && runes[i+1] == ' ' && runes[i+2] != ' ' {
					hang = i + 2
				}
			}
			at := -1 // the last space that leaves something before it
			for i := hang + 1; i <= width && i < len(runes); i++ {
				if runes[i] == ' ' {
					at = i
				}
			}
			if at < 0 { // a word longer than the line
				for i := hang + 1; i < len(runes) && at < 0; i++ {
					if runes[i] == ' ' {
						at = i
					}
				}
			}
			if at < 0 {
				break
			}
			b.WriteString(strings.TrimRight(string(runes[:at]), " ") + "\n")
			line = pad(hang) + strings.TrimLeft(string(runes[at:]), " ")
		}
		b.WriteString(line)
	}
	return b.String()
}

// least is the room in which words still read as lines.
const least = 24

// visible is how many columns a text takes, escapes not counted.
func visible(text string) (n int) {
	for text != "" {
		if strings.HasPrefix(text, "\x1b[") {
			_, text, _ = strings.Cut(text, "m")
			continue
		}
		_, size := utf8.DecodeRuneInString(text)
		text = text[size:]
		n++
	}
	return n
}

// Table aligns rows, the first of which is the head, and breaks cells to fit the width.
func (s Style) Table(rows [][]string) string { return s.table(rows) }

// Wrap breaks a text into lines of at most width characters.
func Wrap(text string, width int) string {
	return strings.Join(Style{}.wrap([]span{{text, roman}}, width), "\n")
}
