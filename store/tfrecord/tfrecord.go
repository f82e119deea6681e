// Package tfrecord frames records as TensorFlow's event files have them: length, its checksum, content, its checksum.
package tfrecord

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// MaxRecord limits the memory that reading one record takes. Graphs and images are smaller.
const MaxRecord = 64 << 20

// ErrLong says that a record is longer than [MaxRecord]. It was skipped.
var ErrLong = fmt.Errorf("a record is longer than %d MB", MaxRecord>>20)

// ErrDamaged says that a checksum is wrong. Where the next record begins is not known.
var ErrDamaged = errors.New("a checksum is wrong")

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// mask rotates a checksum, as TensorFlow does because checksums of data with checksums in it are weak.
func mask(crc uint32) uint32 { return (crc>>15 | crc<<17) + 0xa282ead8 }

// Append appends a record with its frame.
func Append(to, record []byte) []byte {
	at := len(to)
	to = binary.LittleEndian.AppendUint64(to, uint64(len(record)))
	to = binary.LittleEndian.AppendUint32(to, mask(crc32.Checksum(to[at:], castagnoli)))
	to = append(to, record...)
	return binary.LittleEndian.AppendUint32(to, mask(crc32.Checksum(record, castagnoli)))
}

// A Reader reads records.
type Reader struct {
	in     *bufio.Reader
	whole  int64
	record bytes.Buffer
}

// NewReader is a reader of records.
func NewReader(in io.Reader) *Reader { return &Reader{in: bufio.NewReaderSize(in, 1<<16)} }

// Whole is the length of the whole records that were read, with their frames.
func (r *Reader) Whole() int64 { return r.whole }

// Next is the content of the next record, until Next is called again. It returns [io.EOF] behind the last one, [io.ErrUnexpectedEOF] if that
// is incomplete, [ErrLong] or [ErrDamaged].
func (r *Reader) Next() ([]byte, error) {
	const headSize, crcSize = 12, 4
	var head [headSize]byte
	if _, err := io.ReadFull(r.in, head[:]); err != nil {
		return nil, err
	}
	if mask(crc32.Checksum(head[:8], castagnoli)) != binary.LittleEndian.Uint32(head[8:]) {
		return nil, ErrDamaged
	}
	length := binary.LittleEndian.Uint64(head[:])
	const most = 1 << 62
	if length > most {
		return nil, ErrDamaged
	}
	r.record.Reset()
	sum := crc32.New(castagnoli)
	to := io.MultiWriter(sum, &r.record) // which grows by what there is
	if length > MaxRecord {
		to = sum
	}
	if _, err := io.CopyN(to, r.in, int64(length)); err != nil {
		return nil, unexpected(err)
	}
	var crc [crcSize]byte
	if _, err := io.ReadFull(r.in, crc[:]); err != nil {
		return nil, unexpected(err)
	}
	if mask(sum.Sum32()) != binary.LittleEndian.Uint32(crc[:]) {
		return nil, ErrDamaged
	}
	r.whole += headSize + int64(length) + crcSize
	if length > MaxRecord {
		return nil, ErrLong
	}
	return r.record.Bytes(), nil
}

func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
