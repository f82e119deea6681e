package main

import (
	"cmp"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/commandline"
	"github.com/xrun-dev/xrun/sweeps"
)

func (p *program) schemaCommand() *cli.Command {
	return &cli.Command{
		Name:  "schema",
		Usage: "print the JSON Schema of sweep files, for editors",
		Description: `Editors with taplo, such as VS Code with Even Better TOML, complete and check a sweep file that names the
schema in its first line:

   xrun schema -o xrun.schema.json
   #:schema ./xrun.schema.json

It describes every key, with its default. Only xrun plan checks keys against each other, against plugins and
against data sets.`,
		Flags: outputFlags("write the schema to `FILE`"),
		Action: func(c *cli.Context) error {
			if _, err := commandline.Positional(c, 0, 0, ""); err != nil {
				return err
			}
			text, err := sweeps.JSONSchema()
			if err != nil {
				return err
			}
			to := p.target(c, "output")
			to.Path = cmp.Or(to.Path, "-")
			return p.deliver(to, append(text, '\n'))
		},
	}
}
