package where_test

import (
	"errors"
	"fmt"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/sweeps/where"
)

var schema = where.Schema{
	Names: map[string]where.Type{"optimizer": where.Text, "optimizer.momentum": where.Number, "lr": where.Number, "val_loss": where.Number, "min(val_loss)": where.Number},
	Hints: []string{"lr", "optimizer", "optimizer.momentum", "val_loss"},
}

// values looks names up in one trial.
func values(trial map[string]plugins.Value) func(string) (plugins.Value, bool) {
	return func(name string) (plugins.Value, bool) {
		v, ok := trial[name]
		return v, ok
	}
}

func ExampleCompile() {
	condition, err := where.Compile("optimizer == 'sgd' and lr < 3e-3", schema)
	if err != nil {
		fmt.Println(err)
		return
	}
	sgd := values(map[string]plugins.Value{"optimizer": plugins.Text("sgd"), "lr": plugins.Real(1e-3)})
	adam := values(map[string]plugins.Value{"optimizer": plugins.Text("adam"), "lr": plugins.Real(1e-3)})
	fmt.Println(condition, "holds for sgd:", condition.Evaluate(sgd), "for adam:", condition.Evaluate(adam))
	// Output:
	// optimizer == 'sgd' and lr < 0.003 holds for sgd: true for adam: false
}

// A wrong word is an error with its place.
func ExampleError() {
	text := "optimizr == 'sgd'"
	_, err := where.Compile(text, schema)
	var wrong *where.Error
	if errors.As(err, &wrong) {
		fmt.Println(wrong.Message, "in", text[wrong.From:wrong.To])
		fmt.Println(wrong.Help)
	}
	// Output:
	// unknown name `optimizr` in optimizr
	// names: lr, optimizer, optimizer.momentum, val_loss
}

// A comparison with a missing value is false, whichever it is.
func ExampleExpression_Evaluate() {
	adam := values(map[string]plugins.Value{"optimizer": plugins.Text("adam")})
	for _, text := range []string{"optimizer.momentum == 0.9", "optimizer.momentum != 0.9", "optimizer.momentum is null"} {
		condition, err := where.Compile(text, schema)
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(text, condition.Evaluate(adam))
	}
	// Output:
	// optimizer.momentum == 0.9 false
	// optimizer.momentum != 0.9 false
	// optimizer.momentum is null true
}

func ExampleExpression_SQL() {
	condition, err := where.Compile("lr < 3e-3", schema)
	if err != nil {
		fmt.Println(err)
		return
	}
	text, args, err := condition.SQL(func(name string) (string, []any, bool) { return "trial." + name, nil, true })
	fmt.Println(text, args, err)
	// Output:
	// ((CAST(trial.lr AS REAL) < ?) IS TRUE) [0.003] <nil>
}

func ExampleColumns() {
	columns, err := where.Columns("lr*1000, min(val_loss)", schema)
	if err != nil {
		fmt.Println(err)
		return
	}
	run := values(map[string]plugins.Value{"lr": plugins.Real(0.003), "min(val_loss)": plugins.Real(0.41)})
	for _, c := range columns {
		v, ok := where.Value(c.Root, run)
		fmt.Println(c.Text, v, ok)
	}
	// Output:
	// lr * 1000 3 true
	// min(val_loss) 0.41 true
}

func ExampleOrder() {
	keys, err := where.Order("-val_loss, optimizer", schema)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, key := range keys {
		fmt.Println(key.Text, key.Descending)
	}
	// Output:
	// val_loss true
	// optimizer false
}

func ExampleCallOf() {
	call, ok := where.CallOf("step(min(val_loss))")
	fmt.Println(call.Func, call.Metric, call.Step, ok)
	// Output:
	// min val_loss true true
}

// Walk finds the names that a condition uses.
func ExampleWalk() {
	condition, err := where.Compile("optimizer in ['sgd', 'adam'] or lr > 0.1", schema)
	if err != nil {
		fmt.Println(err)
		return
	}
	where.Walk(condition.Root, func(n where.Node) bool {
		if name, ok := n.(*where.Name); ok {
			fmt.Println(name.Name, "is", name.Type())
		}
		return true
	})
	// Output:
	// optimizer is text
	// lr is a number
}
