package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/sweeps"
)

func (p *program) schemaCommand() *cli.Command {
	return &cli.Command{
		Name:  "schema",
		Usage: "print the JSON Schema of sweep files, for editors",
		Description: `Editors that use taplo, such as VS Code with Even Better TOML, complete and check a sweep file that
names the schema in its first line:

   xrun schema > xrun.schema.json
   #:schema ./xrun.schema.json

It describes every key, with its default. What one key means to another, and what plugins and data
sets say, xrun plan checks.`,
		Action: func(c *cli.Context) error {
			if _, err := positional(c, 0, 0, ""); err != nil {
				return err
			}
			text, err := sweeps.JSONSchema()
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(p.stdout, "%s\n", text)
			return err
		},
	}
}
