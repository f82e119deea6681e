package slots

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"github.com/xrun-dev/xrun/plugins"
)

// stateMagic opens every saved state; the digit is the version of the form below.
const stateMagic = "xrunst1\n"

// Save writes: magic, element size, number of counters, counters, number of vectors, and for
// each its length and elements; last the CRC-32 of it all. Integers are 64 bits, little-endian.
func (s *session[F]) Save(slot int) (saved []byte, err error) {
	defer recovered(&err)
	state, err := s.state(slot)
	if err != nil {
		return nil, err
	}
	b := bytes.NewBufferString(stateMagic)
	put := func(v any) { binary.Write(b, binary.LittleEndian, v) } // a bytes.Buffer never fails
	put(int64(plugins.DTypeOf[F]().Size()))
	put(int64(len(state.Counters)))
	for _, c := range state.Counters {
		put(*c)
	}
	put(int64(len(state.Vectors)))
	for _, v := range state.Vectors {
		put(int64(len(v)))
		put(v)
	}
	put(int64(crc32.ChecksumIEEE(b.Bytes())))
	return b.Bytes(), nil
}

var errState = errors.New("saved state is damaged or of another component")

func (s *session[F]) Restore(slot int, saved []byte) (err error) {
	defer recovered(&err)
	state, err := s.state(slot)
	if err != nil {
		return err
	}
	body := len(saved) - 8
	if body < len(stateMagic) || string(saved[:len(stateMagic)]) != stateMagic ||
		binary.LittleEndian.Uint64(saved[body:]) != uint64(crc32.ChecksumIEEE(saved[:body])) {
		return fmt.Errorf("restore slot %d: %w", slot, errState)
	}
	r := bytes.NewReader(saved[len(stateMagic):body])
	get := func(v any) { err = errors.Join(err, binary.Read(r, binary.LittleEndian, v)) }
	expect := func(want int) {
		var got int64
		if get(&got); got != int64(want) {
			err = errState
		}
	}
	expect(plugins.DTypeOf[F]().Size())
	expect(len(state.Counters))
	for _, c := range state.Counters {
		get(c)
	}
	expect(len(state.Vectors))
	for _, v := range state.Vectors {
		expect(len(v))
		if err != nil {
			break
		}
		get(v)
	}
	if err == nil && r.Len() > 0 {
		err = errState
	}
	if err != nil {
		return fmt.Errorf("restore slot %d: %w", slot, err)
	}
	return nil
}

// state is what a slot remembers: nothing, unless the component is Stateful.
func (s *session[F]) state(slot int) (plugins.State[F], error) {
	one, err := s.at(slot)
	if err != nil {
		return plugins.State[F]{}, err
	}
	if stateful, ok := one.component().(plugins.Stateful[F]); ok {
		return stateful.State(), nil
	}
	return plugins.State[F]{}, nil
}
