package sweeps

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/pelletier/go-toml/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := JSONSchema()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("xrun.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("xrun.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheSchemaTakesWhatTheParserTakes(t *testing.T) {
	schema := compiled(t)
	for _, file := range slices.Concat(cases(t, "examples/*.toml"), cases(t, "testdata/valid/*.toml")) {
		var v map[string]any
		if err := toml.Unmarshal(read(t, file), &v); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err != nil {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestTheSchemaRefuses(t *testing.T) {
	schema := compiled(t)
	const task = "[task]\nmodel = 'mlp'\n"
	for _, text := range []string{
		"", "nmae = 'x'\n" + task, "tags = 3\n" + task, "[task]\nmodle = 'mlp'", "[task]\nmodel = 'mpl'", "[task]\nmodel = 'mlp'\nbatch = 'half'",
		"[task]\nepochs = 0.5", "[task]\nstandardize = 1", task + "[grid]\nlamda = 1", task + "[grid]\nlr = 'fast'", task + "[grid]\nlr = { lg = [1, 2] }",
		task + "[metric]\ngoal = 'best'", task + "[early_stop]\npatiense = 2", task + "[early_stop]\nrule = 'nap'", task + "[prune]\nrule = 'none'",
		task + "[run]\nworkres = 2", task + "[[skip]]\nwhen = 'lr > 1'",
		task + "[compare]\nbasline = 'lr > 1'", task + "[compare]\ntest = 't'", task + "[compare]\nbaseline = 1", task + "[check]\nfine = true", "check = 'p < 1'\n" + task,
	} {
		var v map[string]any
		if err := toml.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		if v == nil {
			v = map[string]any{}
		}
		if schema.Validate(v) == nil {
			t.Errorf("the schema takes\n%s", text)
		}
	}
	for _, name := range []string{"unknown_keys", "wrong_types"} {
		var v map[string]any
		if err := toml.Unmarshal(read(t, "testdata/invalid/"+name+".toml"), &v); err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(v); err == nil || !strings.Contains(err.Error(), "jsonschema validation failed") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
