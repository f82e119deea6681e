package imports

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"hash/crc32"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
)

// writeWandb has W&B write runs without a server, and tells what it has logged. Its arguments are the number of the first run and of the
// first that is not written. Run 18 fails, 19 is killed, 20 is of a W&B sweep, and 21 is resumed.
const writeWandb = `
import os, subprocess
os.environ.update(WANDB_MODE="offline", WANDB_SILENT="true")
import wandb

def lines(i):
    seed, lr, optimizer = 10000 + i % 5, [0.1, 0.003][i // 5 % 2], ["sgd", "adam"][i // 10 % 2]
    config = {"lr": lr, "optimizer": optimizer, "seed": seed, "model": {"width": 64, "dropout": 0.1, "blocks": [1, 2]}, "flag": True,
              "größe ☃": "1e5", "none": None, "count": 2**40, "neg": -3}
    settings = {"lr": lr, "optimizer.component": optimizer, "seed": seed, "model.width": 64, "model.dropout": 0.1, "model.blocks": "[1,2]", "flag": True,
                "größe ☃": "1e5", "count": 2**40, "neg": -3}
    rows = []
    for step in range(400 if i == 19 else 12):
        loss = (1.0 + 0.01 * (seed - 10000) + (0.3 if optimizer == "sgd" else 0.0)) * (1 - lr) ** step + 1e-3 / 3
        row = {"val/loss": loss, "train": {"loss": loss / 7, "norm": {"l2": float(step) / 3}}, "step/é": step, "grad": -loss}
        if step == 4:
            row["train"]["loss"] = float("nan")
            row["grad"] = float("-inf")
        if step == 5:
            row["wide"] = 2**53
        rows.append(row)
    return config, settings, rows

def flat(row, prefix=""):
    for k, v in row.items():
        if isinstance(v, dict):
            yield from flat(v, prefix + k + ".")
        else:
            yield prefix + k, float(v)

def write(i):
    config, settings, rows = lines(i)
    name = ["run %d" % i, "läuft ☃ %d" % i, "a/b: \"c\" %d" % i][i % 3]
    if i == 20:
        os.environ.update(WANDB_SWEEP_ID="sw33p", WANDB_PROJECT="mnist ☃")
    run = wandb.init(project="mnist ☃", name=name, config=config, group="g", tags=["first", "zweite"], notes="note %d\nits second line" % i)
    curves = {}
    for step, row in enumerate(rows):
        for k, v in flat(row):
            curves.setdefault(k, []).append((step, v))
        if step == 6:
            row = dict(row, histogram=wandb.Histogram([1, 2, 3]), words="some text", on=True)
        run.log(row)
    if i == 7:
        run.log({"late": 1.5}, step=100)
        curves["late"] = [(100, 1.5)]
    if i != 19:
        run.summary["best"] = 0.25 + i
        curves["best"] = [(max(s for c in curves.values() for s, _ in c), 0.25 + i)]
    run_id = run.id
    if i == 21:
        run.finish()
        run = wandb.init(project="mnist ☃", name=name, config=dict(config, more=1), group="g", id=run_id, resume="allow")
        run.log({"val/loss": 0.125}, step=12)
        curves["val/loss"].append((12, 0.125))
        curves["best"] = [(12, 0.25 + i)]
        settings["more"] = 1
    settings["group"] = "g"
    line = told(run_id, "failed" if i == 18 else "interrupted" if i == 19 else "finished", settings, curves, name)
    if i == 19: # with the program that writes the file, which writes whole blocks
        import psutil, time
        time.sleep(2)
        say([line])
        for child in psutil.Process().children(recursive=True):
            child.kill()
        os._exit(9)
    run.finish(exit_code=3 if i == 18 else 0)
    return line

if __name__ == "__main__":
    first, behind = int(sys.argv[1]), int(sys.argv[2])
    runs = []
    for i in range(first, behind):
        if i in (19, 20) and behind > first + 1:
            p = subprocess.run([sys.executable, __file__, str(i), str(i + 1)], stdout=subprocess.PIPE,
                               env={k: v for k, v in os.environ.items() if "WANDB_SERVICE" not in k}) # of its own program that writes
            runs += json.loads(p.stdout.decode().strip().splitlines()[-1])
        else:
            runs.append(write(i))
    say(runs)
`

// readWandb reads the files with the messages of the package wandb itself.
const readWandb = `
import glob, os, struct, zlib
from wandb.proto import wandb_internal_pb2 as pb

def records(path):
    data = open(path, "rb").read()
    at, part = 7, b""
    while at + 7 <= len(data):
        if 32768 - at % 32768 < 7:
            at += 32768 - at % 32768
            continue
        crc, length, kind = struct.unpack("<IHB", data[at:at + 7])
        piece = data[at + 7:at + 7 + length]
        assert zlib.crc32(piece, zlib.crc32(bytes([kind]))) == crc
        at += 7 + length
        part += piece
        if kind in (1, 4):
            r = pb.Record()
            r.ParseFromString(part)
            part = b""
            yield r

runs = {}
for path in sorted(glob.glob(sys.argv[1] + "/*run-*/*.wandb"), key=lambda p: p.split("run-", 1)[1]):
    run, curves, ended = None, {}, None
    for r in records(path):
        kind = r.WhichOneof("record_type")
        if kind == "run" and run is None:
            run = r.run
            curves = runs.get(run.run_id, (0, {}))[1]
        if kind == "exit":
            ended = r.exit.exit_code
        if kind == "history":
            for item in r.history.item:
                path = list(item.nested_key) or [item.key]
                if path[0].startswith("_") or path[0] in ("histogram", "words", "on"):
                    continue
                curves.setdefault(".".join(path), []).append((r.history.step.num, float(json.loads(item.value_json))))
    if run.sweep_id == sys.argv[2]:
        first = runs.get(run.run_id, (run.start_time.seconds + run.start_time.nanos / 1e9,))[0]
        status = "interrupted" if ended is None else "failed" if ended else "finished"
        runs[run.run_id] = (first, curves, told(run.run_id, status, {}, {}, run.display_name, first))
say([t for _, _, t in runs.values()])
print(json.dumps({i: {k: [[s, x.hex()] for s, x in c] for k, c in curves.items()} for i, (_, curves, _) in runs.items()}), file=open(sys.argv[3], "w"))
`

func TestImportWandb(t *testing.T) {
	tool := interpreter(t, trackersPython, "wandb")
	dir := t.TempDir()
	from := filepath.Join(dir, "wandb")
	written := toldBy(t, tool, dir, writeWandb, "0", "20")
	read := toldBy(t, tool, dir, readWandb, from, "", filepath.Join(dir, "curves.json"))
	var curves map[string]map[string][][2]any
	if text, err := os.ReadFile(filepath.Join(dir, "curves.json")); err != nil || json.Unmarshal(text, &curves) != nil {
		t.Fatalf("%v in the curves that W&B reads", err)
	}
	cut := len(written) - 1
	if n := len(curves[written[cut].ID]["val/loss"]); n < 20 || n > 400 {
		t.Fatalf("the run that was killed has %d of 400 values", n)
	}
	written[cut].Curves = curves[written[cut].ID]
	before := content(t, from)
	out, said1 := importing(t, dir, "wandb", "wandb")
	said(t, out, "20 runs of 4 points", "as the sweep mnist ☃", "compared by val/loss, the smaller the better")
	said(t, said1, "1 run was still running there", "not taken: 20 tables, media and histograms", "not taken: 40 logged values that are no numbers")
	same(t, dir, "mnist ☃", written)

	// Names, states and times, by the messages of W&B itself.
	got := imported(t, dir, "mnist ☃")
	for _, r := range read {
		run, ok := got[r.what()]
		if !ok || run.Status != r.Status || r.Started == nil || float64(run.StartedAt.UnixMicro())-*r.Started*1e6 > 1.5 {
			t.Errorf("%s is %s at %v, want %s at %f", r.what(), run.Status, run.StartedAt, r.Status, *r.Started)
		}
	}
	if len(read) != 20 {
		t.Errorf("the files have %d runs, want 20", len(read))
	}
	judged(t, dir, "mnist ☃", "adam", "sgd")
	untouched(t, from, before)

	// A run that may be written still is taken again; the others are there.
	out, _ = importing(t, dir, "wandb", from)
	said(t, out, "1 run of", "19 runs were there already")
	same(t, dir, "mnist ☃", written)

	// A copy elsewhere is the same. One run's folder, and one file, are taken too.
	copied := filepath.Join(dir, "elsewhere", "wandb")
	if err := os.CopyFS(copied, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	out, _ = importing(t, dir, "wandb", filepath.Dir(copied))
	said(t, out, "1 run of", "19 runs were there already")
	file := slices.Sorted(maps.Keys(content(t, copied)))
	file = slices.DeleteFunc(file, func(name string) bool { return !strings.HasSuffix(name, ".wandb") })
	out, _ = importing(t, dir, "wandb", file[0])
	said(t, out, "0 runs of", "1 run was there already")
	out, _ = importing(t, dir, "wandb", filepath.Dir(file[1]))
	said(t, out, "0 runs of", "1 run was there already")

	// Two more, one of a W&B sweep, and one that was resumed.
	more := toldBy(t, tool, dir, writeWandb, "20", "22")
	out, _ = importing(t, dir, "wandb", "wandb")
	said(t, out, "2 runs of", "19 runs were there already", "as the sweep mnist ☃/sw33p")
	same(t, dir, "mnist ☃", append(slices.Clone(written), more[1]))
	same(t, dir, "mnist ☃/sw33p", more[:1])
	judged(t, dir, "mnist ☃", "adam", "sgd")

	// What the command line says goes before guesses.
	out, _ = importing(t, dir, "wandb", "wandb", "--experiment", "mnist ☃", "--name", "other", "--metric", "train.loss", "--goal", "max", "--map", "neg=-", "--map", "model.dropout=lambda")
	said(t, out, "21 runs of", "as the sweep other", "compared by train.loss, the larger the better")
}

// frames is a log of W&B with records.
func frames(records [][]byte) []byte {
	out := []byte(":W&B\xe1\xbe\x00")
	for _, record := range records {
		for first := true; first || len(record) > 0; first = false {
			room := 32768 - len(out)%32768
			if room < 7 {
				out = append(out, make([]byte, room)...)
				room = 32768
			}
			piece := record[:min(len(record), room-7)]
			record = record[len(piece):]
			kind := byte(3)
			switch last := len(record) == 0; {
			case first && last:
				kind = 1
			case first:
				kind = 2
			case last:
				kind = 4
			}
			out = binary.LittleEndian.AppendUint32(out, crc32.Update(crc32.ChecksumIEEE([]byte{kind}), crc32.IEEETable, piece))
			out = binary.LittleEndian.AppendUint16(out, uint16(len(piece)))
			out = append(append(out, kind), piece...)
		}
	}
	return out
}

// unframed are the records of a log that fits one block a record.
func unframed(t *testing.T, log []byte) (records [][]byte) {
	t.Helper()
	var record []byte
	for at := 7; at+7 <= len(log); {
		if room := 32768 - at%32768; room < 7 {
			at += room
			continue
		}
		length, kind := int(binary.LittleEndian.Uint16(log[at+4:])), log[at+6]
		record = append(record, log[at+7:at+7+length]...)
		if at += 7 + length; kind == 1 || kind == 4 {
			records, record = append(records, record), nil
		}
	}
	return records
}

// changed copies a record with another identifier and seed, and with other digits at the end of the numbers of its history.
func changed(record []byte, id, as string, i int) []byte {
	record = []byte(strings.ReplaceAll(string(record), id, as))
	for seed := range 3 {
		record = []byte(strings.ReplaceAll(string(record), fmt.Sprint(10000+seed), fmt.Sprint(10000+i)))
	}
	if field, _, _ := protowire.ConsumeTag(record[2:]); field != 2 { // behind the number of the record
		return record
	}
	for at := 0; at < len(record); at++ {
		digits := 0
		for at+digits < len(record) && record[at+digits] >= '0' && record[at+digits] <= '9' {
			digits++
		}
		if digits >= 14 {
			copy(record[at+digits-5:], fmt.Sprintf("%05d", i))
		}
		at += digits
	}
	return record
}

func TestImportManyWandb(t *testing.T) {
	tool := interpreter(t, trackersPython, "wandb")
	dir := t.TempDir()
	toldBy(t, tool, dir, writeWandb, "0", "3")
	logs, err := filepath.Glob(filepath.Join(dir, "wandb", "offline-run-*", "*.wandb"))
	if err != nil || len(logs) != 3 {
		t.Fatalf("there are %d files: %v", len(logs), err)
	}
	many := func(name string, n int) string {
		folder := filepath.Join(dir, name)
		for i := range n {
			log, err := os.ReadFile(logs[i%len(logs)])
			if err != nil {
				t.Fatal(err)
			}
			id := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(logs[i%len(logs)]), "run-"), ".wandb")
			records, as := unframed(t, log), fmt.Sprintf("%08d", i)
			for j := range records {
				records[j] = changed(records[j], id, as, i)
			}
			run := filepath.Join(folder, "offline-run-20260101_000000-"+as)
			if err := os.MkdirAll(run, 0o777); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(run, "run-"+as+".wandb"), frames(records), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		return folder
	}
	few := t.TempDir()
	measured(t, 400, few, "wandb", many("few", 500))
	out, _ := measured(t, 400, dir, "wandb", many("many", 10_000))
	said(t, out, "10000 runs of 1 point")
	out, _ = measured(t, 400, dir, "wandb", filepath.Join(dir, "many"))
	said(t, out, "0 runs of", "10000 runs were there already")
	e2e.Run(t, 0, e2e.Xrun(t, dir, "db", "check"))
}
