package trackers

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// The log of W&B is that of LevelDB with another header and checksum: github.com/wandb/wandb, core/internal/transactionlog. A block has
// pieces of records, each with the CRC-32 of its type and content, its length and its type.
const (
	logHeader  = ":W&B\xe1\xbe\x00"
	logBlock   = 32 << 10
	pieceHead  = 7
	wholePiece = 1
	firstPiece = 2
	innerPiece = 3
	lastPiece  = 4

	longestRecord = 64 << 20 // well above those of W&B
)

// errOther says that a file is no log of W&B.
var errOther = errors.New("it does not begin as a file of W&B")

// A cutError says where a log cannot be read on. What comes before is whole.
type cutError struct {
	at  int64
	why string
}

func (e *cutError) Error() string { return fmt.Sprintf("%s at byte %d", e.why, e.at) }

// records calls a function with each whole record of a log. Its error is [errOther], a [*cutError], or the function's.
func records(from io.Reader, each func(record []byte) error) error {
	in := bufio.NewReaderSize(from, logBlock)
	var head [pieceHead]byte
	if n, err := io.ReadFull(in, head[:]); err != nil && n < len(head) || string(head[:]) != logHeader {
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		return errOther
	}
	at, piece := int64(len(logHeader)), make([]byte, logBlock)
	var record []byte
	began := false // a record goes on
	for {
		if rest := logBlock - at%logBlock; rest < pieceHead {
			n, err := in.Discard(int(rest))
			if at += int64(n); err != nil {
				return cut(at, began, err)
			}
		}
		start := at
		n, err := io.ReadFull(in, head[:])
		if err != nil {
			return cut(start, began || n > 0, err)
		}
		at += pieceHead
		sum, length, kind := binary.LittleEndian.Uint32(head[:]), int64(binary.LittleEndian.Uint16(head[4:])), head[6]
		if sum == 0 && length == 0 && kind == 0 {
			return cut(start, began, io.EOF) // room that was made, and not used
		}
		if rest := logBlock - at%logBlock; length > rest && !(rest == logBlock && length == 0) {
			return &cutError{start, "a record goes beyond its block"}
		}
		if _, err := io.ReadFull(in, piece[:length]); err != nil {
			return cut(start, true, err)
		}
		at += length
		if crc32.Update(crc32.ChecksumIEEE([]byte{kind}), crc32.IEEETable, piece[:length]) != sum {
			return &cutError{start, "a record has another checksum"}
		}
		switch goesOn := kind == innerPiece || kind == lastPiece; {
		case kind < wholePiece || kind > lastPiece:
			return &cutError{start, fmt.Sprintf("a record is of kind %d, which there is not,", kind)}
		case goesOn != began:
			return &cutError{start, "a record has no beginning or no end"}
		}
		if record = append(record, piece[:length]...); len(record) > longestRecord {
			return &cutError{start, fmt.Sprintf("a record is longer than %d MB", longestRecord>>20)}
		}
		if began = kind == firstPiece || kind == innerPiece; began {
			continue
		}
		if err := each(record); err != nil {
			return err
		}
		record = record[:0]
	}
}

// cut is the end of a log: nil where a record ends.
func cut(at int64, within bool, err error) error {
	switch {
	case !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF):
		return err
	case within:
		return &cutError{at, "it ends within a record"}
	}
	return nil
}

var errNoMessage = errors.New("a record is no message of W&B")

// fields calls a function with the fields of a message of Protocol Buffers: numbers as they are, texts and messages as bytes.
func fields(message []byte, each func(field protowire.Number, number uint64, text []byte) error) error {
	err := protoFields(message, func(f protoField) error { return each(f.number, f.bits, f.bytes) })
	if errors.Is(err, errMessage) {
		return errNoMessage
	}
	return err
}

// timestamp is a message Timestamp in seconds.
func timestamp(message []byte) (float64, error) {
	var whole, nanos int64
	err := fields(message, func(field protowire.Number, number uint64, _ []byte) error {
		switch field {
		case 1:
			whole = int64(number)
		case 2:
			nanos = int64(int32(number))
		}
		return nil
	})
	return float64(whole) + float64(nanos)/1e9, err
}

// exitCode is a number of 32 bits with a sign.
func exitCode(number uint64) int { return int(int32(number & math.MaxUint32)) }
