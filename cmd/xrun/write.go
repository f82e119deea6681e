package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
)

// outputFlags are the flags of a command that writes a file. usage says what is written to `FILE`.
func outputFlags(usage string) []cli.Flag {
	return []cli.Flag{&cli.StringFlag{Name: "output", Aliases: []string{"o"}, Usage: usage + "; - is standard output"}, forceFlag()}
}

func forceFlag() cli.Flag {
	return &cli.BoolFlag{Name: "force", Usage: "replace a file that exists"}
}

// target is where a command writes its output. The flag of the given name has the path.
func (p *program) target(c *cli.Context, flag string) advice.Target {
	return advice.Target{Path: c.String(flag), Force: c.Bool("force"), Stdout: p.stdout}
}

// deliver writes the output of a command to its target, and prints the name and size of the file.
func (p *program) deliver(to advice.Target, data []byte) error {
	if err := advice.Deliver(to, writing(data)); err != nil {
		return err
	}
	if !to.IsStdout() {
		p.wrote(to.Path)
	}
	return nil
}

// writing returns a function that writes data.
func writing(data []byte) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	}
}

// wrote prints the name and size of a file.
func (p *program) wrote(path string) {
	if info, err := os.Stat(path); err == nil {
		fmt.Fprintf(p.stderr, "wrote %s, %s\n", filepath.ToSlash(path), size(info.Size()))
	}
}
