package trackers

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store/imported"
)

// A message is one of Protocol Buffers that is being written.
type message []byte

func (m message) text(field protowire.Number, text string) message {
	return protowire.AppendString(protowire.AppendTag(m, field, protowire.BytesType), text)
}

func (m message) number(field protowire.Number, n uint64) message {
	return protowire.AppendVarint(protowire.AppendTag(m, field, protowire.VarintType), n)
}

func (m message) item(key, json string) message {
	return m.text(1, string(message(nil).text(2, key).text(16, json)))
}

// pieces is a log with a piece for each record.
func pieces(records ...message) []byte {
	out := []byte(logHeader)
	for _, record := range records {
		out = append(out, piece(wholePiece, record)...)
	}
	return out
}

func piece(kind byte, content []byte) []byte {
	out := binary.LittleEndian.AppendUint32(nil, crc32.Update(crc32.ChecksumIEEE([]byte{kind}), crc32.IEEETable, content))
	return append(append(binary.LittleEndian.AppendUint16(out, uint16(len(content))), kind), content...)
}

// aRun is a log of a run with three values and an end.
func aRun(id string, code uint64) []byte {
	config := message(nil).item("lr", "0.1").item("_wandb", `{"x":1}`).item("deep", `{"a":{"b":"1e5"},"none":null,"nan":NaN}`)
	records := []message{message(nil).text(recordRun, string(message(nil).text(1, id).text(3, "p").text(4, string(config)).text(8, "name "+id)))}
	for step, value := range []string{"0.5", "NaN", `{"a":2,"words":"x","im":{"_type":"image-file"}}`} {
		records = append(records, message(nil).text(recordHistory, string(message(nil).item("loss", value).item("_timestamp", "1.7e9").text(2, string(message(nil).number(1, uint64(step)))))))
	}
	summary := message(nil).item("best", "-Infinity").item("_runtime", "3")
	return pieces(append(records, message(nil).text(recordSummary, string(summary)), message(nil).text(recordExit, string(message(nil).number(1, code))))...)
}

// opened reads a folder or file, and what it has.
func opened(t *testing.T, path string) (runs []*Run, values []map[string][]imported.Logged, notices []string, err error) {
	t.Helper()
	source, err := openWandb(t.Context(), path, Options{Notice: func(text string) { notices = append(notices, text) }})
	if err != nil {
		return nil, nil, notices, err
	}
	defer func() {
		if err := source.Close(); err != nil {
			t.Error(err)
		}
	}()
	experiments, err := source.Experiments(t.Context())
	if err != nil {
		return nil, nil, notices, err
	}
	for _, e := range experiments {
		if err := source.Runs(t.Context(), e, func(run *Run) error {
			v, err := source.Values(t.Context(), e, run)
			runs, values = append(runs, run), append(values, v)
			return err
		}); err != nil {
			return runs, values, notices, err
		}
	}
	return runs, values, notices, nil
}

func put(t *testing.T, path string, content []byte) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRecordsOfWandb(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	runs, values, notices, err := opened(t, put(t, filepath.Join(t.TempDir(), "run-a.wandb"), aRun("a", 255)))
	if err != nil || len(runs) != 1 || len(notices) > 0 {
		t.Fatalf("%d runs, %v, %v", len(runs), notices, err)
	}
	run := runs[0]
	if run.ID != "a" || run.Name != "name a" || run.Status != runner.StatusFailed || run.Reason != "it ended with exit code 255" {
		t.Errorf("the run is %+v", run)
	}
	if got := fmt.Sprint(run.Settings); strings.Contains(got, "_wandb") || !strings.Contains(got, "deep.a.b") || !strings.Contains(got, "1e5") || len(run.Settings) != 3 {
		t.Errorf("its settings are %s", got)
	}
	if got := fmt.Sprint(run.Metrics); got != "[best loss loss.a]" {
		t.Errorf("its metrics are %s", got)
	}
	loss := values[0]["loss"]
	if len(loss) != 2 || loss[0].Value != 0.5 || !math.IsNaN(loss[1].Value) || loss[1].Step != 1 || loss[1].At != 1.7e15 {
		t.Errorf("loss is %v", loss)
	}
	if best := values[0]["best"]; len(best) != 1 || !math.IsInf(best[0].Value, -1) || best[0].Step != 2 {
		t.Errorf("best is %v", best)
	}
}

// Whatever a file has, it gives an error, or a notice and what comes before.
func TestHostileFilesOfWandb(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	good := aRun("a", 0)
	long := append([]byte(logHeader), piece(firstPiece, make([]byte, logBlock-2*pieceHead))...)
	long[len(logHeader)+4], long[len(logHeader)+5] = 0xff, 0xff
	flipped := bytes.Clone(good)
	flipped[len(good)/2] ^= 1
	unending := []byte(logHeader)
	for block := 0; len(unending) < longestRecord+4*logBlock; block++ {
		kind, room := byte(innerPiece), logBlock-pieceHead
		if block == 0 {
			kind, room = firstPiece, room-len(logHeader)
		}
		unending = append(unending, piece(kind, make([]byte, room))...)
	}
	for name, of := range map[string]struct {
		content []byte
		says    string // in the error, or in a notice
	}{
		"empty":             {nil, "does not begin as a file of W&B"},
		"only the header":   {[]byte(logHeader), "no record of a run"},
		"another":           {[]byte("SQLite format 3\x00"), "does not begin as a file of W&B"},
		"another version":   {append([]byte(":W&B\xe1\xbe\x01"), good[7:]...), "does not begin as a file of W&B"},
		"cut":               {good[:len(good)-3], "it ends within a record"},
		"cut in a head":     {append(bytes.Clone(good), 1, 2, 3), "it ends within a record"},
		"a flipped bit":     {flipped, "another checksum"},
		"a huge length":     {append(bytes.Clone(good), long[7:]...), "goes beyond its block"},
		"an unending one":   {unending, "longer than 64 MB"},
		"of no kind":        {append(bytes.Clone(good), piece(9, []byte("x"))...), "is of kind 9"},
		"an end alone":      {append(bytes.Clone(good), piece(lastPiece, []byte("x"))...), "no beginning or no end"},
		"no message":        {append(bytes.Clone(good), piece(wholePiece, []byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"))...), "is no message of W&B"},
		"a length in it":    {append(bytes.Clone(good), piece(wholePiece, []byte{0x12, 0xff, 0xff, 0xff, 0xff, 0x0f})...), "is no message of W&B"},
		"zeros at its end":  {append(bytes.Clone(good), make([]byte, 100)...), ""},
		"deep in a setting": {pieces(message(nil).text(recordRun, string(message(nil).text(1, "a").text(4, string(message(nil).item("deep", strings.Repeat("[", 20_000))))))), ""},
	} {
		_, _, notices, err := opened(t, put(t, filepath.Join(t.TempDir(), "run-a.wandb"), of.content))
		if all := fmt.Sprint(notices, err); !strings.Contains(all, of.says) || of.says == "" && (err != nil || len(notices) > 0) {
			t.Errorf("%s: %s, want %q", name, all, of.says)
		}
	}

	// In a folder one bad file costs no other. Links in a circle, folders with the name of a file and other kinds are left out.
	dir := t.TempDir()
	put(t, filepath.Join(dir, "run-1-a", "run-a.wandb"), good)
	put(t, filepath.Join(dir, "run-2-b", "run-b.wandb"), good[:len(good)-3])
	put(t, filepath.Join(dir, "run-3-c", "run-c.wandb"), aRun("c", 0))
	put(t, filepath.Join(dir, "run-4-d", "run-d.wandb"), []byte("nothing"))
	if err := errors.Join(os.MkdirAll(filepath.Join(dir, "run-5-e", "run-e.wandb"), 0o777), os.Symlink(dir, filepath.Join(dir, "run-6-f")),
		os.Symlink("run-7-g", filepath.Join(dir, "run-7-g")), os.Symlink("run-1-a", filepath.Join(dir, "latest-run"))); err != nil {
		t.Skip("links cannot be made: ", err)
	}
	runs, _, notices, err := opened(t, dir)
	all := strings.Join(notices, "\n")
	if err != nil || len(runs) != 2 || !strings.Contains(all, "another file has the run a") || !strings.Contains(all, "run-d.wandb is left out") {
		t.Errorf("%d runs, %v, %v", len(runs), all, err)
	}
	if left, err := filepath.Glob(filepath.Join(os.Getenv("TMPDIR"), "*", "*")); err != nil || len(left) > 0 {
		t.Errorf("there are still %q, %v", left, err)
	}
}

func TestPathsAndProjects(t *testing.T) {
	for text, want := range map[string]bool{"me/project": true, "me/größe 1": false, "me/größe-1": true, "./wandb": false, "../x": false, "/a/b": false, "wandb": false, "a/b/c": false,
		`C:\a`: false, "https://wandb.ai/a": false, "me/": false} {
		if got := project.MatchString(text); got != want {
			t.Errorf("%q is a project: %t, want %t", text, got, want)
		}
	}
	_, err := openWandb(context.Background(), filepath.Join(t.TempDir(), "none"), Options{})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is not there gives %v", err)
	}
}

func FuzzRecordsOfWandb(f *testing.F) {
	f.Add(aRun("a", 0))
	f.Add(aRun("b", 1)[:100])
	f.Add(append([]byte(logHeader), piece(firstPiece, []byte("x"))...))
	f.Fuzz(func(t *testing.T, log []byte) {
		run := &wandbRun{config: map[string]map[string][]byte{}, metrics: map[string]bool{}, summary: map[string]bool{}, left: map[string]int{}}
		size := 0
		err := records(bytes.NewReader(log), func(record []byte) error {
			size += len(record)
			return run.record(record)
		})
		var end *cutError
		if err != nil && !errors.Is(err, errOther) && !errors.Is(err, errNoMessage) && !errors.As(err, &end) {
			t.Errorf("%v", err)
		}
		if size > len(log) {
			t.Errorf("%d bytes have records of %d", len(log), size)
		}
	})
}

// Messages are reached without their checksums, which no fuzzing finds.
func FuzzMessagesOfWandb(f *testing.F) {
	_ = records(bytes.NewReader(aRun("a", 0)), func(record []byte) error { f.Add(bytes.Clone(record)); return nil })
	f.Fuzz(func(t *testing.T, record []byte) {
		run := &wandbRun{config: map[string]map[string][]byte{}, metrics: map[string]bool{}, summary: map[string]bool{}, left: map[string]int{}}
		if err := run.record(record); err != nil && !errors.Is(err, errNoMessage) {
			t.Errorf("%v", err)
		}
		if _, err := json.Marshal(nested(run.config)); err != nil {
			t.Errorf("%v", err)
		}
	})
}
