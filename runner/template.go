package runner

import (
	"fmt"
	"strings"
)

// A Template is a text in which names in braces stand for values of a trial, as in
// "--lr={lr}". A brace itself is written twice.
type Template []TemplatePart

// A TemplatePart is a placeholder, or text that stays as it is.
type TemplatePart struct {
	Name     string // of the placeholder; empty for text
	Text     string
	From, To int // a placeholder's place, in bytes of the template
}

// A TemplateError says what is wrong with a template, and where.
type TemplateError struct {
	From, To int // its place, in bytes of the template
	Message  string
	Help     string
}

func (e *TemplateError) Error() string { return e.Message }

// Hint says what can be done about the error.
func (e *TemplateError) Hint() string { return e.Help }

// ParseTemplate takes a text apart. Its error is a [*TemplateError].
func ParseTemplate(text string) (Template, error) {
	var t Template
	var plain strings.Builder
	flush := func() {
		if plain.Len() > 0 {
			t = append(t, TemplatePart{Text: plain.String()})
			plain.Reset()
		}
	}
	for i := 0; i < len(text); {
		c := text[i]
		switch {
		case c != '{' && c != '}':
			plain.WriteByte(c)
			i++
		case i+1 < len(text) && text[i+1] == c:
			plain.WriteByte(c)
			i += 2
		case c == '}':
			return nil, &TemplateError{i, i + 1, "`}` closes nothing", "write a literal brace twice: }}"}
		default:
			length := strings.IndexAny(text[i+1:], "{}")
			if length < 0 || text[i+1+length] != '}' {
				return nil, &TemplateError{i, i + 1, "`{` is not closed", "write a literal brace twice: {{"}
			}
			end := i + 1 + length
			name := text[i+1 : end]
			if name == "" || strings.TrimSpace(name) != name {
				return nil, &TemplateError{i, end + 1, fmt.Sprintf("`{%s}` names nothing", name), "for instance {lr}, without spaces; write literal braces twice: {{ and }}"}
			}
			flush()
			t = append(t, TemplatePart{Name: name, From: i, To: end + 1})
			i = end + 1
		}
	}
	flush()
	return t, nil
}

// expand puts values in the places of names. It reports the first name that has none.
func (t Template) expand(value func(name string) (string, bool)) (string, error) {
	var b strings.Builder
	for _, part := range t {
		b.WriteString(part.Text)
		if part.Name == "" {
			continue
		}
		v, ok := value(part.Name)
		if !ok {
			return "", fmt.Errorf("{%s} has no value in this trial", part.Name)
		}
		b.WriteString(v)
	}
	return b.String(), nil
}
