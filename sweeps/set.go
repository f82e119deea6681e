package sweeps

import (
	"fmt"
	"strings"
)

// setFlag begins the name of the place of what is wrong in an override.
const setFlag = "--set "

// set gives one key of the file another value, as KEY=VALUE says in TOML: keys are dotted, and tables
// that are missing on the way are made.
func (d *decoder) set(root *node, text string) {
	key, _, ok := strings.Cut(text, "=")
	doc := newDocument(setFlag+strings.TrimSpace(key), []byte(text))
	at := d.attach(doc)
	whole := span{at, at + len(text)}
	const example = `for instance --set task.epochs=5, or --set 'grid.lr=[1e-3, 1e-2]'; texts have quotes: --set 'task.model="mlp"'`
	if !ok {
		d.report(whole, Problem{Message: "an override wants KEY=VALUE", Help: example})
		return
	}
	tree, problems := parse(doc)
	if len(problems) > 0 {
		for i := range problems {
			problems[i].Help = example
		}
		d.problems = append(d.problems, problems...)
		return
	}
	shift(tree, at)
	into := root
	for {
		if len(tree.entries) != 1 || tree.entries[0].value.origin == headed {
			d.report(whole, Problem{Message: "an override sets one key", Help: example})
			return
		}
		e := tree.entries[0]
		found := into.find(e.name)
		if e.value.kind != nodeTable || e.value.origin != dotted {
			if found != nil {
				found.at, found.value = e.at, e.value
			} else {
				into.add(e.name, e.at, e.value)
			}
			return
		}
		switch {
		case found == nil:
			next := &node{kind: nodeTable, at: e.at}
			into.add(e.name, e.at, next)
			into = next
		case found.value.kind != nodeTable:
			d.report(e.at, Problem{Message: fmt.Sprintf("`%s` is %s in the file, so it has no keys", clip(e.name), found.value.kind)})
			return
		default:
			into = found.value
		}
		tree = e.value
	}
}

// shift moves all places of a tree.
func shift(n *node, by int) {
	move := func(at *span) { *at = span{at.from + by, at.to + by} }
	move(&n.at)
	for _, e := range n.entries {
		move(&e.at)
		shift(e.value, by)
	}
	for _, item := range n.items {
		shift(item, by)
	}
}
