package document

import (
	"fmt"
	"strings"
)

// setFlag begins the name of a document that is an override.
const setFlag = "--set "

// Set gives one key of a tree another value, as KEY=VALUE says in TOML. The key may be dotted; tables
// that are missing on the way are made. The text is attached to the document.
func (d *Document) Set(root *Node, text string) Problems {
	key, _, ok := strings.Cut(text, "=")
	doc := New(setFlag+strings.TrimSpace(key), []byte(text))
	at := d.Attach(doc)
	whole := Span{at, at + len(text)}
	const example = `for instance --set task.epochs=5, or --set 'grid.lr=[1e-3, 1e-2]'; texts have quotes: --set 'task.model="mlp"'`
	if !ok {
		return Problems{d.Locate(whole, Problem{Message: "an override wants KEY=VALUE", Help: example})}
	}
	tree, problems := Parse(doc)
	if len(problems) > 0 {
		for i := range problems {
			problems[i].Help = example
		}
		return problems
	}
	shift(tree, at)
	into := root
	for {
		if len(tree.Entries) != 1 || tree.Entries[0].Value.Origin == Headed {
			return Problems{d.Locate(whole, Problem{Message: "an override sets one key", Help: example})}
		}
		e := tree.Entries[0]
		found := into.Find(e.Name)
		if e.Value.Kind != Table || e.Value.Origin != Dotted {
			if found != nil {
				found.At, found.Value = e.At, e.Value
			} else {
				into.Add(e.Name, e.At, e.Value)
			}
			return nil
		}
		switch {
		case found == nil:
			next := &Node{Kind: Table, At: e.At}
			into.Add(e.Name, e.At, next)
			into = next
		case found.Value.Kind != Table:
			return Problems{d.Locate(e.At, Problem{Message: fmt.Sprintf("`%s` is %s in the file, so it has no keys", Clip(e.Name), found.Value.Kind)})}
		default:
			into = found.Value
		}
		tree = e.Value
	}
}

// shift moves all places of a tree.
func shift(n *Node, by int) {
	move := func(at *Span) { *at = Span{at.From + by, at.To + by} }
	move(&n.At)
	for _, e := range n.Entries {
		move(&e.At)
		shift(e.Value, by)
	}
	for _, item := range n.Items {
		shift(item, by)
	}
}

// Include parses another text and attaches it to the document. The tree is that of the other text alone.
func (d *Document) Include(other *Document) (*Node, Problems) {
	tree, problems := Parse(other)
	if len(problems) > 0 {
		return nil, problems
	}
	shift(tree, d.Attach(other))
	return tree, nil
}
