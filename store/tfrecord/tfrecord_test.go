package tfrecord

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"testing"
)

func TestRecordsComeBack(t *testing.T) {
	var file []byte
	records := []string{"one", "", string(bytes.Repeat([]byte("x"), 1<<17))}
	for _, record := range records {
		file = Append(file, []byte(record))
	}
	r := NewReader(bytes.NewReader(file))
	for _, want := range records {
		if got, err := r.Next(); string(got) != want || err != nil {
			t.Fatalf("a record of %d bytes comes back as %d: %v", len(want), len(got), err)
		}
	}
	if _, err := r.Next(); err != io.EOF || r.Whole() != int64(len(file)) {
		t.Errorf("the end is %v, at %d of %d", err, r.Whole(), len(file))
	}
}

func TestDamageIsFound(t *testing.T) {
	file := Append(Append(nil, []byte("first")), []byte("second"))
	first := len(Append(nil, []byte("first")))
	for i := range file {
		for _, bit := range []byte{1, 0x80} {
			changed := bytes.Clone(file)
			changed[i] ^= bit
			r := NewReader(bytes.NewReader(changed))
			var err error
			n := 0
			for ; err == nil; n++ {
				_, err = r.Next()
			}
			if want := 1 + i/first; !errors.Is(err, ErrDamaged) || n != min(want, 2) {
				t.Fatalf("with byte %d changed there is %v at record %d", i, err, n)
			}
		}
		r := NewReader(bytes.NewReader(file[:i]))
		var err error
		for err == nil {
			_, err = r.Next()
		}
		if want := map[bool]error{true: io.EOF, false: io.ErrUnexpectedEOF}[i == 0 || i == first]; err != want {
			t.Fatalf("cut at %d it ends with %v, want %v", i, err, want)
		}
	}
}

// A length says nothing about the memory that is needed.
func TestALongRecordIsSkipped(t *testing.T) {
	long := Append(nil, make([]byte, MaxRecord+1))
	r := NewReader(io.MultiReader(bytes.NewReader(long), bytes.NewReader(Append(nil, []byte("next")))))
	if _, err := r.Next(); err != ErrLong {
		t.Errorf("a long record is %v", err)
	}
	if got, err := r.Next(); string(got) != "next" || err != nil {
		t.Errorf("behind it is %q, %v", got, err)
	}
	if r.record.Cap() > 1<<20 {
		t.Errorf("it was kept: %d bytes", r.record.Cap())
	}
	r = NewReader(bytes.NewReader(long[:100]))
	if _, err := r.Next(); err != io.ErrUnexpectedEOF {
		t.Errorf("a length alone is %v", err)
	}
}

// The checksum of a record, by the known answer of RFC 3720 B.4 for 32 bytes of zeros: 0x8a9136aa.
func TestRecordsHaveMaskedChecksums(t *testing.T) {
	crc := uint32(0x8a9136aa)
	if got, want := mask(crc32.Checksum(make([]byte, 32), castagnoli)), (crc>>15|crc<<17)+0xa282ead8; got != want {
		t.Errorf("%#x, want %#x", got, want)
	}
}
