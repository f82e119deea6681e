package document

import (
	"bytes"
	"fmt"
	"strings"
)

// Rewrite gives keys of a file other values and leaves everything else as it is written, comments
// included. Each of set is KEY=VALUE in TOML, as for [Document.Set]. A key that is missing is added to
// its table; a missing table is added at the end. The result is not checked beyond being TOML.
func Rewrite(file string, text []byte, set []string) ([]byte, error) {
	for _, change := range set {
		var err error
		if text, err = rewrite(file, text, change); err != nil {
			return nil, err
		}
	}
	return text, nil
}

func rewrite(file string, text []byte, change string) ([]byte, error) {
	root, problems := Parse(New(file, text))
	if len(problems) > 0 {
		return nil, problems
	}
	tree, problems := Parse(New(setFlag, []byte(change)))
	if len(problems) > 0 {
		return nil, problems
	}
	_, value, _ := strings.Cut(change, "=")
	value = strings.TrimSpace(value)
	var path []string
	into := root
	for {
		if len(tree.Entries) != 1 {
			return nil, fmt.Errorf("%q does not set one key", change)
		}
		e := tree.Entries[0]
		path = append(path, e.Name)
		if e.Value.Kind != Table || e.Value.Origin != Dotted {
			break
		}
		tree = e.Value
	}
	for _, name := range path[:len(path)-1] {
		found := into.Find(name)
		if found == nil {
			into = nil
			break
		}
		if found.Value.Kind != Table {
			return nil, fmt.Errorf("%s is %s, so it has no keys", name, found.Value.Kind)
		}
		into = found.Value
	}
	name := path[len(path)-1]
	if into != nil {
		if found := into.Find(name); found != nil && !(found.Value.Origin == Headed) {
			return splice(text, found.Value.At, value), nil
		} else if found != nil {
			return nil, fmt.Errorf("%s is a table of its own, which one value does not replace", strings.Join(path, "."))
		}
	}
	switch {
	case len(path) == 1: // before the first table
		at := len(text)
		for i, line := 0, text; len(line) > 0; {
			if bytes.HasPrefix(bytes.TrimLeft(line, " \t"), []byte("[")) {
				at = i
				break
			}
			n := bytes.IndexByte(line, '\n') + 1
			if n == 0 {
				break
			}
			i, line = i+n, line[n:]
		}
		at = behindKeys(text, at)
		return splice(text, Span{at, at}, name+" = "+value+"\n"), nil
	case into != nil && into.Origin == Headed:
		at := into.At.To
		if n := bytes.IndexByte(text[at:], '\n'); n >= 0 {
			at += n + 1
			return splice(text, Span{at, at}, name+" = "+value+"\n"), nil
		}
		return splice(text, Span{len(text), len(text)}, "\n"+name+" = "+value+"\n"), nil
	case into == nil:
		tail := "\n[" + strings.Join(path[:len(path)-1], ".") + "]\n" + name + " = " + value + "\n"
		if len(text) > 0 && text[len(text)-1] != '\n' {
			tail = "\n" + tail
		}
		return append(bytes.Clone(text), tail...), nil
	}
	return nil, fmt.Errorf("%s cannot be added to a table that is written as a value", strings.Join(path, "."))
}

// behindKeys is the end of the last line before at that is neither blank nor a comment; at without one. Comments above a
// table belong to it.
func behindKeys(text []byte, at int) int {
	for end := at; end > 0; {
		begin := bytes.LastIndexByte(text[:end-1], '\n') + 1
		if line := bytes.TrimSpace(text[begin:end]); len(line) > 0 && line[0] != '#' {
			return end
		}
		end = begin
	}
	return at
}

func splice(text []byte, at Span, with string) []byte {
	out := append(bytes.Clone(text[:at.From]), with...)
	return append(out, text[at.To:]...)
}
