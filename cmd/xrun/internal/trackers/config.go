package trackers

import (
	"encoding/json"
	"strings"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store/imported"
)

// settingsOf makes settings of a configuration. What is nested gets the names of the levels with dots between them; lists are texts; what
// is null is no value.
func settingsOf(config json.RawMessage) (settings []runner.Setting, err error) {
	if len(config) == 0 {
		return nil, nil
	}
	d := json.NewDecoder(strings.NewReader(string(finite(config))))
	d.UseNumber()
	var tree any
	if err := d.Decode(&tree); err != nil {
		return nil, err
	}
	err = flatten("", tree, func(name string, value any) error {
		v, ok, err := settingOf(value)
		if ok {
			settings = append(settings, runner.Setting{Path: Shown(name), Value: v})
		}
		return err
	})
	return settings, err
}

// flatten calls a function with what is no object, by its path.
func flatten(path string, tree any, each func(name string, value any) error) error {
	object, ok := tree.(map[string]any)
	if !ok || len(object) == 0 && path != "" {
		return each(path, tree)
	}
	for _, key := range sortedKeys(object) {
		name := key
		if path != "" {
			name = path + "." + key
		}
		if err := flatten(name, object[key], each); err != nil {
			return err
		}
	}
	return nil
}

// settingOf is a value of JSON as a setting. Texts stay texts, also if they look like numbers.
func settingOf(value any) (v plugins.Value, ok bool, err error) {
	switch value := value.(type) {
	case nil:
		return v, false, nil
	case bool:
		return plugins.Flag(value), true, nil
	case json.Number:
		v, ok = imported.FromText(value.String())
		return v, ok, nil
	case string:
		return plugins.Text(clipped(value)), value != "", nil
	}
	text, err := json.Marshal(value)
	return plugins.Text(clipped(string(text))), true, err
}

func clipped(text string) string {
	if len(text) <= longestText {
		return text
	}
	return strings.ToValidUTF8(text[:longestText], "") + "…"
}
