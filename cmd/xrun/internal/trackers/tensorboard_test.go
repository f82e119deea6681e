package trackers

import (
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/xrun-dev/xrun/runner/tests"
	"github.com/xrun-dev/xrun/store/tfrecord"
)

func TestSettingsInPaths(t *testing.T) {
	for path, want := range map[string]string{
		"lr=0.1,wd=1e-4":                "lr=0.1 wd=0.0001",
		"lr=0.1_batch_size=32":          "lr=0.1 batch_size=32",
		"mlp/lr=1e-3/seed_7":            "lr=0.001 seed=7 run=mlp",
		"adam-seed3":                    "seed=3 run=adam",
		"seed-12/opt=adam":              "seed=12 opt=adam",
		"Nov30_12-00-00_host":           "run=Nov30_12-00-00_host",
		"version_0":                     "run=version_0",
		"a=b=c":                         "a=b=c",
		"url=x=1=y":                     "url=x=1=y",
		".":                             "run=.",
		"=1":                            "run==1",
		"seeded_4":                      "run=seeded_4",
		"lr=0.1 drop=true/run=3, fold=": "lr=0.1 drop=true",
		"größe=2;x=é":                   "größe=2 x=é",
	} {
		var got []string
		for _, s := range pathSettings(path) {
			got = append(got, s.Path+"="+s.Value.String())
		}
		if text := strings.Join(got, " "); text != want {
			t.Errorf("%q has %q, want %q", path, text, want)
		}
	}
}

// The numbers are IEEE 754's, by numpy.float16.
func TestNumbersOfTensors(t *testing.T) {
	for bits, want := range map[uint16]float64{0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x0001: 5.960464477539063e-08, 0x0400: 6.103515625e-05, 0x7c00: math.Inf(1), 0xfc00: math.Inf(-1), 0x3555: 0.333251953125} {
		if got := halfNumber(bits); got != want {
			t.Errorf("%#x is %v, want %v", bits, got, want)
		}
	}
	if x := halfNumber(0x7e00); x == x {
		t.Errorf("NaN is %v", x)
	}
	if x := halfNumber(0x8000); x != 0 || !math.Signbit(x) {
		t.Errorf("-0 is %v", x)
	}
	content := func(kind uint64, bytes ...byte) []byte {
		b := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), kind)
		return protowire.AppendBytes(protowire.AppendTag(b, 4, protowire.BytesType), bytes)
	}
	field := func(kind uint64, number protowire.Number, value uint64) []byte {
		b := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), kind)
		return protowire.AppendVarint(protowire.AppendTag(b, number, protowire.VarintType), value)
	}
	for name, c := range map[string]struct {
		tensor []byte
		want   float64
		ok     bool
	}{
		"float32":           {content(tfFloat, binary.LittleEndian.AppendUint32(nil, math.Float32bits(0.1))...), float64(float32(0.1)), true},
		"float64":           {content(tfDouble, binary.LittleEndian.AppendUint64(nil, math.Float64bits(0.1))...), 0.1, true},
		"bfloat16":          {content(tfBfloat, 0x80, 0x3f), 1, true},
		"int8":              {content(tfInt8, 0xff), -1, true},
		"uint8":             {content(tfUint8, 0xff), 255, true},
		"int64":             {field(tfInt64, 10, math.MaxUint64), -1, true},
		"int32 of a list":   {field(tfInt32, 7, math.MaxUint64), -1, true},
		"uint64":            {field(tfUint64, 17, math.MaxUint64), math.MaxUint64, true},
		"bool":              {field(tfBool, 11, 1), 1, true},
		"half":              {field(tfHalf, 13, 0x3c00), 1, true},
		"too short":         {content(tfDouble, 1, 2, 3), 0, false},
		"a text":            {content(7, 'a'), 0, false},
		"zero is left out":  {protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), tfFloat), 0, true},
		"cut":               {[]byte{0x08}, 0, false},
		"nothing":           {nil, 0, false},
		"of other elements": {append(content(tfFloat, 0, 0, 0, 0), 0x12, 0x04, 0x12, 0x02, 0x08, 0x02), 0, false},
	} {
		if got, ok := tensorNumber(c.tensor); got != c.want || ok != c.ok {
			t.Errorf("%s: %v, %v, want %v, %v", name, got, ok, c.want, c.ok)
		}
	}
}

// sampleEvents is a file of events with scalars, sessions and a histogram.
func sampleEvents() (file []byte) {
	text := func(b []byte, number protowire.Number, s string) []byte {
		return protowire.AppendString(protowire.AppendTag(b, number, protowire.BytesType), s)
	}
	event := func(step uint64, value string) {
		e := protowire.AppendFixed64(protowire.AppendTag(nil, 1, protowire.Fixed64Type), math.Float64bits(1.7e9+float64(step)))
		e = protowire.AppendVarint(protowire.AppendTag(e, 2, protowire.VarintType), step)
		file = tfrecord.Append(file, text(e, 5, string(text(nil, 1, value))))
	}
	file = tfrecord.Append(file, text(nil, 3, "brain.Event:2"))
	hparams := text(text(nil, 1, "lr"), 2, string(protowire.AppendFixed64(protowire.AppendTag(nil, 2, protowire.Fixed64Type), math.Float64bits(0.1))))
	data := text(nil, 3, string(text(nil, 1, string(hparams))))
	event(0, string(text(text(nil, 1, "_hparams_/session_start_info"), 9, string(text(nil, 1, string(text(text(nil, 1, "hparams"), 2, string(data))))))))
	for step := range uint64(5) {
		v := text(nil, 1, "loss")
		event(step, string(protowire.AppendFixed32(protowire.AppendTag(v, 2, protowire.Fixed32Type), math.Float32bits(1/float32(step+1)))))
		tensor := protowire.AppendVarint(protowire.AppendTag(nil, 1, protowire.VarintType), tfFloat)
		tensor = text(tensor, 4, "\x00\x00\x80\x3f")
		event(step, string(text(text(text(nil, 1, "acc"), 8, string(tensor)), 9, string(text(nil, 1, string(text(nil, 1, "scalars")))))))
		event(step, string(text(text(nil, 1, "h"), 5, "")))
	}
	return file
}

// readAll reads a folder as an import does.
func readAll(ctx context.Context, dir string) (runs, values int, err error) {
	source, err := openTensorBoard(ctx, dir, Options{Notice: func(string) {}})
	if err != nil {
		return 0, 0, err
	}
	defer source.Close()
	return readSource(ctx, source)
}

func readSource(ctx context.Context, source Source) (runs, values int, err error) {
	all, err := source.Experiments(ctx)
	for _, e := range all {
		err = source.Runs(ctx, e, func(run *Run) error {
			runs++
			curves, err := source.Values(ctx, e, run)
			for _, curve := range curves {
				values += len(curve)
			}
			return err
		})
		if err != nil {
			return runs, values, err
		}
	}
	return runs, values, err
}

func TestEventsAreRead(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "events.out.tfevents.1"), sampleEvents())
	if runs, values, err := readAll(t.Context(), dir); runs != 1 || values != 10 || err != nil {
		t.Errorf("%d runs with %d values: %v", runs, values, err)
	}
}

func write(t testing.TB, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o644); err != nil {
		t.Fatal(err)
	}
}

// mutated is a text with some bytes changed, and parts repeated or left out.
func mutated(random *rand.Rand, text []byte) []byte {
	out := append([]byte(nil), text...)
	for range 1 + random.IntN(6) {
		if len(out) < 2 {
			break
		}
		at := random.IntN(len(out))
		end := min(len(out), at+1+random.IntN(40))
		switch random.IntN(4) {
		case 0:
			out[at] ^= byte(1 << random.IntN(8))
		case 1:
			out[at] = byte(random.IntN(256))
		case 2:
			out = append(out[:at:at], out[end:]...)
		default:
			out = append(out[:end:end], append(append([]byte(nil), out[at:end]...), out[end:]...)...)
		}
	}
	return out
}

// Event files with random damage, below and above their checksums, are read or refused.
func TestDamagedEventsAreReadOrRefused(t *testing.T) {
	random := tests.Random(t)
	path := filepath.Join(t.TempDir(), "events.out.tfevents.1")
	sample := sampleEvents()
	for range tests.Either(300, 5000) {
		var file []byte
		if random.IntN(2) == 0 {
			file = mutated(random, sample)
		} else { // the messages are damaged, and their frames are not
			r := tfrecord.NewReader(strings.NewReader(string(sample)))
			for {
				record, err := r.Next()
				if err != nil {
					break
				}
				if random.IntN(3) == 0 {
					record = mutated(random, record)
				}
				file = tfrecord.Append(file, record)
			}
		}
		write(t, path, file)
		if _, values, err := readAll(t.Context(), filepath.Dir(path)); values > 100 || err != nil && !strings.Contains(err.Error(), filepath.Dir(path)) {
			t.Fatalf("%d values: %v", values, err)
		}
	}
}

func FuzzEvents(f *testing.F) {
	f.Add(sampleEvents())
	r := tfrecord.NewReader(strings.NewReader(string(sampleEvents())))
	for record, err := r.Next(); err == nil; record, err = r.Next() {
		f.Add(append([]byte(nil), record...))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "tfevents"), content)
		write(t, filepath.Join(dir, "tfevents.framed"), tfrecord.Append(nil, content))
		_, _, _ = readAll(t.Context(), dir) // it returns
	})
}

const sampleJournal = `{"op_code": 0, "worker_id": "w", "study_name": "s", "directions": [1]}
{"op_code": 3, "worker_id": "w", "study_id": 0, "system_attr": {"study:metric_names": ["loss"]}}
{"op_code": 4, "worker_id": "w", "study_id": 0, "datetime_start": "2026-01-01T00:00:00.000000"}
{"op_code": 5, "worker_id": "w", "trial_id": 0, "param_name": "lr", "param_value_internal": 0.5, "distribution": "{\"name\": \"FloatDistribution\", \"attributes\": {\"step\": null, \"low\": 0.0, \"high\": 1.0, \"log\": false}}"}
{"op_code": 5, "worker_id": "w", "trial_id": 0, "param_name": "opt", "param_value_internal": 1, "distribution": "{\"name\": \"CategoricalDistribution\", \"attributes\": {\"choices\": [\"adam\", \"sgd\"]}}"}
{"op_code": 7, "worker_id": "w", "trial_id": 0, "step": 0, "intermediate_value": NaN}
{"op_code": 7, "worker_id": "w", "trial_id": 0, "step": 1, "intermediate_value": -Infinity}
{"op_code": 8, "worker_id": "w", "trial_id": 0, "user_attr": {"a": 1}}
{"op_code": 6, "worker_id": "w", "trial_id": 0, "state": 1, "values": [0.25], "datetime_complete": "2026-01-01T00:00:01.000000"}
{"op_code": 4, "worker_id": "w", "study_id": 0, "state": 1, "value": 3, "params": {"lr": 0.1}, "distributions": {}, "intermediate_values": {"2": 1.5}}
`

func readJournal(ctx context.Context, path string) (runs, values int, err error) {
	source, err := openOptuna(ctx, path, Options{})
	if err != nil {
		return 0, 0, err
	}
	defer source.Close()
	return readSource(ctx, source)
}

// Journals with random damage are read or refused, with the line.
func TestDamagedJournalsAreReadOrRefused(t *testing.T) {
	random := tests.Random(t)
	path := filepath.Join(t.TempDir(), "study.log")
	write(t, path, []byte(sampleJournal))
	if runs, values, err := readJournal(t.Context(), path); runs != 2 || values != 5 || err != nil {
		t.Fatalf("%d runs with %d values: %v", runs, values, err)
	}
	for range tests.Either(500, 10000) {
		write(t, path, append([]byte("{"), mutated(random, []byte(sampleJournal[1:]))...))
		if _, values, err := readJournal(t.Context(), path); values > 100 || err != nil && !strings.Contains(err.Error(), path) {
			t.Fatalf("%d values: %v", values, err)
		}
	}
}

func FuzzJournal(f *testing.F) {
	f.Add([]byte(sampleJournal))
	for line := range strings.Lines(sampleJournal) {
		f.Add([]byte(strings.SplitAfter(sampleJournal, "\n")[0] + line))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		path := filepath.Join(t.TempDir(), "study.log")
		write(t, path, append([]byte("{"), content...))
		_, _, _ = readJournal(t.Context(), path) // it returns
	})
}

// A file that grows has another revision, and one that is only touched has not.
func TestAGrownFileHasAnotherRevision(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "events.out.tfevents.1")
	revision := func(file []byte) (text string) {
		t.Helper()
		write(t, path, file)
		source, err := openTensorBoard(t.Context(), dir, Options{Notice: func(string) {}})
		if err != nil {
			t.Fatal(err)
		}
		err = source.Runs(t.Context(), Experiment{}, func(run *Run) error { text = fmt.Sprint(text, run.Revision); return nil })
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	sample := sampleEvents()
	whole := revision(sample)
	if again := revision(append(sample, "the start of"...)); again != whole {
		t.Errorf("a record that is being written changes the revision: %s, %s", again, whole)
	}
	if grown := revision(append(sample, sample...)); grown == whole {
		t.Errorf("the revision stays %s", whole)
	}
}
