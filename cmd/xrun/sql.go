package main

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/report"
	"github.com/xrun-dev/xrun/store"
)

func (p *program) sqlCommand() *cli.Command {
	return &cli.Command{
		Name:      "sql",
		Usage:     "read the result database with SQL",
		ArgsUsage: "[STATEMENT]",
		Description: `STATEMENT is one SELECT, WITH, VALUES or EXPLAIN of SQLite; - reads it from standard input. It can
only read, also while a sweep writes. Without one, the views and their columns are listed: they stay
as they are, unlike the tables behind them. Besides SQLite's own functions there is X REGEXP Y.

   xrun sql "SELECT optimizer, min(value) FROM runs WHERE metric = 'val_loss' GROUP BY optimizer"
   xrun sql --param lr=0.1 --csv "SELECT * FROM runs WHERE lr = :lr" > runs.csv`,
		Flags: []cli.Flag{
			storeFlag(), jsonFlag(),
			&cli.BoolFlag{Name: "csv", Usage: "print CSV, with texts unchanged and NULL empty"},
			&cli.IntFlag{Name: "limit", Usage: "print at most `N` rows; 0 is all"},
			&cli.GenericFlag{Name: "param", Usage: "give the parameter :NAME of the statement a value, `NAME=VALUE`; may be repeated", Value: &overrides{}},
		},
		Action: p.sql,
	}
}

func (p *program) sql(c *cli.Context) error {
	args, err := commandline.Positional(c, 0, 1, "[STATEMENT]")
	if err != nil {
		return err
	}
	if c.Bool("json") && c.Bool("csv") {
		return advice.Usage(errors.New("--json and --csv exclude each other"), "choose one")
	}
	if len(args) == 0 {
		return p.listViews(c.Bool("json"))
	}
	q := store.Query{Text: args[0]}
	if q.Text == "-" {
		const most = 1 << 20
		text, err := io.ReadAll(io.LimitReader(os.Stdin, most+1))
		if err != nil {
			return fmt.Errorf("read the statement: %w", err)
		}
		if len(text) > most {
			return advice.Usage(fmt.Errorf("the statement has more than %d bytes", most), "")
		}
		q.Text = string(text)
	}
	if q.Parameters, err = question.Parameters(*c.Generic("param").(*overrides)); err != nil {
		return err
	}
	db, err := p.readStore(c.Context, c.String("store"))
	if err != nil {
		return err
	}
	defer db.Close()
	w := bufio.NewWriter(p.stdout)
	var out report.Form = &report.TableForm{W: w}
	switch {
	case c.Bool("json"):
		out = &report.JSONForm{W: w}
	case c.Bool("csv"):
		out = &report.CSVForm{W: csv.NewWriter(w)}
	}
	ctx, stop := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
	defer stop()
	n, limit, more := 0, c.Int("limit"), errors.New("there are more rows")
	err = db.Query(ctx, q, out.Head, func(row []any) error {
		if limit > 0 && n == limit {
			return more
		}
		n++
		return out.Row(row)
	})
	var wrong *store.QueryError
	switch {
	case errors.Is(err, more), err == nil:
		if endErr := errors.Join(out.End(), w.Flush()); endErr != nil {
			return endErr
		}
	case ctx.Err() != nil && c.Context.Err() == nil:
		fmt.Fprintln(p.stderr, "interrupted")
		return advice.Exit(advice.ExitInterrupt)
	case errors.As(err, &wrong):
		return question.StatementError(q.Text, wrong)
	default:
		return err
	}
	if err != nil {
		fmt.Fprintln(p.stderr, "… and more: without --limit")
	}
	return nil
}

// listViews prints the views that statements can read.
func (p *program) listViews(asJSON bool) error {
	views := store.Views()
	if asJSON {
		return p.printJSON(map[string]any{"xrun_views": 1, "views": views})
	}
	for i, v := range views {
		if i > 0 {
			fmt.Fprintln(p.stdout)
		}
		fmt.Fprintf(p.stdout, "%s: %s\n", v.Name, v.About)
		for _, c := range v.Columns {
			fmt.Fprintln(p.stdout, strings.TrimRight(fmt.Sprintf("  %-12s  %s", c.Name, c.About), " "))
		}
	}
	return nil
}
