package export

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/store/tfrecord"
	"github.com/xrun-dev/xrun/store/whole"
)

// TensorBoardPaths are the event files of the runs, below the folder that TensorBoard is given. TensorBoard names a run
// after the folders of its file: SWEEP/adam_lr1e-3_l2_lambda1_batch32_seed0-17.
func (s *Source) TensorBoardPaths(ctx context.Context) (paths []string, err error) {
	quiet := *s
	quiet.Seen = nil
	err = quiet.each(ctx, func(r *store.Run, settings []plugins.Value) error {
		paths = append(paths, s.tensorBoardPath(r, settings))
		return nil
	})
	return paths, err
}

func (s *Source) tensorBoardPath(r *store.Run, settings []plugins.Value) string {
	return filepath.Join(fileName(r.Sweep, 80), fileName(s.label(r, settings), 120)+"-"+strconv.FormatInt(r.ID, 10),
		fmt.Sprintf("events.out.tfevents.%d.xrun", r.StartedAt.Unix()))
}

// fileName makes a name of at most most bytes that every file system accepts.
func fileName(text string, most int) string {
	name := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("._-+=,", r) {
			return r
		}
		return '_'
	}, strings.ToValidUTF8(text, "_"))
	for len(name) > most {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	if trimmed := strings.TrimLeft(name, ".-"); trimmed != name || name == "" {
		name = "_" + trimmed
	}
	return strings.TrimRight(name, ".") // Windows would drop the point
}

// TensorBoard writes an event file for every run below a folder, and replaces files that exist. Values are float32, as
// TensorBoard's scalars are. The HParams tab shows the settings of runs.
func (s *Source) TensorBoard(ctx context.Context, dir string) error {
	reader, err := s.Store.Reader(ctx)
	if err != nil {
		return err
	}
	return s.each(ctx, func(r *store.Run, settings []plugins.Value) error {
		path := filepath.Join(dir, s.tensorBoardPath(r, settings))
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			return err
		}
		whole.Tidy(path)
		return whole.Write(path, 0o666, true, func(w io.Writer) error {
			e := &events{w: bufio.NewWriterSize(w, 1<<16)}
			if err := s.eventsOf(ctx, e, reader, r, settings); err != nil {
				return err
			}
			return e.w.Flush()
		})
	})
}

func (s *Source) eventsOf(ctx context.Context, e *events, reader *store.Reader, r *store.Run, settings []plugins.Value) error {
	begin := seconds(r.StartedAt)
	e.begin(begin, 0)
	e.event = protowire.AppendTag(e.event, 3, protowire.BytesType) // file_version
	e.event = protowire.AppendString(e.event, "brain.Event:2")
	if err := e.end(); err != nil {
		return err
	}
	if err := e.hparams(begin, "_hparams_/session_start_info", 3, sessionStart(begin, s.hyperparameters(r, settings))); err != nil {
		return err
	}
	// When an epoch ended is not recorded: all epochs get equal lengths.
	each := 1e-3
	if r.Epochs > 0 && r.Cost.Wall > 0 {
		each = r.Cost.Wall.Seconds() / float64(r.Epochs)
	}
	last := begin
	_, err := reader.Points(ctx, r.ID, func(step int, metrics []string, values []float64) error {
		last = begin + float64(each*float64(step))
		var summary []byte
		for i, metric := range metrics {
			if s.wants(metric) {
				summary = protowire.AppendTag(summary, 1, protowire.BytesType) // value
				summary = protowire.AppendBytes(summary, scalar(metric, values[i]))
			}
		}
		if summary == nil {
			return nil
		}
		e.begin(last, step)
		e.event = protowire.AppendTag(e.event, 5, protowire.BytesType) // summary
		e.event = protowire.AppendBytes(e.event, summary)
		return e.end()
	})
	if err != nil || r.Status == runner.StatusRunning {
		return err
	}
	return e.hparams(last, "_hparams_/session_end_info", 4, sessionEnd(last, r.Status))
}

func seconds(t time.Time) float64 { return float64(t.UnixMicro()) / 1e6 }

// events writes records of TensorFlow's event files. The messages are defined in tensorflow/core/util/event.proto; the names of their fields stand beside the numbers.
type events struct {
	w      *bufio.Writer
	event  []byte
	framed []byte
}

func (e *events) begin(wall float64, step int) {
	e.event = protowire.AppendTag(e.event[:0], 1, protowire.Fixed64Type) // wall_time
	e.event = protowire.AppendFixed64(e.event, math.Float64bits(wall))
	e.event = protowire.AppendTag(e.event, 2, protowire.VarintType) // step
	e.event = protowire.AppendVarint(e.event, uint64(step))
}

func (e *events) end() error {
	e.framed = tfrecord.Append(e.framed[:0], e.event)
	_, err := e.w.Write(e.framed)
	return err
}

// scalar is a Summary.Value of one number.
func scalar(tag string, v float64) []byte {
	b := protowire.AppendTag(nil, 1, protowire.BytesType) // tag
	b = protowire.AppendString(b, tag)
	b = protowire.AppendTag(b, 2, protowire.Fixed32Type) // simple_value
	return protowire.AppendFixed32(b, math.Float32bits(float32(v)))
}
