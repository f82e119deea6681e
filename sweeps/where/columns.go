package where

// A Column is one expression, of any type, of a list.
type Column struct {
	Text string // in its canonical form
	Root Node   // for [Value]
	// Descending is set by [Order] where a minus stands before the whole key.
	Descending bool
}

// Columns reads a list such as "min(val_loss), lr * 10, optimizer". Its error is an [*Error].
func Columns(text string, schema Schema) ([]Column, error) { return columns(text, schema, false) }

// Order reads a list of keys to sort by. A minus before a key, of whatever type, sorts by it from
// the last to the first. Its error is an [*Error].
func Order(text string, schema Schema) ([]Column, error) { return columns(text, schema, true) }

func columns(written string, schema Schema, keys bool) ([]Column, error) {
	p, wrong := newParser(written)
	if wrong != nil {
		return nil, wrong
	}
	var all []Column
	for {
		var c Column
		if keys {
			_, c.Descending = p.accept("-")
		}
		root, wrong := p.or()
		if wrong == nil {
			wrong = limit(root)
		}
		if wrong == nil {
			wrong = checker{schema}.check(root)
		}
		if wrong != nil {
			return nil, wrong
		}
		c.Root, c.Text = root, text(root)
		all = append(all, c)
		if p.peek().kind == tokenEnd {
			return all, nil
		}
		if _, ok := p.accept(","); !ok {
			return nil, p.unexpected("`,` or an operator")
		}
	}
}
