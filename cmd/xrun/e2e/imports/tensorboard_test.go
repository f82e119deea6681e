package imports

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/xrun-dev/xrun/cmd/xrun/e2e"
	"github.com/xrun-dev/xrun/store/tfrecord"
)

// boardReads is a reader of scalars in Python: the one that TensorBoard itself has.
const boardReads = `
import os
from tensorboard.backend.event_processing.plugin_event_accumulator import EventAccumulator
from tensorboard.util import tensor_util

def scalars(folder):
    ea = EventAccumulator(folder, size_guidance={"tensors": 0}, tensor_size_guidance={"scalars": 0})
    ea.Reload()
    tags = [tag for tag in ea.Tags()["tensors"] if ea.SummaryMetadata(tag).plugin_data.plugin_name == "scalars"]
    return ea, {tag: [(e.step, float(tensor_util.make_ndarray(e.tensor_proto))) for e in ea.Tensors(tag)] for tag in tags}

def latest(curve):
    # of several values at a step the last one counts
    return sorted(dict(curve).items())
`

// boardRuns writes 20 runs with TensorBoard's own writer and its HParams plugin. With an argument it writes two more, and more values of
// the run that has not ended.
const boardRuns = boardReads + `
import time
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.plugins.hparams import api_pb2, metadata, plugin_data_pb2, summary_v2
from tensorboard.plugins.scalar import metadata as scalar_metadata
import numpy
from tensorboard.summary.writer.event_file_writer import EventFileWriter

def scalar_pb(tag, x):
    return summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=tag, metadata=scalar_metadata.create_summary_metadata("", ""), tensor=tensor_util.make_tensor_proto(x))])

def session_end(status, at):
    data = plugin_data_pb2.HParamsPluginData(session_end_info=plugin_data_pb2.SessionEndInfo(status=status, end_time_secs=at))
    return summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag=metadata.SESSION_END_INFO_TAG, metadata=metadata.create_summary_metadata(data))])

more = len(sys.argv) > 1
begun = 1.7e9
status = {}

def event(w, at, step=0, **fields):
    w.add_event(event_pb2.Event(wall_time=at, step=step, **fields))

if not more:
    w = EventFileWriter("läufe")
    event(w, begun, summary=summary_v2.hparams_config_pb(hparams=[summary_v2.HParam("lr")], metrics=[summary_v2.Metric("epoch_score", group="validation"), summary_v2.Metric("loss")]))
    w.close()
names = []
for i in range(20, 22) if more else range(20):
    lr, opt, seed = [0.1, 1/3, 0.003][i // 10], ["adam", "sgd ☃"][i // 5 % 2], i % 5
    name = "läufe/ü ber/run %d" % i if i == 5 else "läufe/run-%d" % i
    start = begun + 100 * i
    w, v = EventFileWriter(name), EventFileWriter(name + "/validation")
    event(w, start, summary=summary_v2.hparams_pb({"lr": lr, "optimizer": opt, "seed": seed, "nesterov": i % 2 == 0, "größe/ä b": 2.5}, start_time_secs=start + 0.25))
    if i == 8:
        event(w, start, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START))
    for step in range(6):
        x = lr * (step + 1) + seed / 7 + len(opt)
        if i == 6 and step == 2: x = float("nan")
        if i == 7 and step == 3: x = float("-inf")
        event(w, start + step, step, summary=summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag="loss", simple_value=x)]))
        event(w, start + step, step, summary=scalar_pb("tensor/é", numpy.float64(x / 3)))
        event(v, start + step, step, summary=scalar_pb("epoch_score", numpy.float32(x * 2)))
        hist = summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag="h", histo=summary_pb2.HistogramProto(min=0, max=1, num=1, sum=1, bucket_limit=[1], bucket=[1]))])
        event(w, start + step, step, summary=hist)
    if i == 8: # it began again at step 3, and got to step 4: TensorBoard forgets the later ones, of all tags
        w.close()
        w = EventFileWriter(name, filename_suffix=".later")
        event(w, start + 20, 3, session_log=event_pb2.SessionLog(status=event_pb2.SessionLog.START))
        for step in range(3, 5):
            event(w, start + 20 + step, step, summary=summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag="loss", simple_value=step)]))
    if i != 9: # it has no end
        event(w, start + 50, summary=session_end(api_pb2.STATUS_FAILURE if i == 3 else api_pb2.STATUS_SUCCESS, start + 50.5))
    w.close(); v.close()
if more:
    w = EventFileWriter("läufe/run-9", filename_suffix=".more")
    event(w, time.time(), 6, summary=summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag="loss", simple_value=-1)]))
    w.close()

runs = []
for folder, folders, files in os.walk("läufe"):
    name = os.path.relpath(folder, "läufe")
    if name == "." or not files or name.endswith("validation"):
        continue
    ea, own = scalars(folder)
    below, of = scalars(folder + "/validation")
    curves = {k: latest(v) for k, v in own.items()}
    curves["val_score"] = latest(of["epoch_score"])
    data = ea.PluginTagToContent("hparams")
    start = metadata.parse_session_start_info_plugin_data(data[metadata.SESSION_START_INFO_TAG])
    ended, wall = "finished", None
    if metadata.SESSION_END_INFO_TAG in data:
        end = metadata.parse_session_end_info_plugin_data(data[metadata.SESSION_END_INFO_TAG])
        wall = end.end_time_secs - start.start_time_secs
        ended = "failed" if end.status == api_pb2.STATUS_FAILURE else "finished"
    elif more:
        ended = "interrupted" # it has a value of just now
    settings = {k: getattr(v, v.WhichOneof("kind")) for k, v in start.hparams.items()}
    settings["seed"] = int(settings["seed"])
    if any(not math.isfinite(x) for s, x in curves["val_score"] if s > 0) and ended == "finished":
        ended = "diverged"
    runs.append(told(name, ended, settings, curves, name=os.path.basename(folder), started=start.start_time_secs, wall=wall))
say(runs)
`

func TestTensorBoard(t *testing.T) {
	t.Parallel()
	python := interpreter(t, trackersPython, "tensorboard")
	source, dir := t.TempDir(), t.TempDir()
	want := toldBy(t, python, source, boardRuns)
	if len(want) != 20 {
		t.Fatalf("TensorBoard has %d runs", len(want))
	}
	before := content(t, source)
	logs := filepath.Join(source, "läufe")
	out, errs := importing(t, dir, "tensorboard", logs)
	said(t, out, "20 runs of ", "compared by val_score, the larger the better")
	said(t, errs, "not taken: 120 histograms")
	same(t, dir, "läufe", want)
	judged(t, dir, "läufe", "has the best mean")
	out, _ = importing(t, dir, "tensorboard", logs)
	said(t, out, ": 0 runs of ", "20 runs were there already")
	untouched(t, source, before)

	want = toldBy(t, python, source, boardRuns, "more")
	out, errs = importing(t, dir, "tensorboard", logs)
	said(t, out, ": 3 runs of ", "19 runs were there already") // one has grown
	said(t, errs, "sessions without an end, with values of the last 5 minutes: 1")
	same(t, dir, "läufe", want)
	judged(t, dir, "läufe", "has the best mean")

	elsewhere := filepath.Join(t.TempDir(), "copied")
	if err := os.CopyFS(elsewhere, os.DirFS(logs)); err != nil {
		t.Fatal(err)
	}
	out, _ = importing(t, dir, "tensorboard", elsewhere)
	said(t, out, "21 runs were there already")
}

// torchRuns writes 20 runs with PyTorch: add_scalar, add_scalars and add_hparams.
const torchRuns = boardReads + `
from torch.utils.tensorboard import SummaryWriter
import numpy
for i in range(20):
    lr, opt, seed = [0.1, 1/3][i // 10], ["adam", "sgd"][i // 5 % 2], i % 5
    with SummaryWriter("runs/r%d" % i) as w:
        for e in range(4):
            x = lr * 10 / (e + 1) + seed / 7 + len(opt)
            w.add_scalar("loss/train", x, e)
            w.add_scalar("loss/val", numpy.float32(x * 2), e, new_style=i % 2 == 0)
            w.add_scalars("both", {"a": x, "b": -x}, e)
        w.add_text("note", "hello")
        w.add_image("image", numpy.zeros((1, 2, 2)), 0)
        w.add_hparams({"lr": lr, "optimizer": opt, "seed": seed}, {"hparam/best": x})
from tensorboard.plugins.hparams import metadata
runs = []
for i in range(20):
    folder = "runs/r%d" % i
    ea, curves = scalars(folder)
    for below in os.listdir(folder):
        if os.path.isdir(folder + "/" + below):
            ea, of = scalars(folder + "/" + below)
            if below.startswith("both_"):
                curves[below] = of["both"]
            else:
                curves.update(of)
                start = metadata.parse_session_start_info_plugin_data(ea.PluginTagToContent("hparams")[metadata.SESSION_START_INFO_TAG])
    settings = {k: getattr(v, v.WhichOneof("kind")) for k, v in start.hparams.items()}
    settings["seed"] = int(settings["seed"])
    runs.append(told("r%d" % i, "finished", settings, curves))
say(runs)
`

func TestTensorBoardOfPyTorch(t *testing.T) {
	t.Parallel()
	python := interpreter(t, "python3", "torch, torch.utils.tensorboard")
	source, dir := t.TempDir(), t.TempDir()
	want := toldBy(t, python, source, torchRuns)
	before := content(t, source)
	out, errs := importing(t, dir, "tensorboard", filepath.Join(source, "runs"))
	said(t, out, "20 runs of 4 points", "compared by hparam/best")
	said(t, errs, "not taken: 20 images", "not taken: 20 texts")
	same(t, dir, "runs", want)
	judged(t, dir, "runs", "is best")
	out, _ = importing(t, dir, "tensorboard", filepath.Join(source, "runs"))
	said(t, out, "20 runs were there already")
	untouched(t, source, before)
}

// kerasRuns writes 4 runs with the callbacks of Keras and of the HParams plugin, and the same without HParams.
const kerasRuns = boardReads + `
import keras, numpy, tensorflow
from tensorboard.plugins.hparams import api as hp
x = numpy.random.default_rng(0).random((64, 4)); y = x.sum(1)
with tensorflow.summary.create_file_writer("tuned").as_default():
    hp.hparams_config(hparams=[hp.HParam("lr")], metrics=[hp.Metric("epoch_mae", group="validation")])
runs, plain = [], []
for lr in (0.1, 0.01):
    for seed in range(2):
        keras.utils.set_random_seed(seed)
        for into, callbacks, name in ((runs, [hp.KerasCallback("tuned/%g-%d" % (lr, seed), {"lr": lr, "seed": seed})], "tuned/%g-%d" % (lr, seed)), (plain, [], "plain/lr=%g_seed=%d" % (lr, seed))):
            m = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
            m.compile(keras.optimizers.SGD(lr), "mse", metrics=["mae"])
            m.fit(x, y, epochs=3, validation_split=0.25, verbose=0, callbacks=[keras.callbacks.TensorBoard(name)] + callbacks)
            curves = {k.removeprefix("epoch_"): v for k, v in scalars(name + "/train")[1].items()}
            curves.update({"val_" + k.removeprefix("epoch_"): v for k, v in scalars(name + "/validation")[1].items()})
            into.append(told(os.path.basename(name), "finished", {"lr": lr, "seed": seed}, curves))
say(runs + plain)
`

func TestTensorBoardOfKeras(t *testing.T) {
	t.Parallel()
	python := interpreter(t, "python3", "keras, tensorflow, tensorboard")
	source, dir := t.TempDir(), t.TempDir()
	want := toldBy(t, python, source, kerasRuns)
	for i, sweep := range []string{"tuned", "plain"} {
		out, _ := importing(t, dir, "tensorboard", filepath.Join(source, sweep))
		said(t, out, "4 runs of 2 points", []string{"compared by val_mae", "compared by val_loss"}[i])
		same(t, dir, sweep, want[4*i:4*i+4])
		judged(t, dir, sweep, "is best")
		out, _ = importing(t, dir, "tensorboard", filepath.Join(source, sweep))
		said(t, out, "4 runs were there already")
	}
}

// boardWrites writes values until its input ends.
const boardWrites = boardReads + `
import threading, time
from tensorboard.compat.proto import event_pb2, summary_pb2
from tensorboard.summary.writer.event_file_writer import EventFileWriter
ended = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
w = EventFileWriter("live/lr=0.5,seed_3", flush_secs=0.01)
n = 0
while not ended.is_set() and n < 1000000:
    w.add_event(event_pb2.Event(wall_time=time.time(), step=n, summary=summary_pb2.Summary(value=[summary_pb2.Summary.Value(tag="loss", simple_value=n)])))
    n += 1
    if n == 100:
        w.flush()
        print("ready", flush=True)
    time.sleep(0.001)
w.close()
print(n, flush=True)
`

// A file that grows is read without harm, and each import has what was there.
func TestTensorBoardWhileItWrites(t *testing.T) {
	t.Parallel()
	python := interpreter(t, trackersPython, "tensorboard")
	source, dir := t.TempDir(), t.TempDir()
	logs := filepath.Join(source, "live")
	n := whileWriting(t, python, source, boardWrites, func() { importing(t, dir, "tensorboard", logs) })
	_, errs := importing(t, dir, "tensorboard", logs)
	said(t, errs, "runs with values of the last 5 minutes that nothing says the end of: 1")
	got := imported(t, dir, "live")
	run, ok := got["it is run lr=0.5,seed_3"]
	if len(got) != 1 || !ok || run.LR != 0.5 || run.Seed != 3 || fmt.Sprint(run.Epochs) != n {
		t.Errorf("there is %+v, and TensorBoard wrote %s values", got, n)
	}
	judged(t, dir, "live")
}

// Ten thousand runs are the twenty that TensorBoard wrote, and copies of them in other folders, with other values.
func TestTensorBoardTenThousand(t *testing.T) {
	t.Parallel()
	python := interpreter(t, trackersPython, "tensorboard")
	source, dir := t.TempDir(), t.TempDir()
	toldBy(t, python, source, boardRuns)
	from, to := filepath.Join(source, "läufe"), filepath.Join(source, "many")
	for n := range 500 {
		err := filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() || filepath.Dir(path) == from {
				return err
			}
			rel, err := filepath.Rel(from, path)
			if err != nil {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			e2e.Write(t, filepath.Join(to, fmt.Sprint(n), rel), string(rewritten(t, text, float32(n)/1000)))
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	out, _ := measured(t, 1024, dir, "tensorboard", to)
	said(t, out, "10000 runs of ")
	measured(t, 1024, dir, "tensorboard", to)
	e2e.Run(t, 0, e2e.Xrun(t, dir, "compare", "many"))
	e2e.Run(t, 0, e2e.Xrun(t, dir, "db", "check"))
}

// rewritten is an event file with other values.
func rewritten(t *testing.T, file []byte, by float32) (out []byte) {
	t.Helper()
	r := tfrecord.NewReader(bytes.NewReader(file))
	for {
		record, err := r.Next()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		change(record, by, 5, 1, 2)    // summary, value, simple_value
		change(record, by, 5, 1, 8, 5) // summary, value, tensor, float_val
		out = tfrecord.Append(out, record)
	}
}

// change adds to the float32 at a path of fields, in place.
func change(message []byte, by float32, path ...protowire.Number) {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return
		}
		message = message[n:]
		size := protowire.ConsumeFieldValue(number, kind, message)
		if size < 0 {
			return
		}
		at := message[:size]
		message = message[size:]
		if number != path[0] {
			continue
		}
		if kind == protowire.BytesType {
			inside, _ := protowire.ConsumeBytes(at)
			if len(path) > 1 {
				change(inside, by, path[1:]...)
				continue
			}
			at = inside // a packed list
		}
		if len(path) == 1 && len(at) == 4 {
			binary.LittleEndian.PutUint32(at, math.Float32bits(math.Float32frombits(binary.LittleEndian.Uint32(at))+by))
		}
	}
}

// Damaged files, and folders with loops, end in a notice or an error.
func TestTensorBoardHostile(t *testing.T) {
	t.Parallel()
	python := interpreter(t, trackersPython, "tensorboard")
	source := t.TempDir()
	toldBy(t, python, source, boardRuns)
	files, err := filepath.Glob(filepath.Join(source, "läufe", "run-8", "*tfevents*"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	hostile(t, "tensorboard", files[0], 30)
	const name = "events.out.tfevents.1"
	for what, file := range map[string][]byte{
		"a huge length":      binary.LittleEndian.AppendUint64(nil, 1<<63),
		"a length alone":     tfrecord.Append(nil, make([]byte, 1<<20))[:100],
		"no message":         tfrecord.Append(nil, bytes.Repeat([]byte{0xff}, 1000)),
		"groups in groups":   tfrecord.Append(nil, bytes.Repeat([]byte{0x2b}, 1<<20)),
		"summaries in order": tfrecord.Append(nil, bytes.Repeat([]byte{0x2a, 0x02, 0x0a, 0x00}, 1<<18)),
	} {
		t.Run(what, func(t *testing.T) {
			dir := t.TempDir()
			e2e.Write(t, filepath.Join(dir, "logs", name), string(file))
			ends(t, dir, "tensorboard", "logs", 2)
		})
	}
	t.Run("links", func(t *testing.T) {
		dir := t.TempDir()
		text, err := os.ReadFile(files[0])
		if err != nil {
			t.Fatal(err)
		}
		e2e.Write(t, filepath.Join(dir, "logs", "a", name), string(text))
		for link, to := range map[string]string{"logs/a/up": "..", "logs/b": "a", "logs/self": "self", "logs/gone": "none"} {
			if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
				t.Skipf("no link can be made here: %v", err)
			}
		}
		out, _ := importing(t, dir, "tensorboard", "logs")
		if !strings.Contains(out, "1 run of 1 point") {
			t.Errorf("a run counts more than once:\n%s", out)
		}
	})
}
