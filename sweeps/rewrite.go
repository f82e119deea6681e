package sweeps

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/xrun-dev/xrun/runner"
)

// Rewrite gives keys of a sweep file other values and leaves everything else as it is written, comments
// included. Each of set is KEY=VALUE in TOML, as for [Changes]; a key that is missing is added to its
// table, and a missing table at the end. The result is not checked beyond being TOML.
func Rewrite(file string, text []byte, set []string) ([]byte, error) {
	for _, change := range set {
		var err error
		if text, err = rewrite(file, text, change); err != nil {
			return nil, err
		}
	}
	return text, nil
}

// Renew is the changes that make the text of a stored sweep, under its overrides, one that a new file may have.
func Renew(file string, text []byte, overrides []string) (set []string, err error) {
	if text, err = Rewrite(file, text, overrides); err != nil {
		return nil, err
	}
	root, problems := parse(newDocument(file, text))
	if len(problems) > 0 {
		return nil, problems
	}
	rule := root.find("early_stop")
	if rule == nil {
		return nil, nil
	}
	if e := rule.value.find(restoreBest); e != nil && e.value.kind == nodeFlag && !e.value.flag {
		set = []string{"early_stop." + restoreBest + "=true", `metric.at="` + string(runner.AtLast) + `"`}
	}
	return set, nil
}

func rewrite(file string, text []byte, change string) ([]byte, error) {
	root, problems := parse(newDocument(file, text))
	if len(problems) > 0 {
		return nil, problems
	}
	tree, problems := parse(newDocument(setFlag, []byte(change)))
	if len(problems) > 0 {
		return nil, problems
	}
	_, value, _ := strings.Cut(change, "=")
	value = strings.TrimSpace(value)
	var path []string
	into := root
	for {
		if len(tree.entries) != 1 {
			return nil, fmt.Errorf("%q does not set one key", change)
		}
		e := tree.entries[0]
		path = append(path, e.name)
		if e.value.kind != nodeTable || e.value.origin != dotted {
			break
		}
		tree = e.value
	}
	for _, name := range path[:len(path)-1] {
		found := into.find(name)
		if found == nil {
			into = nil
			break
		}
		if found.value.kind != nodeTable {
			return nil, fmt.Errorf("%s is %s, so it has no keys", name, found.value.kind)
		}
		into = found.value
	}
	name := path[len(path)-1]
	if into != nil {
		if found := into.find(name); found != nil && !(found.value.origin == headed) {
			return splice(text, found.value.at, value), nil
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
		return splice(text, span{at, at}, name+" = "+value+"\n"), nil
	case into != nil && into.origin == headed:
		at := into.at.to
		if n := bytes.IndexByte(text[at:], '\n'); n >= 0 {
			at += n + 1
			return splice(text, span{at, at}, name+" = "+value+"\n"), nil
		}
		return splice(text, span{len(text), len(text)}, "\n"+name+" = "+value+"\n"), nil
	case into == nil:
		tail := "\n[" + strings.Join(path[:len(path)-1], ".") + "]\n" + name + " = " + value + "\n"
		if len(text) > 0 && text[len(text)-1] != '\n' {
			tail = "\n" + tail
		}
		return append(bytes.Clone(text), tail...), nil
	}
	return nil, fmt.Errorf("%s cannot be added to a table that is written as a value", strings.Join(path, "."))
}

func splice(text []byte, at span, with string) []byte {
	out := append(bytes.Clone(text[:at.from]), with...)
	return append(out, text[at.to:]...)
}
