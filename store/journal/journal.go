// Package journal reads and writes the journals of attempts: files to which a script, or a job elsewhere, appends what it logs, one line by one
// write, while the database may be out of reach.
//
// A line is the CRC-32 of its text (IEEE, 8 hexadecimal digits), a space, and the text, which is one object of JSON. Its member a names the
// attempt, and one of begin, log, out, event and end says what it is. A journal may hold many attempts, and lines of several processes: w
// names a process that is not the attempt's own.
//
//	5d2f…  {"a":"K3…","begin":{"name":"mnist","at":1.8e9,"config":{"lr":0.1}}}
//	91c0…  {"a":"K3…","log":{"val_loss":0.42},"step":3}
//	07aa…  {"a":"K3…","end":{"status":"finished","at":1.8e9,"count":1,"hash":"…"}}
//
// A line that its checksum does not fit is left out and counted. Numbers that JSON does not have are the texts NaN, +Inf and -Inf; NaN:
// with 16 hexadecimal digits is a NaN of other bits.
package journal

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"math/bits"
	"os"
	"strconv"
	"strings"
	"time"
)

// A Record is a line of a journal.
type Record struct {
	Attempt string `json:"a"`
	Writer  string `json:"w,omitempty"` // empty for the attempt's own process
	Begin   *Begin `json:"begin,omitempty"`
	Log     Values `json:"log,omitempty"`
	Step    int    `json:"step,omitempty"`  // of Log
	Whole   bool   `json:"whole,omitempty"` // Log has all metrics of its step
	Output  string `json:"out,omitempty"`   // what the process printed
	Event   *Event `json:"event,omitempty"`
	End     *End   `json:"end,omitempty"`

	MLflow json.RawMessage `json:"mlflow,omitempty"` // what a client of MLflow has said of a run; of a journal of such alone

	text []byte
}

// A Begin opens an attempt.
type Begin struct {
	Name      string                     `json:"name"` // of the sweep
	At        Seconds                    `json:"at"`
	Config    map[string]json.RawMessage `json:"config,omitempty"`
	Order     []string                   `json:"order,omitempty"` // the names of Config, as given
	Metric    string                     `json:"metric,omitempty"`
	Goal      string                     `json:"goal,omitempty"`
	Tags      []string                   `json:"tags,omitempty"`
	Notes     string                     `json:"notes,omitempty"`
	Continues int64                      `json:"continues,omitempty"` // the run that goes on
	Command   []string                   `json:"command,omitempty"`
	Folder    string                     `json:"folder,omitempty"`
	Host      string                     `json:"host,omitempty"`
	OS        string                     `json:"os,omitempty"`
	Arch      string                     `json:"arch,omitempty"`
	Cores     int                        `json:"cores,omitempty"`
	Python    string                     `json:"python,omitempty"`
	File      string                     `json:"file,omitempty"`
	Source    string                     `json:"source,omitempty"` // of File

	// Of a trial of a sweep, whose settings the reader knows.
	Trial  string `json:"trial,omitempty"` // its key
	After  string `json:"after,omitempty"` // the attempt from whose checkpoint it goes on; its values are repeated
	Job    string `json:"job,omitempty"`   // by the name that the engine gave it
	CPU    string `json:"cpu,omitempty"`
	Go     string `json:"go,omitempty"`
	Xrun   string `json:"xrun,omitempty"` // version
	Commit string `json:"commit,omitempty"`
	Dirty  bool   `json:"dirty,omitempty"`
}

// An Event is something that happened to an attempt, for people to read.
type Event struct {
	Kind    string  `json:"kind"`
	Message string  `json:"message"`
	Detail  string  `json:"detail,omitempty"`
	At      Seconds `json:"at,omitempty"`
	Epoch   int     `json:"epoch,omitempty"`
}

// An End closes an attempt. Count and Hash are over the values that its own process has logged, so that a reader knows whether it has all.
type End struct {
	Status string  `json:"status"` // finished, failed, interrupted or stopped; of a trial of a sweep also diverged
	At     Seconds `json:"at"`
	Error  string  `json:"error,omitempty"`
	Count  int64   `json:"count"`
	Hash   string  `json:"hash"` // see [Tally.Hash]
	// Result is the rest of the end of a trial of a sweep.
	Result json.RawMessage `json:"result,omitempty"`
}

// Seconds are since 1970, UTC.
type Seconds float64

// SecondsOf is a time, to the microsecond.
func SecondsOf(t time.Time) Seconds { return Seconds(float64(t.UnixMicro()) / 1e6) }

// Time is the time that the seconds are, to the microsecond.
func (s Seconds) Time() time.Time { return time.UnixMicro(int64(math.Round(float64(s) * 1e6))) }

// A Value is one metric.
type Value struct {
	Metric string
	Value  float64
}

// Values are the metrics of a line, in their order.
type Values []Value

// UnmarshalJSON implements json.Unmarshaler.
func (v *Values) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return errors.Join(errors.New("the values are no object"), err)
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		value, err := d.Token()
		if err != nil {
			return err
		}
		x, ok := number(value)
		if !ok {
			return fmt.Errorf("%v is no number", value)
		}
		*v = append(*v, Value{name.(string), x})
	}
	return nil
}

const notANumber = "NaN"

func number(token json.Token) (float64, bool) {
	switch v := token.(type) {
	case json.Number:
		x, err := strconv.ParseFloat(string(v), 64)
		return x, err == nil || math.IsInf(x, 0)
	case string:
		switch v {
		case notANumber:
			return math.NaN(), true
		case "+Inf":
			return math.Inf(1), true
		case "-Inf":
			return math.Inf(-1), true
		}
		if digits, ok := strings.CutPrefix(v, notANumber+":"); ok {
			b, err := strconv.ParseUint(digits, 16, 64)
			x := math.Float64frombits(b)
			return x, err == nil && len(digits) == 16 && x != x
		}
	}
	return 0, false
}

// MarshalJSON implements json.Marshaler.
func (v Values) MarshalJSON() ([]byte, error) {
	b := []byte{'{'}
	for i, value := range v {
		if i > 0 {
			b = append(b, ',')
		}
		name, err := json.Marshal(value.Metric)
		if err != nil {
			return nil, err
		}
		b = append(append(b, name...), ':')
		b = Number(value.Value).append(b)
	}
	return append(b, '}'), nil
}

// A Number keeps the bits of a number that JSON may not have.
type Number float64

func (n Number) append(b []byte) []byte {
	switch x := float64(n); {
	case math.Float64bits(x) == math.Float64bits(math.NaN()):
		return append(b, `"NaN"`...)
	case x != x:
		return fmt.Appendf(b, `"NaN:%016x"`, math.Float64bits(x))
	case math.IsInf(x, 0):
		return fmt.Appendf(b, `"%+v"`, x)
	default:
		return strconv.AppendFloat(b, x, 'g', -1, 64)
	}
}

// MarshalJSON implements json.Marshaler.
func (n Number) MarshalJSON() ([]byte, error) { return n.append(nil), nil }

// UnmarshalJSON implements json.Unmarshaler.
func (n *Number) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	token, err := d.Token()
	if err != nil {
		return err
	}
	x, ok := number(token)
	if !ok {
		return fmt.Errorf("%s is no number", text)
	}
	*n = Number(x)
	return nil
}

// Line is the line of a record, with its line feed.
func Line(r Record) ([]byte, error) { return new(Tally).Line(r) }

// Line is the line of a record, which is counted.
func (t *Tally) Line(r Record) ([]byte, error) {
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	r.text = text
	t.Add(r)
	return fmt.Appendf(nil, "%08x %s\n", crc32.ChecksumIEEE(text), text), nil
}

// Append writes a record to the end of a journal, by one write. The journal has to be open for appending.
func Append(f *os.File, r Record) error {
	line, err := Line(r)
	if err != nil {
		return err
	}
	_, err = f.Write(line)
	return err
}

// parse reads a line without its line feed.
func parse(line []byte, names map[string]string) (r Record, ok bool) {
	const digits = 8
	if len(line) < digits+1 || line[digits] != ' ' {
		return r, false
	}
	want, err := strconv.ParseUint(string(line[:digits]), 16, 32)
	text := line[digits+1:]
	if err != nil || uint32(want) != crc32.ChecksumIEEE(text) {
		return r, false
	}
	if r, ok := parseLog(text, names); ok {
		return r, r.Attempt != ""
	}
	r = Record{}
	if json.Unmarshal(text, &r) != nil || r.Attempt == "" {
		return r, false
	}
	r.text = text
	return r, true
}

// Parse reads the lines of a part of a journal that is complete up to its last line feed. It returns how many bytes of the text it has used,
// and how many lines it left out.
func Parse(text []byte) (records []Record, used, damaged int) {
	used = bytes.LastIndexByte(text, '\n') + 1
	lines := bytes.Clone(text[:used]) // the records keep it
	names := map[string]string{}
	for len(lines) > 0 {
		n := bytes.IndexByte(lines, '\n')
		line := lines[:n:n]
		lines = lines[n+1:]
		if r, ok := parse(line, names); ok {
			records = append(records, r)
		} else if n > 0 { // a writer begins anew after a line that it could not complete
			damaged++
		}
	}
	return records, used, damaged
}

// A Reader reads a journal that may still grow. It is for one goroutine.
type Reader struct {
	Damaged int // the lines that were left out

	from io.Reader
	in   *bufio.Reader
	line []byte // the beginning of a line that is not complete yet
}

// NewReader reads from the beginning.
func NewReader(from io.Reader) *Reader {
	return &Reader{from: from, in: bufio.NewReaderSize(from, 1<<16)}
}

// Next returns the next record. The error io.EOF says that there is none yet: a later call sees what has been appended.
func (r *Reader) Next() (Record, error) {
	for {
		part, err := r.in.ReadSlice('\n')
		r.line = append(r.line, part...)
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case errors.Is(err, io.EOF):
			r.in.Reset(r.from)
			return Record{}, io.EOF
		case err != nil:
			return Record{}, err
		}
		record, ok := parse(bytes.Clone(r.line[:len(r.line)-1]), nil)
		blank := len(r.line) == 1 // a writer begins anew after a line that it could not complete
		r.line = r.line[:0]
		if ok {
			return record, nil
		}
		if !blank {
			r.Damaged++
		}
	}
}

// A Tally counts the values of an attempt's own process, as its [End] does.
type Tally struct {
	count     int64
	high, low uint64 // the sum
}

// Add counts a record.
func (t *Tally) Add(r Record) {
	if r.Writer != "" || len(r.Log) == 0 {
		return
	}
	t.count += int64(len(r.Log))
	sum := sha256.Sum256(r.text)
	var carry uint64
	t.low, carry = bits.Add64(t.low, binary.BigEndian.Uint64(sum[8:]), 0)
	t.high, _ = bits.Add64(t.high, binary.BigEndian.Uint64(sum[:]), carry)
}

// Count is the number of values.
func (t *Tally) Count() int64 { return t.count }

// Hash is the sum of the first 128 bits of the SHA-256 of the texts, in any order, in hexadecimal.
func (t *Tally) Hash() string { return fmt.Sprintf("%016x%016x", t.high, t.low) }

// Complete reports whether all is there that an end counts. What its process wrote and had no time to count is there as well.
func (t *Tally) Complete(e End) bool {
	return t.count > e.Count || t.count == e.Count && e.Hash == t.Hash()
}
