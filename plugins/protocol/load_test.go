package protocol

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/protocol/pluginv1"
)

// Data that was taken to pieces is put together again, and pieces that do not fit are refused.
func TestDataComesInPieces(t *testing.T) {
	d := &plugins.Data{Inputs: []string{"a", "b"}, Classes: []string{"x", "y"}}
	d.Train.X, d.Train.Y = make([]float64, 2*piece), make([]float64, piece)
	for i := range d.Train.X {
		d.Train.X[i] = math.Sqrt(float64(i))
	}
	d.Test = plugins.Rows{X: []float64{1, math.Inf(1)}, Y: []float64{1}}
	d.Validation = plugins.Rows{X: []float64{}, Y: []float64{}}
	var l Loader
	n := 0
	if err := Pieces(7, d, func(r *pluginv1.LoadRequest) error { n++; return l.Put(r) }); err != nil {
		t.Fatal(err)
	}
	if n != 1+3+2 || !reflect.DeepEqual(l.Data(7), d) {
		t.Errorf("%d pieces are put together to something else", n)
	}
	if l.Data(6) != nil || l.Data(0) != nil {
		t.Error("there is data that was not loaded")
	}
	for _, r := range []*pluginv1.LoadRequest{
		{Data: 8, Values: make([]byte, 8)}, {Data: 7, Part: 3, Values: make([]byte, 8)}, {Data: 7, Part: 2, At: 3, Values: make([]byte, 8)},
		{Data: 7, At: -1, Values: make([]byte, 8)}, {Data: 7, Part: 1, Values: make([]byte, 8)},
	} {
		if l.Put(r) == nil {
			t.Errorf("the piece %v is taken", r)
		}
	}
}

// A component that is given data has no settings that are keys of it.
func TestSettingsOfComponentsWithDataAreNoKeys(t *testing.T) {
	spec := plugins.Spec{Name: "o", Kind: plugins.KindObjective, Metrics: []string{plugins.MetricTrainLoss}, Settings: []plugins.Setting{plugins.TextSetting("dataset", "", "")}}
	for _, features := range [][]string{nil, {plugins.FeatureData}} {
		spec.Features = features
		_, err := ManifestFromWire(ManifestToWire(plugins.Manifest{Name: "p", Components: []plugins.Component{{Spec: spec}}}))
		if refused := err != nil && strings.Contains(err.Error(), "a setting called dataset"); refused != (features != nil) {
			t.Errorf("with the features %v: %v", features, err)
		}
	}
}
