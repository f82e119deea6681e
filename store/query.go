package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"modernc.org/sqlite"
)

// A QueryError is a mistake in a statement.
type QueryError struct {
	Message  string
	From, To int // its place, in bytes of the statement; both 0 if unknown
	Help     string
}

func (e *QueryError) Error() string { return e.Message }

// Hint says what to do.
func (e *QueryError) Hint() string { return e.Help }

// A Query is a statement that reads.
type Query struct {
	Text       string
	Parameters map[string]any // values by name, without :, @ or $: int64, float64, string or nil
}

// Query runs one statement that reads. It calls columns once with the names of the columns, and row for every row with
// nil, int64, float64, string or []byte for each column. row may keep the values, but not the slice. Statements that
// could write, in the database or elsewhere, are refused before they run. The end of ctx interrupts the statement. A
// mistake in the statement is a [*QueryError].
func (s *Store) Query(ctx context.Context, q Query, columns func([]string) error, row func([]any) error) error {
	if err := only(q.Text); err != nil {
		return err
	}
	conn, err := s.reads.Conn(ctx)
	if err != nil {
		return explain(s.path, "query", err)
	}
	// The connection is not reused: it refuses more than others.
	defer conn.Close()
	defer conn.Raw(func(any) error { return driver.ErrBadConn })
	var refused string
	err = conn.Raw(func(c any) error {
		guarded, ok := c.(sqlite.AuthorizerRegisterer)
		if !ok {
			return errors.New("the SQLite driver cannot refuse statements")
		}
		return guarded.RegisterAuthorizer(func(action sqlite.AuthorizerActionCode, arg1, arg2, _, _ string) sqlite.AuthorizerReturnCode {
			if allowed(action, arg1, arg2) {
				return sqlite.AuthorizerOK
			}
			if refused == "" {
				refused = deed(action, arg1, arg2)
			}
			return sqlite.AuthorizerDeny
		})
	})
	if err != nil {
		return err
	}
	var args []any
	for name, v := range q.Parameters {
		args = append(args, sql.Named(name, v))
	}
	err = scanAll(ctx, conn, q.Text, args, columns, row)
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case refused != "":
		return &QueryError{Message: refused + " is refused", Help: "the statement may only read"}
	}
	return s.mistake(q.Text, err)
}

func scanAll(ctx context.Context, conn *sql.Conn, text string, args []any, columns func([]string) error, row func([]any) error) error {
	rows, err := conn.QueryContext(ctx, text, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	if err := columns(names); err != nil {
		return &callerError{err}
	}
	values := make([]any, len(names))
	into := make([]any, len(names))
	for i := range values {
		into[i] = &values[i]
	}
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if err := row(values); err != nil {
			return &callerError{err}
		}
	}
	return rows.Err()
}

// A callerError is an error of a callback, not of the statement.
type callerError struct{ err error }

func (e *callerError) Error() string { return e.err.Error() }

// harmlessPragmas read the schema and change nothing.
var harmlessPragmas = []string{"table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo", "foreign_key_list",
	"function_list", "collation_list", "compile_options", "user_version", "application_id", "encoding", "page_count", "page_size", "freelist_count", "database_list"}

// allowed are the actions of SQLite that a statement may cause.
func allowed(action sqlite.AuthorizerActionCode, arg1, arg2 string) bool {
	switch action {
	case sqlite.AuthSelect, sqlite.AuthRead, sqlite.AuthRecursive:
		return true
	case sqlite.AuthFunction:
		return !slices.Contains([]string{"load_extension", "fts3_tokenizer", "writefile", "readfile", "edit"}, strings.ToLower(arg2))
	case sqlite.AuthPragma:
		// The argument of one of these is the name of a table, not a value to set.
		name := strings.ToLower(arg1)
		return slices.Contains(harmlessPragmas, name) && (arg2 == "" || strings.HasSuffix(name, "_info") || strings.HasSuffix(name, "_xinfo") || strings.HasSuffix(name, "_list"))
	}
	return false
}

// deed describes an action that is refused.
func deed(action sqlite.AuthorizerActionCode, arg1, arg2 string) string {
	switch action {
	case sqlite.AuthInsert:
		return "INSERT into " + arg1
	case sqlite.AuthUpdate:
		return "UPDATE of " + arg1
	case sqlite.AuthDelete:
		return "DELETE from " + arg1
	case sqlite.AuthAttach:
		return "ATTACH"
	case sqlite.AuthPragma:
		return "PRAGMA " + arg1
	case sqlite.AuthFunction:
		return "the function " + arg2
	}
	return "a statement that changes something"
}

// reading are the first words of statements that read.
var reading = []string{"SELECT", "WITH", "VALUES", "EXPLAIN"}

// only refuses a text that is not exactly one reading statement.
func only(text string) error {
	end := 0 // of the first statement
	first := ""
	for at := 0; at < len(text); {
		size, kind := sqlToken(text[at:])
		part := text[at : at+size]
		switch {
		case kind == sqlSpace:
		case end > 0 && part != ";":
			return &QueryError{Message: "there is more than one statement", From: at, To: at + size, Help: "give one statement at a time"}
		case part == ";":
			if first != "" {
				end = at + size
			}
		case first == "":
			first = strings.ToUpper(part)
			if !slices.Contains(reading, first) {
				return &QueryError{Message: fmt.Sprintf("a statement that begins with %s is refused", part), From: at, To: at + size,
					Help: "statements that read begin with " + strings.Join(reading, ", ")}
			}
		}
		at += size
	}
	if first == "" {
		return &QueryError{Message: "there is no statement", Help: `for instance "SELECT * FROM runs LIMIT 3"`}
	}
	return nil
}

type sqlKind int

const (
	sqlSpace  sqlKind = iota // or a comment
	sqlWord                  // a name or a keyword
	sqlQuoted                // anything in quotation marks
	sqlSign
)

// sqlToken returns the length and the kind of the first token of a text, as SQLite splits it.
func sqlToken(text string) (size int, kind sqlKind) {
	until := func(end string, from int) int {
		if i := strings.Index(text[from:], end); i >= 0 {
			return from + i + len(end)
		}
		return len(text)
	}
	inWord := func(c byte) bool {
		return c >= 0x80 || c == '_' || c == '$' || '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z'
	}
	switch c := text[0]; {
	case strings.IndexByte(" \t\n\r\f", c) >= 0:
		return 1, sqlSpace
	case strings.HasPrefix(text, "\ufeff"):
		return len("\ufeff"), sqlSpace
	case strings.HasPrefix(text, "--"):
		return until("\n", 2), sqlSpace
	case strings.HasPrefix(text, "/*"):
		return until("*/", 2), sqlSpace
	case c == '[':
		return until("]", 1), sqlQuoted
	case c == '\'' || c == '"' || c == '`':
		at := until(text[:1], 1)
		for at < len(text) && text[at] == c { // doubled, it stands for itself
			at = until(text[:1], at+1)
		}
		return at, sqlQuoted
	case inWord(c):
		n := 1
		for n < len(text) && inWord(text[n]) {
			n++
		}
		return n, sqlWord
	}
	return 1, sqlSign
}

var (
	nearWord = regexp.MustCompile(`near "(.*)": syntax error`)
	noSuch   = regexp.MustCompile(`(?:no such (?:table|column|function)|ambiguous column name|wrong number of arguments to function): ?([\w.]+)`)
	tail     = regexp.MustCompile(` \(\d+\)$`)
)

// mistake makes a QueryError of an error of SQLite. It takes the place in the statement from SQLite's words, if they
// are clear.
func (s *Store) mistake(text string, err error) error {
	var caller *callerError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &caller):
		return caller.err
	}
	if err = explain(s.path, "query", err); Unavailable(err) {
		return err
	}
	message := strings.TrimPrefix(err.Error(), "query: ")
	message = strings.TrimPrefix(tail.ReplaceAllString(message, ""), "SQL logic error: ")
	e := &QueryError{Message: message}
	if column, ok := strings.CutPrefix(message, "ambiguous column name: "); ok {
		e.Help = fmt.Sprintf("several views have it: name one, as in runs.%s", column[strings.LastIndexByte(column, '.')+1:])
	}
	for _, about := range []*regexp.Regexp{nearWord, noSuch} {
		if m := about.FindStringSubmatch(message); m != nil {
			e.From, e.To = place(text, m[1])
			break
		}
	}
	return e
}

// place finds a token, or a word after a dot, that occurs once in a statement.
func place(text, word string) (from, to int) {
	word = word[strings.LastIndexByte(word, '.')+1:]
	for at := 0; at < len(text); {
		size, kind := sqlToken(text[at:])
		if kind != sqlSpace && (strings.EqualFold(text[at:at+size], word) || kind == sqlQuoted && strings.EqualFold(strings.Trim(text[at:at+size], "\"`[]"), word)) {
			if to > 0 {
				return 0, 0
			}
			from, to = at, at+size
		}
		at += size
	}
	return from, to
}
