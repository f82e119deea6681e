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
	"optimizer":           plugins.Text("sgd"),
	"optimizer.nesterov":  plugins.Flag(true),
	"optimizer.momentum":  plugins.Real(0.9),
	"lr":                  plugins.Real(1e-3),
	"lambda":              plugins.Integer(0),
	"seed":                plugins.Integer(math.MaxInt64),
	"task.batch":          plugins.Text("full"),
	"metric.val_loss":     plugins.Real(math.NaN()),
	"metric.J":            plugins.Real(math.Inf(1)),
	"min(metric.J)":       plugins.Real(2),
	"step(max(metric.J))": plugins.Integer(3),
	"count('a b')":        plugins.Integer(8),
	"weight-decay":        plugins.Real(0.03162277660168379),
	"in":                  plugins.Real(-1e-300),
	"a`b":                 plugins.Integer(10004),
	"grid.status":         plugins.Integer(1),
	"started_at":          plugins.Text("2026-01-31T12:00:00Z"),
}

var schema = Schema{
	Names: map[string]Type{
		"optimizer": Text, "optimizer.nesterov": Flag, "optimizer.momentum": Number, "optimizer.beta1": Number,
		"optimizer.amsgrad": Flag, "lr": Number, "lambda": Number, "seed": Number, "task.batch": Varied,
		"weight-decay": Number, "in": Number, "a`b": Number, "grid.status": Number, "run.status": Text, "started_at": Time,
		"optimizer.mu": Number, "regularizer.mu": Number,
	},
	Ambiguous: map[string][]string{"status": {"grid.status", "run.status"}},
	Family: func(name string) (Type, bool) {
		c, ok := CallOf(name)
		return Number, strings.HasPrefix(name, "metric.") || ok && (strings.HasPrefix(c.Metric, "metric.") || c.Metric == "a b")
	},
	Hints: []string{"lr", "optimizer", "optimizer.momentum", "metric.J"},
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
		// Patterns, and values that are missing.
		`optimizer ~ 'g' and optimizer ~ '^s.d$'`:                                  true,
		`optimizer ~ '^g'`:                                                         false,
		`optimizer not ~ '^g' and not optimizer ~ '^g'`:                            true,
		`optimizer not ~ 'sgd'`:                                                    false,
		`task.batch ~ '^f' and 'abc' ~ 'b+'`:                                       true,
		`lr is not null and optimizer.beta1 is null`:                               true,
		`lr is null or optimizer.beta1 is not null`:                                false,
		`metric.val_loss is null and lr / lambda is null and lr / 2 is not null`:   true,
		`(optimizer.beta1 == 1) is null or optimizer.amsgrad is not null`:          false,
		`min(metric.J) > 1 and step( max ( metric.J ) ) == 3 and count('a b') < 9`: true,
		`mean(metric.J) is null and mean(metric.J) + 1 is null`:                    true,
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
		// Names that are no words, short names, and names of several things.
		"`weight-decay` > 0 and `in` < 0 and `lr` == 0.001": true,
		"-`weight-decay` < `in` - 1 + 1":                    true,
		"`a``b` == 10004":                                   true,
		`momentum == 0.9 and nesterov and beta1 is null`:    true,
		`grid.status == 1 and run.status is null`:           true,
		// A real number equals what is shown for it, an integer itself alone.
		"`weight-decay` == 3.162e-2 and 3.162e-2 == `weight-decay`":                      true,
		"`weight-decay` != 3.162e-2":                                                     false,
		"`weight-decay` in [1, 3.162e-2] and not `weight-decay` in [3.161e-2, 3.163e-2]": true,
		"`weight-decay` not in [1, 3.162e-2]":                                            false,
		"`weight-decay` == 3.1622e-2 or `weight-decay` == 0.0316":                        false,
		"`weight-decay` < 3.162e-2 or `weight-decay` <= 3.162e-2":                        false, // order is of the numbers themselves
		"`weight-decay` * 1 == 3.162e-2":                                                 false, // and so is arithmetic
		"`in` == -1e-300 and `in` != 0":                                                  true,
		"`a``b` == 10000 or `a``b` in [10000]":                                           false,
		// Times.
		`started_at > '2026-01-31' and started_at < '2026-02' and started_at > "2026"`:   true,
		`started_at == '2026-01-31 12:00' and '2026-01-31T13:00:00+01:00' == started_at`: true,
		`started_at in ['2026-01-31 12:00:00'] and started_at not in ['2026']`:           true,
		`started_at <= '2026-01-31 11:59:59' or started_at != '2026-01-31T12:00:00Z'`:    false,
		`started_at ~ '^2026' and started_at == started_at`:                              true,
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
		`not(optimizer~"it's")`:                     `not optimizer ~ "it's"`,
		`(optimizer)not~'\d'and lr is  null`:        `optimizer not ~ '\d' and lr is null`,
		`(lr+1 is not null)==true`:                  `(lr + 1 is not null) == true`,
		`step(min("metric.J"))<count("a b")`:        `step(min(metric.J)) < count('a b')`,
		"`lr`+`weight-decay`<`in`/`a``b`":           "lr + `weight-decay` < `in` / `a``b`",
		"min(`metric.J`)<count(`a b`)":              "min(metric.J) < count('a b')",
		"momentum<1":                                "optimizer.momentum < 1",
		"started_at>='2026-02'":                     "started_at >= '2026-02-01T00:00:00Z'",
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
	wrong := wrongExpressions(f)
	for _, text := range wrong {
		f.Add(text)
	}
	for _, text := range []string{
		"optimizer == 'sgd' and lr < 3e-3 or not (task.batch not in ['full', -32])", "n.a * -(n.b - 2) / 1e-3 >= --n or f.x == (not f.y)",
		`t == "it's" or t != 'a"b' and v and v < 1`, "((((f))))", strings.Repeat("(", 70), strings.Repeat("not ", 70), strings.Repeat("-", 70),
		`t ~ '^s.d$' or t not ~ "[" and v is not null`, `min(n) < step(max("top-5")) or count('in') is null`, strings.Repeat("-", 60) + "n" + strings.Repeat("+n", 300) + "<1",
	} {
		f.Add(text)
	}
	// The first letter of a name gives its type.
	types := map[byte]Type{'n': Number, 't': Text, 'f': Flag, 'v': Varied}
	open := Schema{Names: schema.Names, Family: func(name string) (Type, bool) {
		if c, ok := CallOf(name); ok {
			return Number, c.String() == name
		}
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
		tokens, wrong := lex(printed) // which may be longer than what Compile takes
		var root Node
		if wrong == nil {
			root, wrong = compile(&parser{tokens: tokens}, open)
		}
		if wrong != nil {
			t.Fatalf("%q prints as %q: %v", text, printed, wrong)
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
	case *Match:
		b, ok := b.(*Match)
		return ok && a.Not == b.Not && same(a.Operand, b.Operand) && a.Pattern.Value == b.Pattern.Value
	case *Null:
		b, ok := b.(*Null)
		return ok && a.Not == b.Not && same(a.Operand, b.Operand)
	}
	return false
}

func TestColumnsAndOrder(t *testing.T) {
	list, err := Columns("min(metric.J), step(min(metric.J)),optimizer.momentum, lr*2 , optimizer=='sgd', -lr", schema)
	if err != nil {
		t.Fatal(err)
	}
	var texts, values []string
	for _, c := range list {
		texts = append(texts, c.Text)
		v, ok := Value(c.Root, lookup)
		if !ok {
			v = plugins.Text("missing")
		}
		values = append(values, v.String())
	}
	if want := []string{"min(metric.J)", "step(min(metric.J))", "optimizer.momentum", "lr * 2", "optimizer == 'sgd'", "-lr"}; !slices.Equal(texts, want) {
		t.Errorf("columns %q", texts)
	}
	if want := []string{"2", "missing", "0.9", "0.002", "true", "-0.001"}; !slices.Equal(values, want) {
		t.Errorf("values %q", values)
	}
	keys, err := Order("-optimizer, lr, -(lr), --lr", schema)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, k := range keys {
		got = append(got, k.Text+map[bool]string{true: " down"}[k.Descending])
	}
	if want := []string{"optimizer down", "lr", "lr down", "-lr down"}; !slices.Equal(got, want) {
		t.Errorf("keys %q", got)
	}
	for text, want := range map[string]string{
		"":              "expected a value or a name, but the expression ends",
		"lr,":           "expected a value or a name, but the expression ends",
		"lr lr":         "expected `,` or an operator, got `lr`",
		"lr, optimiser": "unknown name `optimiser`",
		"lr)":           "expected `,` or an operator, got `)`",
		"-optimizer":    "`-` wants numbers, but `optimizer` is text",
	} {
		if _, err := Columns(text, schema); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func TestCallsTakenApart(t *testing.T) {
	for name, want := range map[string]Call{
		"min(val_loss)":        {Func: "min", Metric: "val_loss"},
		"step(max(val/acc))":   {},
		"step(max('val/acc'))": {Func: "max", Step: true, Metric: "val/acc"},
		`mean("it's (so)")`:    {Func: "mean", Metric: "it's (so)"},
		"last('in')":           {Func: "last", Metric: "in"},
		"val_loss":             {},
		"loss (%)":             {}, // a name that ends as a call does
		"total(loss)":          {},
		"step(loss)":           {},
	} {
		got, ok := CallOf(name)
		if want == (Call{}) {
			if ok && (got.String() == name || !strings.HasPrefix(name, "step(max(")) {
				t.Errorf("%s is %+v", name, got)
			}
			continue
		}
		if !ok || got != want || got.String() != name {
			t.Errorf("%s is %+v, %v, and prints as %s", name, got, ok, got)
		}
	}
}
