package help

import (
	"regexp"
	"strings"
)

// A kind of block.
type kind int

const (
	paragraph kind = iota
	heading
	item // of a list
	code
	table
)

// A block is a part of a page. The pages use a small part of Markdown, which a test holds them to: headings by #,
// paragraphs, lists of one level, fenced code, tables, comments; in them `code`, **bold**, *emphasis* and [links](url).
type block struct {
	kind  kind
	level int        // of a heading
	mark  string     // of an item: "-" or "1."
	text  string     // in one line; of code as it stands
	info  string     // of code: what stands behind the fence
	rows  [][]string // of a table, the head first
}

var (
	headingLine = regexp.MustCompile(`^(#{1,4}) (.+)$`)
	itemLine    = regexp.MustCompile(`^(-|\d+\.) (.+)$`)
	tableRule   = regexp.MustCompile(`^\|[-|: ]+\|$`)
)

// parse splits a page into its blocks.
func parse(text string) (blocks []block) {
	lines := strings.Split(text, "\n")
	open := false // the last block goes on in the next line
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		switch {
		case strings.HasPrefix(line, "<!--"):
			for !strings.Contains(lines[i], "-->") && i+1 < len(lines) {
				i++
			}
			open = false
		case strings.HasPrefix(line, "```"):
			b := block{kind: code, info: strings.TrimPrefix(line, "```")}
			var body []string
			for i++; i < len(lines) && !strings.HasPrefix(lines[i], "```"); i++ {
				body = append(body, lines[i])
			}
			b.text = strings.Join(body, "\n")
			blocks, open = append(blocks, b), false
		case strings.TrimSpace(line) == "":
			open = false
		case headingLine.MatchString(line):
			m := headingLine.FindStringSubmatch(line)
			blocks, open = append(blocks, block{kind: heading, level: len(m[1]), text: m[2]}), false
		case strings.HasPrefix(line, "|"):
			if !open || blocks[len(blocks)-1].kind != table {
				blocks = append(blocks, block{kind: table})
			}
			if last := &blocks[len(blocks)-1]; !tableRule.MatchString(line) {
				last.rows = append(last.rows, cells(line))
			}
			open = true
		case itemLine.MatchString(line):
			m := itemLine.FindStringSubmatch(line)
			blocks, open = append(blocks, block{kind: item, mark: m[1], text: m[2]}), true
		case open:
			blocks[len(blocks)-1].text += " " + strings.TrimSpace(line)
		default:
			blocks, open = append(blocks, block{kind: paragraph, text: strings.TrimSpace(line)}), true
		}
	}
	return blocks
}

// cells splits a row of a table. A bar in a cell is written \|.
func cells(line string) (row []string) {
	const bar = "\x00"
	line = strings.ReplaceAll(strings.Trim(strings.TrimSpace(line), "|"), `\|`, bar)
	for cell := range strings.SplitSeq(line, "|") {
		row = append(row, strings.ReplaceAll(strings.TrimSpace(cell), bar, "|"))
	}
	return row
}

// A face is how a piece of text looks.
type face int

const (
	roman face = iota
	bold
	italic
	mono
)

// A span is a piece of text of one face.
type span struct {
	text string
	face face
}

// link is [text](target); target is in the second group, a picture has none.
var link = regexp.MustCompile(`\[([^\]]+)\]\(([^)\s]+)\)`)

// escaped are the marks that stand for themselves behind a backslash. While a text is split other characters stand in for
// them, which no page has.
var escaped = strings.NewReplacer(`\*`, "\x01", `\[`, "\x02", "\\`", "\x03")

var unescaped = strings.NewReplacer("\x01", "*", "\x02", "[", "\x03", "`")

// spans splits the text of a block by its marks.
func spans(text string) (all []span) {
	add := func(s string, f face) {
		if s != "" {
			all = append(all, span{unescaped.Replace(s), f})
		}
	}
	text = escaped.Replace(text)
	for text != "" {
		i := strings.IndexAny(text, "`*[")
		if i < 0 {
			add(text, roman)
			break
		}
		rest := text[i:]
		for _, m := range []struct {
			mark string
			face face
		}{{"`", mono}, {"**", bold}, {"*", italic}} {
			inner, after, ok := strings.Cut(strings.TrimPrefix(rest, m.mark), m.mark)
			if strings.HasPrefix(rest, m.mark) && ok && inner != "" && !strings.HasPrefix(inner, " ") {
				add(text[:i], roman)
				add(inner, m.face)
				text, rest = after, ""
				break
			}
		}
		if rest == "" {
			continue
		}
		if at := link.FindStringSubmatchIndex(rest); at != nil && at[0] == 0 {
			add(text[:i], roman)
			all = append(all, linked(rest[at[2]:at[3]], rest[at[4]:at[5]])...)
			text = rest[at[1]:]
			continue
		}
		add(text[:i+1], roman)
		text = text[i+1:]
	}
	return all
}

// linked is how a terminal shows a link: one to a page names the command that shows it.
func linked(text, target string) []span {
	words := spans(text)
	name, isPage := strings.CutSuffix(strings.SplitN(target, "#", 2)[0], ".md")
	switch {
	case strings.HasPrefix(target, "#"):
		return words
	case isPage && !strings.Contains(name, "/"):
		if text == name {
			return []span{{"xrun help " + name, mono}}
		}
		return append(words, span{" (", roman}, span{"xrun help " + name, mono}, span{")", roman})
	case strings.Contains(target, "://") && text != target:
		return append(words, span{" (" + target + ")", roman})
	}
	return words
}

// plain is the text without its marks.
func plain(text string) string {
	var b strings.Builder
	for _, s := range spans(text) {
		b.WriteString(s.text)
	}
	return b.String()
}
