// Package help is what xrun says about itself: pages in Markdown, one for each topic, and how a terminal shows them.
package help

import (
	"embed"
	"fmt"
	"io"
	"slices"
	"strings"
)

//go:embed pages/*.md
var files embed.FS

// topics are the pages in the order in which they are listed: the most read first.
var topics = []string{
	"sweep-file", "tables", "data", "programs", "python", "mlflow", "metrics", "early-stopping", "schedules", "regularizers", "comparison", "sure", "conditions",
	"browser", "ui-api", "database", "plugins", "plugin-protocol", "models", "reproducing", "clusters", "coming-from", "glossary",
}

// aliases are other words for a topic, which people try.
var aliases = map[string]string{
	"sweep-files": "sweep-file", "toml": "sweep-file", "grid": "sweep-file", "dataset": "data", "table": "tables", "csv": "tables", "parquet": "tables", "pandas": "tables", "scikit-learn": "tables", "sklearn": "tables", "datasets": "data", "command": "programs", "program": "programs", "notebook": "python", "notebooks": "python", "jupyter": "python", "pip": "python", "callbacks": "python", "script": "python", "log": "python",
	"metric": "metrics", "early_stop": "early-stopping", "stopping": "early-stopping", "schedule": "schedules", "regularizer": "regularizers",
	"conventions": "regularizers", "convention": "regularizers", "penalties": "regularizers", "statistics": "comparison", "simulation": "sure", "noise": "sure", "where": "conditions",
	"expressions": "conditions", "protocol": "plugin-protocol", "grpc": "plugin-protocol", "proto": "plugin-protocol", "views": "database", "model": "models", "coefficients": "models", "safetensors": "models", "predictions": "models", "refit": "models", "sharing": "reproducing", "optuna": "coming-from", "ray": "coming-from", "wandb": "coming-from",
	"cluster": "clusters", "shards": "clusters", "shard": "clusters", "machines": "clusters", "workstations": "clusters", "ssh": "clusters",
	"autolog": "mlflow", "tracking": "mlflow", "guild": "coming-from", "page": "browser", "web": "browser", "dashboard": "browser", "api": "ui-api", "rest": "ui-api", "http": "ui-api", "events": "ui-api", "terms": "glossary", "words": "glossary",
}

// A Page explains one topic.
type Page struct {
	Name  string // as `xrun help` takes it
	Title string // its first line
	Text  string // in Markdown
}

// Pages lists the pages.
func Pages() []Page {
	pages := make([]Page, len(topics))
	for i, name := range topics {
		pages[i] = read(name)
	}
	return pages
}

// Find finds the page of a topic, by its name or by another word for it.
func Find(topic string) (page Page, ok bool) {
	if other, known := aliases[topic]; known {
		topic = other
	}
	if !slices.Contains(topics, topic) {
		return Page{}, false
	}
	return read(topic), true
}

// Words lists what Find knows, names first.
func Words() []string {
	words := slices.Clone(topics)
	for word := range aliases {
		words = append(words, word)
	}
	slices.Sort(words[len(topics):])
	return words
}

func read(name string) Page {
	text, err := files.ReadFile("pages/" + name + ".md")
	if err != nil {
		panic(err) // it is embedded
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return Page{Name: name, Title: strings.TrimPrefix(first, "# "), Text: string(text)}
}

// A Style says how a page is shown.
type Style struct {
	Width int  // columns that a line may take
	Color bool // bold headings and commands, by ANSI escapes
}

// maxWidth is the width of text that is still easy to read.
const maxWidth = 100

// Write renders the page for a terminal.
func (p Page) Write(w io.Writer, s Style) error {
	if s.Width <= 0 || s.Width > maxWidth {
		s.Width = maxWidth
	}
	_, err := fmt.Fprint(w, s.render(parse(p.Text)))
	return err
}
