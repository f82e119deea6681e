package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"strings"
)

const slots = 8 // metrics in a row of the table point

// A metricSet is the storage of one list of metric names, in rows of up to eight.
type metricSet struct {
	names []string
	ids   []int64 // of the metrics
	rows  []int64 // set_id of each row
}

// metricSets are the sets this process has used, by their names.
type metricSets struct {
	last  *metricSet
	known map[string]*metricSet
}

// resolve finds the set of some names, and enters a new one.
func (m *metricSets) resolve(tx *tx, names []string) (*metricSet, error) {
	if m.last != nil && slices.Equal(m.last.names, names) {
		return m.last, nil
	}
	key := strings.Join(names, "\x00")
	if set, ok := m.known[key]; ok {
		m.last = set
		return set, nil
	}
	set := &metricSet{names: slices.Clone(names)}
	for _, name := range names {
		id, err := metricID(tx, name)
		if err != nil {
			return nil, err
		}
		set.ids = append(set.ids, id)
	}
	for from := 0; from < len(names); from += slots {
		to := min(from+slots, len(names))
		id, err := enterSet(tx, names[from:to], set.ids[from:to])
		if err != nil {
			return nil, err
		}
		set.rows = append(set.rows, id)
	}
	if m.known == nil {
		m.known = map[string]*metricSet{}
	}
	m.known[key], m.last = set, set
	return set, nil
}

func metricID(tx *tx, name string) (id int64, err error) {
	const (
		insert = `INSERT INTO metric (name) VALUES (?) ON CONFLICT DO NOTHING`
		find   = `SELECT id FROM metric WHERE name = ?`
	)
	if _, err := tx.exec(insert, name); err != nil {
		return 0, err
	}
	return id, tx.one(find, []any{name}, &id)
}

func enterSet(tx *tx, names []string, ids []int64) (id int64, err error) {
	const (
		insert = `INSERT INTO metric_set (names) VALUES (?) ON CONFLICT DO NOTHING`
		find   = `SELECT id FROM metric_set WHERE names = ?`
		slot   = `INSERT INTO metric_slot (set_id, slot, metric_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`
	)
	text, err := json.Marshal(names)
	if err != nil {
		return 0, err
	}
	if _, err := tx.exec(insert, string(text)); err != nil {
		return 0, err
	}
	if err := tx.one(find, []any{string(text)}, &id); err != nil {
		return 0, err
	}
	for i, metric := range ids {
		if _, err := tx.exec(slot, id, i, metric); err != nil {
			return 0, err
		}
	}
	return id, nil
}

// appendSpecial adds the bits of a value that a REAL column would lose: SQLite makes NaN NULL and -0.0 zero.
func appendSpecial(dst []byte, slot int, v float64) []byte {
	if v == v && (v != 0 || !math.Signbit(v)) {
		return dst
	}
	return binary.BigEndian.AppendUint64(append(dst, byte(slot)), math.Float64bits(v))
}

var errSpecial = errors.New("the bits of a special value are damaged")

// special finds the exact value of a slot that is listed in packed.
func special(packed []byte, slot int) (v float64, ok bool, err error) {
	if len(packed)%9 != 0 {
		return 0, false, errSpecial
	}
	for ; len(packed) > 0; packed = packed[9:] {
		if int(packed[0]) == slot {
			return math.Float64frombits(binary.BigEndian.Uint64(packed[1:])), true, nil
		}
	}
	return 0, false, nil
}
