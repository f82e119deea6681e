package main

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"text/template"

	"github.com/urfave/cli/v2"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/builtin"
	"github.com/xrun-dev/xrun/plugins/host"
)

//go:embed templates
var templates embed.FS

var (
	languages = []string{"go", "python"}
	kinds     = []string{string(plugins.KindOptimizer), string(plugins.KindRegularizer), string(plugins.KindObjective)}
)

func (p *program) pluginNewCommand() *cli.Command {
	return &cli.Command{
		Name:      "new",
		Usage:     "write a plugin to start from, one that works",
		ArgsUsage: "NAME",
		Description: `Makes the directory xrun-plugin-NAME with a component that keeps the contract, a sweep file that
uses it, and a README. Then it is yours to change.`,
		Flags: []cli.Flag{
			&cli.StringFlag{Name: "lang", Usage: "`LANGUAGE` to write it in: go or python", Value: "go"},
			&cli.StringFlag{Name: "kind", Usage: "`KIND` of component: optimizer, regularizer or objective", Value: string(plugins.KindOptimizer)},
			&cli.StringFlag{Name: "source", Usage: "build against xrun's source in `DIR`, not against a release"},
		},
		Action: p.pluginNew,
	}
}

// A project is what the templates are filled in with.
type project struct {
	Name, Kind string
	Article    string // and the kind
	Plugin     string // as the sweep file names it
	requirement
}

// newName is the form of a new plugin's name: one that is also a bare key in a sweep file.
var newName = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)

func (p *program) pluginNew(c *cli.Context) error {
	args, err := positional(c, 1, 1, "NAME")
	if err != nil {
		return err
	}
	name, lang, kind := args[0], c.String("lang"), c.String("kind")
	if err := checkNew(name, lang, kind); err != nil {
		return err
	}
	article := "An"
	if kind == string(plugins.KindRegularizer) {
		article = "A"
	}
	dir := host.Prefix + name
	about := project{Name: name, Kind: kind, Article: article, Plugin: "./" + dir}
	files := map[string]string{"README.md": lang + "/README.md", "sweep.toml": "sweep/" + kind + ".toml", ".gitignore": "gitignore"}
	var sums []byte
	if lang == "go" {
		if about.requirement, sums, err = requireXrun(c.String("source")); err != nil {
			return err
		}
		files["main.go"], files["main_test.go"], files["go.mod"] = "go/"+kind+".go", "go/main_test.go", "go/go.mod"
	} else {
		about.Plugin = "./plugin.py"
		files["plugin.py"] = "python/" + kind + ".py"
	}
	content, err := about.fill(files)
	if err != nil {
		return err
	}
	if sums != nil {
		content["go.sum"] = sums
	}
	if err := writeProject(dir, content); err != nil {
		return err
	}
	for _, file := range sortedKeys(content) {
		fmt.Fprintln(p.stderr, "wrote", filepath.Join(dir, file))
	}
	fmt.Fprintf(p.stderr, "\nNext:\n")
	fmt.Fprintf(p.stdout, "cd %s\n", dir)
	if lang == "go" {
		if about.Source == "" {
			fmt.Fprintln(p.stdout, "go mod tidy")
		}
		fmt.Fprintf(p.stdout, "go build -o %s .\n", dir)
	}
	fmt.Fprintf(p.stdout, "xrun plugin check %s\nxrun sweep sweep.toml\n", about.Plugin)
	return nil
}

// checkNew says what is wrong with the wishes for a new plugin.
func checkNew(name, lang, kind string) error {
	switch {
	case !newName.MatchString(name) || host.CheckName(name) != nil:
		return advice.Usage(fmt.Errorf("%q is no name for a new plugin", name), "lower case letters, digits, - and _, a letter first, at most 64: xrun plugin new my-optimizer")
	case slices.ContainsFunc(builtin.Manifest(version()).Components, func(c plugins.Component) bool { return c.Name == name }):
		return advice.Usage(fmt.Errorf("%q is built in, and goes before a plugin of that name", name), "another name is free, such as my-"+name)
	case !slices.Contains(languages, lang):
		return advice.Usage(fmt.Errorf("--lang %q is not a language to start in", lang), "it is go or python")
	case !slices.Contains(kinds, kind):
		return advice.Usage(fmt.Errorf("--kind %q is not a kind of component", kind), "it is optimizer, regularizer or objective")
	}
	return nil
}

// fill makes the files of a project from templates.
func (about project) fill(files map[string]string) (map[string][]byte, error) {
	content := map[string][]byte{}
	for file, from := range files {
		t, err := template.ParseFS(templates, "templates/"+from+".tmpl")
		if err != nil {
			return nil, err
		}
		var out bytes.Buffer
		if err := t.Execute(&out, about); err != nil {
			return nil, err
		}
		content[file] = out.Bytes()
	}
	return content, nil
}

// writeProject makes a directory that is not there yet.
func writeProject(dir string, content map[string][]byte) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return advice.Usage(fmt.Errorf("%s exists", dir), "nothing was written; take another name, or move it away")
		}
		return fmt.Errorf("make the project: %w", err)
	}
	for _, file := range sortedKeys(content) {
		if err := os.WriteFile(filepath.Join(dir, file), content[file], 0o644); err != nil {
			return fmt.Errorf("write the project: %w", err)
		}
	}
	return nil
}

func sortedKeys(content map[string][]byte) []string {
	var names []string
	for name := range content {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
