package store

import (
	"database/sql/driver"
	"regexp"
	"sync"

	"modernc.org/sqlite"
)

// patterns caches compiled regular expressions: SQLite passes the pattern with every row.
type patterns struct {
	mu    sync.RWMutex
	known map[string]*regexp.Regexp
}

// maxPatterns limits the cache.
const maxPatterns = 256

func (p *patterns) of(pattern string) (*regexp.Regexp, error) {
	p.mu.RLock()
	compiled := p.known[pattern]
	p.mu.RUnlock()
	if compiled != nil {
		return compiled, nil
	}
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.known) >= maxPatterns {
		clear(p.known)
	}
	p.known[pattern] = compiled
	return compiled, nil
}

// registerRegexp gives all connections the function behind X REGEXP Y: whether the pattern Y, of
// RE2, occurs in the text X. It is NULL where either is no text.
func registerRegexp() error {
	p := &patterns{known: map[string]*regexp.Regexp{}}
	return sqlite.RegisterDeterministicScalarFunction("regexp", 2, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		pattern, isPattern := args[0].(string)
		text, isText := args[1].(string)
		if !isPattern || !isText {
			return nil, nil
		}
		compiled, err := p.of(pattern)
		if err != nil {
			return nil, err
		}
		return compiled.MatchString(text), nil
	})
}
