package journal

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// What is read fast is read as encoding/json reads it, to the bit.
func TestFastIsTheSame(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 11))
	names := map[string]string{}
	fast := 0
	for range 20_000 {
		r := Record{Attempt: "K3", Step: random.IntN(3) * random.IntN(1000), Whole: random.IntN(2) == 0}
		for i := range 1 + random.IntN(4) {
			v := math.Float64frombits(random.Uint64())
			if special := []float64{0, math.Copysign(0, -1), math.NaN(), math.Inf(1), math.Inf(-1), 1, 5e-324, math.MaxFloat64}; random.IntN(3) == 0 {
				v = special[random.IntN(len(special))]
			}
			r.Log = append(r.Log, Value{[]string{"loss", "val_loss", "a b", "é", `q"`}[(i+random.IntN(2))%5], v})
		}
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var want Record
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatal(err)
		}
		got, ok := parseLog(text, names)
		if !ok {
			continue
		}
		fast++
		got.text = nil
		if len(got.Log) != len(want.Log) {
			t.Fatalf("%s is %v", text, got)
		}
		for i := range got.Log {
			if got.Log[i].Metric != want.Log[i].Metric || math.Float64bits(got.Log[i].Value) != math.Float64bits(r.Log[i].Value) {
				t.Fatalf("%s is %v", text, got)
			}
		}
		got.Log, want.Log = nil, nil
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%s is %+v, want %+v", text, got, want)
		}
	}
	if fast < 5000 {
		t.Errorf("%d of 20,000 lines were read fast", fast)
	}
}

func FuzzParseLog(f *testing.F) {
	f.Add([]byte(`{"a":"K3","log":{"loss":0.5,"acc":"NaN"},"step":3,"whole":true}`))
	f.Add([]byte(`{"a":"K3","log":{"loss":-0},"step":0}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, ok := parseLog(text, nil)
		if !ok {
			return
		}
		var want Record
		if err := json.Unmarshal(text, &want); err != nil {
			t.Fatalf("%q is read as %+v, and encoding/json says %v", text, got, err)
		}
		if got.Attempt != want.Attempt || got.Step != want.Step || got.Whole != want.Whole || len(got.Log) != len(want.Log) {
			t.Fatalf("%q is %+v, want %+v", text, got, want)
		}
	})
}
