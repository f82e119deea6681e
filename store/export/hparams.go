package export

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
)

// A hyperparameter is a column of TensorBoard's HParams tab.
type hyperparameter struct {
	name  string
	value plugins.Value
}

// hyperparameters are the settings of a run, and its value: TensorBoard itself would show the last value of each metric.
func (s *Source) hyperparameters(r *store.Run, settings []plugins.Value) []hyperparameter {
	all := []hyperparameter{{"optimizer", plugins.Text(r.Optimizer)}, {"regularizer", plugins.Text(r.Regularizer)}, {"lr", plugins.Real(r.LR)},
		{"lambda", plugins.Real(r.Lambda)}, {"seed", plugins.Integer(r.Seed)}, {"status", plugins.Text(string(r.Status))}}
	if r.Keeps && !math.IsNaN(r.Kept.Value) {
		all = append(all, hyperparameter{"value", plugins.Real(r.Kept.Value)}, hyperparameter{"kept_epoch", plugins.Integer(int64(r.Kept.Epoch))})
	}
	for i, v := range settings {
		if !v.IsZero() {
			all = append(all, hyperparameter{s.Settings[i], v})
		}
	}
	return all
}

// hparams writes an event of the HParams plugin: an HParamsPluginData of tensorboard/plugins/hparams/plugin_data.proto
// with the message in a field.
func (e *events) hparams(wall float64, tag string, number protowire.Number, message []byte) error {
	content := protowire.AppendTag(nil, number, protowire.BytesType)
	content = protowire.AppendBytes(content, message)

	plugin := protowire.AppendTag(nil, 1, protowire.BytesType) // plugin_name
	plugin = protowire.AppendString(plugin, "hparams")
	plugin = protowire.AppendTag(plugin, 2, protowire.BytesType) // content
	plugin = protowire.AppendBytes(plugin, content)

	metadata := protowire.AppendTag(nil, 1, protowire.BytesType) // plugin_data
	metadata = protowire.AppendBytes(metadata, plugin)

	value := protowire.AppendTag(nil, 1, protowire.BytesType) // tag
	value = protowire.AppendString(value, tag)
	value = protowire.AppendTag(value, 9, protowire.BytesType) // metadata
	value = protowire.AppendBytes(value, metadata)

	summary := protowire.AppendTag(nil, 1, protowire.BytesType) // value
	summary = protowire.AppendBytes(summary, value)

	e.begin(wall, 0)
	e.event = protowire.AppendTag(e.event, 5, protowire.BytesType) // summary
	e.event = protowire.AppendBytes(e.event, summary)
	return e.end()
}

// sessionStart is a SessionStartInfo.
func sessionStart(at float64, settings []hyperparameter) []byte {
	var b []byte
	for _, s := range settings {
		entry := protowire.AppendTag(nil, 1, protowire.BytesType) // key
		entry = protowire.AppendString(entry, s.name)
		entry = protowire.AppendTag(entry, 2, protowire.BytesType) // value
		entry = protowire.AppendBytes(entry, protoValue(s.value))
		b = protowire.AppendTag(b, 1, protowire.BytesType) // hparams
		b = protowire.AppendBytes(b, entry)
	}
	b = protowire.AppendTag(b, 5, protowire.Fixed64Type) // start_time_secs
	return protowire.AppendFixed64(b, math.Float64bits(at))
}

// sessionEnd is a SessionEndInfo.
func sessionEnd(at float64, status runner.Status) []byte {
	const success, failure = 1, 2
	code := uint64(success)
	if status == runner.StatusFailed || status == runner.StatusDiverged || status == runner.StatusInterrupted {
		code = failure
	}
	b := protowire.AppendTag(nil, 1, protowire.VarintType) // status
	b = protowire.AppendVarint(b, code)
	b = protowire.AppendTag(b, 2, protowire.Fixed64Type) // end_time_secs
	return protowire.AppendFixed64(b, math.Float64bits(at))
}

// protoValue is a google.protobuf.Value.
func protoValue(v plugins.Value) []byte {
	switch v.Type {
	case plugins.TypeReal, plugins.TypeInteger:
		x := v.Real
		if v.Type == plugins.TypeInteger {
			x = float64(v.Integer)
		}
		b := protowire.AppendTag(nil, 2, protowire.Fixed64Type) // number_value
		return protowire.AppendFixed64(b, math.Float64bits(x))
	case plugins.TypeFlag:
		b := protowire.AppendTag(nil, 4, protowire.VarintType) // bool_value
		return protowire.AppendVarint(b, protowire.EncodeBool(v.Flag))
	}
	b := protowire.AppendTag(nil, 3, protowire.BytesType) // string_value
	return protowire.AppendString(b, v.Text)
}
