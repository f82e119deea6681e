package where

import (
	"errors"
	"strings"
	"testing"
)

func TestSQLHoldsNoValues(t *testing.T) {
	e, err := Compile(`(optimizer == 'x_1' or optimizer ~ 'x_2') and lr < 7001 and lr not in [7002, 7.003] and task.batch in ['x_3', 7004, true]
		and -lr * 7005 < 7006.5 and seed == 9007199254740993 and true and not optimizer.nesterov`, schema)
	if err != nil {
		t.Fatal(err)
	}
	text, args, err := e.SQL(func(name string) (string, []any, bool) { return "coalesce(col, ?)", []any{name}, true })
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text, "70") || strings.Contains(text, "x_") {
		t.Errorf("values in %s", text)
	}
	if want := strings.Count(text, "?"); want != len(args) {
		t.Errorf("%d parameters for %d places in %s", len(args), want, text)
	}
	_, _, err = e.SQL(func(name string) (string, []any, bool) { return "x", nil, name != "seed" })
	var wrong *Error
	if !errors.As(err, &wrong) || e.String() == "" || wrong.Message != "`seed` cannot be looked up here" {
		t.Errorf("got %v", err)
	}
}
