package main

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/recording"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/serving"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/store"
)

func (p *program) serveCommand() *cli.Command {
	return &cli.Command{
		Name:  "serve",
		Usage: "record what programs log with MLflow",
		Description: `Programs that log with MLflow, by hand or by mlflow.autolog(), log to this server once MLFLOW_TRACKING_URI
has the address that it prints. Their runs are runs of the database, which every other command reads.
Ctrl-C ends it, and a later one takes up where it ended.`,
		Flags: []cli.Flag{
			storeFlag(),
			&cli.BoolFlag{Name: "mlflow", Usage: "speak the protocol of MLflow"},
			&cli.StringFlag{Name: "listen", Value: serving.DefaultListen, Usage: "listen at `HOST:PORT`; port 0 is a free one. Other machines need the token that is printed then"},
			&cli.StringSliceFlag{Name: "host", Usage: "answer also to the name `HOST`, under which others know this machine"},
			&cli.StringFlag{Name: "token-file", Usage: "require the token in `FILE` of every client; XRUN_SERVE_TOKEN has it, too"},
		},
		Action: p.serve,
	}
}

func (p *program) serve(c *cli.Context) error {
	if _, err := commandline.Positional(c, 0, 0, ""); err != nil {
		return err
	}
	if !c.Bool("mlflow") {
		return advice.Usage(errors.New("serve wants a protocol"), "xrun serve --mlflow takes what programs log with MLflow")
	}
	token, err := serving.Token(p.env("XRUN_SERVE_TOKEN"), c.String("token-file"))
	if err != nil {
		return err
	}
	place, err := recording.Find(storeNamed(c.String("store")))
	if err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
	defer cancel()
	return serving.Serve(ctx, serving.Options{Place: place, Open: p.openStore, Listen: c.String("listen"), Token: token, Hosts: c.StringSlice("host"), Stdout: p.stdout,
		Environment: func(ctx context.Context) store.Environment { return training.Environment(ctx, version()) }})
}
