package where

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
)

// trial has values of every type; optimizer.beta1 is a name that it has none of.
var trial = map[string]plugins.Value{
	"optimizer":          plugins.Text("sgd"),
	"optimizer.nesterov": plugins.Flag(true),
	"optimizer.momentum": plugins.Real(0.9),
	"lr":                 plugins.Real(1e-3),
	"lambda":             plugins.Integer(0),
	"seed":               plugins.Integer(math.MaxInt64),
	"task.batch":         plugins.Text("full"),
	"metric.val_loss":    plugins.Real(math.NaN()),
	"metric.J":           plugins.Real(math.Inf(1)),
}

var schema = Schema{
	Names: map[string]Type{
		"optimizer": Text, "optimizer.nesterov": Flag, "optimizer.momentum": Number, "optimizer.beta1": Number,
		"optimizer.amsgrad": Flag, "lr": Number, "lambda": Number, "seed": Number, "task.batch": Varied,
	},
	Family: func(name string) (Type, bool) { return Number, strings.HasPrefix(name, "metric.") },
	Hints:  []string{"lr", "optimizer", "optimizer.momentum"},
	Nearest: func(given string, known []string) string {
		i := slices.IndexFunc(known, func(k string) bool { return len(k) == len(given) && k[0] == given[0] })
		if i < 0 {
			return ""
		}
		return known[i]
	},
}

func lookup(name string) (plugins.Value, bool) {
	v, ok := trial[name]
	return v, ok
}

func TestValues(t *testing.T) {
	for text, want := range map[string]bool{
		`optimizer == 'sgd' and lr < 3e-3`: true,
		`optimizer == "adam" or lr < 3e-3`: true,
		`optimizer != 'sgd'`:               false,
		`lr == 0.001`:                      true,
		`lr <= 1e-3 and lr >= 1e-3`:        true,
		`lr > 1e-3 or lr < 1e-3`:           false,
		`lambda == 0.0`:                    true,
		`lambda == -0`:                     true,
		`optimizer.nesterov`:               true,
		`not optimizer.nesterov`:           false,
		`optimizer.nesterov == true`:       true,
		`optimizer.nesterov != false`:      true,
		`true`:                             true,
		// Precedence.
		`true or true and false`:                              true,
		`(true or true) and false`:                            false,
		`not false and false`:                                 false,
		`not (false and false)`:                               true,
		`not lr == 1`:                                         true,
		`(lr == 1) == false`:                                  true,
		`1 + 2 * 3 == 7`:                                      true,
		`(1 + 2) * 3 == 9`:                                    true,
		`8 / 2 / 2 == 2 and 8 - 2 - 2 == 4`:                   true,
		`8 / (2 / 2) == 8 and 8 - (2 - 2) == 8`:               true,
		`-lr + 1e-3 == 0`:                                     true,
		`2 - -2 == 4 and - -2 == 2`:                           true,
		`1 / 2 == 0.5`:                                        true,
		`lr * 0.98 < lr`:                                      true,
		"optimizer\t==\n 'sgd'\r":                             true,
		`optimizer in ['sgd', 'adam']`:                        true,
		`optimizer in ['adam',]`:                              false,
		`optimizer not in ["adam"]`:                           true,
		`not optimizer in ['adam']`:                           true,
		`lr in [1, 1e-3]`:                                     true,
		`lr not in [-1e-3]`:                                   true,
		`'a"b' == 'a"b' and "it's" != 'its'`:                  true,
		`seed == 9223372036854775807`:                         true,
		`seed == 9223372036854775806`:                         false, // exact beyond 2⁵³
		`seed == 9223372036854775807.0`:                       true,  // as float64
		`metric.J > 1e308 and metric.J == metric.J`:           true,
		`task.batch == 'full' and task.batch in ['full', 32]`: true,
		// A missing value makes comparisons false, and so do NaN and what has no value.
		`optimizer.beta1 == 0.9 or optimizer.beta1 != 0.9`:                    false,
		`optimizer.beta1 in [0.9] or optimizer.beta1 not in [0.9]`:            false,
		`optimizer.beta1 == optimizer.beta1`:                                  false,
		`optimizer.beta1 * 0 == 0 or -optimizer.beta1 < 1`:                    false,
		`not optimizer.beta1 == 0.9`:                                          true,
		`optimizer.amsgrad`:                                                   false,
		`not optimizer.amsgrad`:                                               true,
		`optimizer.amsgrad == false`:                                          false,
		`metric.val_loss < 1 or metric.val_loss >= 1 or metric.val_loss != 1`: false,
		`lr / lambda > 0 or lr / lambda <= 0`:                                 false,
		`metric.J - metric.J != 0`:                                            false,
		// So does a value of another type than the one that it is compared with.
		`task.batch == 32 or task.batch != 32 or task.batch < 32 or task.batch + 1 > 0`: false,
		`task.batch not in [32, 64]`:       false,
		`task.batch < task.batch`:          false,
		`task.batch or task.batch == true`: false,
	} {
		e, err := Compile(text, schema)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := e.Evaluate(lookup); got != want {
			t.Errorf("%s is %v, want %v", text, got, want)
		}
	}
}

func TestValueOfAPart(t *testing.T) {
	e, err := Compile("lr * 2 < metric.val_loss", schema)
	if err != nil {
		t.Fatal(err)
	}
	root := e.Root.(*Binary)
	if v, ok := Value(root.Left, lookup); !ok || v != plugins.Real(0.002) {
		t.Errorf("got %v, %v", v, ok)
	}
	if v, ok := Value(root.Right, lookup); ok {
		t.Errorf("NaN has the value %v", v)
	}
}

func TestCanonicalForm(t *testing.T) {
	for text, want := range map[string]string{
		`optimizer=="sgd"and((lr<3e-3))`:            `optimizer == 'sgd' and lr < 0.003`,
		`(true and true) or (true and false)`:       `true and true or true and false`,
		`true and (true or false)`:                  `true and (true or false)`,
		`true or (true or false)`:                   `true or (true or false)`,
		`(true or true) or false`:                   `true or true or false`,
		`not (not (lr == 1e0))`:                     `not not lr == 1`,
		`not (true and false)`:                      `not (true and false)`,
		`(lr < 1) == (not true)`:                    `(lr < 1) == (not true)`,
		`lr - (1 - 2) - 3 < (lr / (2 * 3)) * 4`:     `lr - (1 - 2) - 3 < lr / (2 * 3) * 4`,
		`-(lr + 1) < - - lr`:                        `-(lr + 1) < --lr`,
		`-(-(2)) < 1e6`:                             `2 < 1000000`,
		`lr < 1e300 or lr < 9223372036854775808`:    `lr < 1e+300 or lr < 9.223372036854776e+18`,
		`optimizer not in [ "it's" , 'a"b', "c", ]`: `optimizer not in ["it's", 'a"b', 'c']`,
		`(lr in [-1, 2.50]) == true`:                `(lr in [-1, 2.5]) == true`,
		`not (lr in [1])`:                           `not lr in [1]`,
	} {
		e, err := Compile(text, schema)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := e.String(); got != want {
			t.Errorf("%s prints as\n%s, want\n%s", text, got, want)
		}
	}
}

func TestWalkGoesThroughAllParts(t *testing.T) {
	e, err := Compile("not (lr + 1 < 2) or optimizer in ['a', 'b']", schema)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	Walk(e.Root, func(n Node) bool {
		got = append(got, text(n))
		return text(n) != "lr + 1"
	})
	want := []string{e.String(), "not lr + 1 < 2", "lr + 1 < 2", "lr + 1", "2", "optimizer in ['a', 'b']", "optimizer", "'a'", "'b'"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func FuzzCompile(f *testing.F) {
	wrong, _ := wrongExpressions(f)
	for _, text := range wrong {
		f.Add(text)
	}
	for _, text := range []string{
		"optimizer == 'sgd' and lr < 3e-3 or not (task.batch not in ['full', -32])", "n.a * -(n.b - 2) / 1e-3 >= --n or f.x == (not f.y)",
		`t == "it's" or t != 'a"b' and v and v < 1`, "((((f))))", strings.Repeat("(", 70), strings.Repeat("not ", 70), strings.Repeat("-", 70),
	} {
		f.Add(text)
	}
	// The first letter of a name gives its type.
	types := map[byte]Type{'n': Number, 't': Text, 'f': Flag, 'v': Varied}
	open := Schema{Names: schema.Names, Family: func(name string) (Type, bool) {
		is, ok := types[name[0]]
		return is, ok
	}}
	values := []plugins.Value{plugins.Real(1e-3), plugins.Integer(-2), plugins.Text("sgd"), plugins.Flag(true), {}}
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Compile(text, open)
		if err != nil {
			var wrong *Error
			if !errors.As(err, &wrong) || wrong.Message == "" || wrong.From < 0 || wrong.From > wrong.To || wrong.To > len(text) {
				t.Fatalf("%q: the error %+v", text, err)
			}
			return
		}
		printed := e.String()
		root, err := compile(printed, open) // which may be longer than what Compile takes
		if err != nil {
			t.Fatalf("%q prints as %q: %v", text, printed, err)
		}
		again := &Expression{root}
		if again.String() != printed || !same(e.Root, root) {
			t.Fatalf("%q prints as %q and then as %q, trees equal: %v", text, printed, again, same(e.Root, root))
		}
		names := func(name string) (plugins.Value, bool) {
			v := values[len(name)%len(values)]
			return v, !v.IsZero()
		}
		if e.Evaluate(names) != again.Evaluate(names) {
			t.Fatalf("%q and %q differ in value", text, printed)
		}
	})
}

// same compares trees but for places.
func same(a, b Node) bool {
	switch a := a.(type) {
	case *Literal:
		b, ok := b.(*Literal)
		return ok && a.Value == b.Value
	case *Name:
		b, ok := b.(*Name)
		return ok && a.Name == b.Name && a.Is == b.Is
	case *Unary:
		b, ok := b.(*Unary)
		return ok && a.Op == b.Op && same(a.Operand, b.Operand)
	case *Binary:
		b, ok := b.(*Binary)
		return ok && a.Op == b.Op && same(a.Left, b.Left) && same(a.Right, b.Right)
	case *Member:
		b, ok := b.(*Member)
		return ok && a.Not == b.Not && same(a.Operand, b.Operand) &&
			slices.EqualFunc(a.List, b.List, func(a, b *Literal) bool { return a.Value == b.Value })
	}
	return false
}
