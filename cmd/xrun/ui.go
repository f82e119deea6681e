package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/sheet"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/ui"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/web"
	"github.com/xrun-dev/xrun/plugins/host"
)

func (p *program) uiCommand() *cli.Command {
	return &cli.Command{
		Name:      "ui",
		Usage:     "show the results in a browser, live",
		ArgsUsage: "[SWEEP]",
		Description: `SWEEP is a name or an id of the database; the newest is the default. The page follows sweeps that
run in other shells. It only reads, and is for this user of this machine alone: its address has a
secret in it. Ctrl-C ends it. Over ssh it prints the command that brings the page to your machine.`,
		Flags: []cli.Flag{
			storeFlag(),
			&cli.IntFlag{Name: "port", Usage: "listen at `PORT` of this machine instead of a free one"},
			&cli.BoolFlag{Name: "no-open", Usage: "open no browser"},
			&cli.BoolFlag{Name: "control", Usage: "let the page stop, retry, confirm, refine and start sweeps; without it no request changes anything"},
			&cli.StringFlag{Name: "listen", Usage: "listen at `HOST:PORT`, also for other machines"},
			&cli.StringFlag{Name: "password", Usage: "admit also who knows `WORD`, of eight letters or more; better in the environment, where others do not see it", EnvVars: []string{"XRUN_UI_PASSWORD"}},
			&cli.StringFlag{Name: "tls-cert", Usage: "encrypt the line with the certificate in `FILE`, in PEM"},
			&cli.StringFlag{Name: "tls-key", Usage: "the key of the certificate, in `FILE`"},
		},
		Action: p.ui,
	}
}

// uiMemory is what the memory of `xrun ui` is kept below, if that is possible, in bytes.
const uiMemory = 32 << 20

func (p *program) ui(c *cli.Context) error {
	args, err := commandline.Positional(c, 0, 1, "[SWEEP]")
	if err != nil {
		return err
	}
	address, err := listenAddress(c)
	if err != nil {
		return err
	}
	password := c.String("password")
	if password != "" && len(password) < 8 {
		return advice.Usage(errors.New("the password has fewer than eight letters"), "leave it out: the address that is printed has a secret of its own")
	}
	tls, err := ui.Certificate(c.String("tls-cert"), c.String("tls-key"))
	if err != nil {
		return err
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		before := debug.SetMemoryLimit(uiMemory)
		defer debug.SetMemoryLimit(before)
	}
	ctx, stop := signal.NotifyContext(c.Context, os.Interrupt, syscall.SIGTERM)
	defer stop()
	o, sweep, err := p.pageOptions(ctx, storeNamed(c.String("store")), args)
	if err != nil {
		return err
	}
	o.Password, o.TLS = password, tls
	if c.Bool("control") {
		if o.Control, err = ui.NewControl(func() (*host.Host, error) { return p.newHost(pluginOptions{}) }); err != nil {
			return err
		}
	}
	page, err := ui.Open(ctx, o, address)
	if err != nil {
		return err
	}
	page.Announce(p.shell(), sweep, !c.Bool("no-open"))
	return page.Serve(ctx, sweep)
}

func (p *program) shell() ui.Shell { return ui.Shell{Stdout: p.stdout, Stderr: p.stderr, Env: p.env} }

// pageOptions are those of the page of a database, and the title of the sweep that was named; empty if none was.
func (p *program) pageOptions(ctx context.Context, path string, named []string) (o ui.Options, title string, err error) {
	db, err := p.readStore(ctx, path)
	if err != nil {
		return o, "", err
	}
	defer db.Close()
	if len(named) > 0 {
		sweep, err := db.FindSweep(ctx, sweepName(named))
		if err != nil {
			return o, "", err
		}
		title = sweep.Title
	}
	return ui.Options{Store: path, Version: version(), Arguments: storeArguments(db), Script: []byte(web.Script), Style: []byte(sheet.Style() + web.Style)}, title, nil
}

// alongside serves the page of a database as long as a sweep trains. The result ends it.
func (p *program) alongside(ctx context.Context, path string) (end func(), err error) {
	o, _, err := p.pageOptions(ctx, path, nil)
	if err != nil {
		return nil, err
	}
	page, err := ui.Open(ctx, o, "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	page.Mention(p.shell())
	return page.Alongside(ctx), nil
}

// listenAddress is where to listen.
func listenAddress(c *cli.Context) (string, error) {
	if c.IsSet("listen") && c.IsSet("port") {
		return "", advice.Usage(errors.New("--listen and --port exclude each other"), "--listen HOST:PORT has both")
	}
	if port := c.Int("port"); port < 0 || port > 65535 {
		return "", advice.Usage(fmt.Errorf("--port %d is not from 0 to 65535", port), "0 is a free one")
	}
	if !c.IsSet("listen") {
		return fmt.Sprintf("127.0.0.1:%d", c.Int("port")), nil
	}
	address := c.String("listen")
	if _, _, err := net.SplitHostPort(address); err != nil {
		return "", advice.Usage(fmt.Errorf("--listen %q is not HOST:PORT", address), "for instance --listen 192.168.1.5:8080, or 0.0.0.0:8080 for all addresses of this machine")
	}
	return address, nil
}
