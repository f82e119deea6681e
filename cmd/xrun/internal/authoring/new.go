package authoring

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

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/builtin"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/plugins/protocol"
)

//go:embed templates
var templates embed.FS

var (
	Languages = []string{"go", "python"}
	Kinds     = []string{string(plugins.KindOptimizer), string(plugins.KindRegularizer), string(plugins.KindObjective)}
)

// A project holds the values that fill in the templates.
type project struct {
	Name, Kind string
	Article    string // and the kind
	Plugin     string // as the sweep file names it
	requirement
}

// newName is the form of a new plugin's name, which is also a bare key of a sweep file.
var newName = regexp.MustCompile(`^[a-z][a-z0-9_-]*$`)

// checkNew refuses a name, a language or a kind of a new plugin.
func checkNew(name, lang, kind, version string) error {
	switch {
	case !newName.MatchString(name) || host.CheckName(name) != nil:
		return advice.Usage(fmt.Errorf("%q is no name for a new plugin", name), "lower case letters, digits, - and _, a letter first, at most 64: xrun plugin new my-optimizer")
	case slices.ContainsFunc(builtin.Manifest(version).Components, func(c plugins.Component) bool { return c.Name == name }):
		return advice.Usage(fmt.Errorf("%q is built in, and goes before a plugin of that name", name), "another name is free, such as my-"+name)
	case !slices.Contains(Languages, lang):
		return advice.Usage(fmt.Errorf("--lang %q is not a language to start in", lang), "it is go or python")
	case !slices.Contains(Kinds, kind):
		return advice.Usage(fmt.Errorf("--kind %q is not a kind of component", kind), "it is optimizer, regularizer or objective")
	}
	return nil
}

// Contract is the file of protocol buffers that plugins in any language are written against.
func Contract() []byte { return protocol.Definition }

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

// writeProject writes the files of a project into a new directory.
func writeProject(dir string, content map[string][]byte) error {
	if err := os.Mkdir(dir, 0o755); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return advice.Usage(fmt.Errorf("%s exists", dir), "nothing was written; take another name, or move it away")
		}
		return fmt.Errorf("make the project: %w", err)
	}
	for _, file := range sortedKeys(content) {
		if err := os.WriteFile(filepath.Join(dir, file), content[file], 0o644); err != nil {
			return errors.Join(fmt.Errorf("write the project: %w", err), os.RemoveAll(dir)) // made just now, and not whole
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

// A Project is a new plugin: its directory, its name in a sweep file, its files, and the next commands.
type Project struct {
	Dir, Plugin string
	Files       []string
	Commands    []string
}

// New writes a plugin to start from. source is the folder of xrun's source; empty for a release, or for the
// folder where this program was built.
func New(name, lang, kind, source, version string) (*Project, error) {
	if err := checkNew(name, lang, kind, version); err != nil {
		return nil, err
	}
	article := "An"
	if kind == string(plugins.KindRegularizer) {
		article = "A"
	}
	dir := host.Prefix + name
	about := project{Name: name, Kind: kind, Article: article, Plugin: "./" + dir}
	files := map[string]string{"README.md": lang + "/README.md", "sweep.toml": "sweep/" + kind + ".toml", ".gitignore": "gitignore"}
	var err error
	if lang == "go" {
		if about.requirement, err = requireXrun(source, version); err != nil {
			return nil, err
		}
		if about.Source != "" {
			files["go.work"] = "go/go.work"
		}
		files["main.go"], files["main_test.go"], files["go.mod"] = "go/"+kind+".go", "go/main_test.go", "go/go.mod"
	} else {
		about.Plugin = "./plugin.py"
		files["plugin.py"] = "python/" + kind + ".py"
	}
	content, err := about.fill(files)
	if err != nil {
		return nil, err
	}
	if err := writeProject(dir, content); err != nil {
		return nil, err
	}
	out := &Project{Dir: dir, Plugin: about.Plugin, Files: sortedKeys(content), Commands: []string{"cd " + dir}}
	if lang == "go" {
		if about.Source == "" {
			out.Commands = append(out.Commands, "go mod tidy")
		}
		out.Commands = append(out.Commands, fmt.Sprintf("go build -o %s .", dir))
	}
	out.Commands = append(out.Commands, advice.Command("plugin", "check", about.Plugin), advice.Command("sweep", "sweep.toml"))
	return out, nil
}
