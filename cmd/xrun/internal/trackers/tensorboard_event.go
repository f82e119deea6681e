package trackers

import (
	"encoding/binary"
	"errors"
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// The messages are those of tensorflow/core/util/event.proto, of tensorflow/core/framework/summary.proto and tensor.proto, and of
// tensorboard/plugins/hparams. The names of their fields stand beside the numbers.

var errMessage = errors.New("it is no message of TensorBoard")

// A protoField is one field of a message.
type protoField struct {
	number protowire.Number
	kind   protowire.Type
	bits   uint64 // of a number
	bytes  []byte // of a text or a message
}

// protoFields calls a function with each field of a message.
func protoFields(message []byte, each func(protoField) error) error {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return errMessage
		}
		message = message[n:]
		f := protoField{number: number, kind: kind}
		switch kind {
		case protowire.VarintType:
			f.bits, n = protowire.ConsumeVarint(message)
		case protowire.Fixed32Type:
			var v uint32
			v, n = protowire.ConsumeFixed32(message)
			f.bits = uint64(v)
		case protowire.Fixed64Type:
			f.bits, n = protowire.ConsumeFixed64(message)
		case protowire.BytesType:
			f.bytes, n = protowire.ConsumeBytes(message)
		default:
			n = protowire.ConsumeFieldValue(number, kind, message)
		}
		if n < 0 {
			return errMessage
		}
		message = message[n:]
		if err := each(f); err != nil {
			return err
		}
	}
	return nil
}

// An event is one record of an event file.
type event struct {
	wall   float64 // in seconds since 1970
	step   int64
	starts bool // the program has begun again at this step
	graphs int
	values []summaryValue
}

// A summaryValue is a value of a summary.
type summaryValue struct {
	tag     string
	plugin  string // empty if this value does not name it
	content []byte // of the plugin
	simple  bool   // value is set
	value   float64
	tensor  []byte // a TensorProto; nil without one
	other   string // an older kind of value: what it is
}

// readEvent reads a record. What it returns is valid as long as the record.
func readEvent(record []byte, e *event) error {
	*e = event{values: e.values[:0]}
	return protoFields(record, func(f protoField) error {
		switch {
		case f.number == 1 && f.kind == protowire.Fixed64Type: // wall_time
			e.wall = math.Float64frombits(f.bits)
		case f.number == 2 && f.kind == protowire.VarintType: // step
			e.step = int64(f.bits)
		case f.number == 4 || f.number == 8 || f.number == 9: // graph_def, tagged_run_metadata, meta_graph_def
			e.graphs++
		case f.number == 5 && f.kind == protowire.BytesType: // summary
			return protoFields(f.bytes, func(f protoField) error {
				if f.number != 1 || f.kind != protowire.BytesType { // value
					return nil
				}
				v, err := readValue(f.bytes)
				e.values = append(e.values, v)
				return err
			})
		case f.number == 7 && f.kind == protowire.BytesType: // session_log
			return protoFields(f.bytes, func(f protoField) error {
				const start = 1
				e.starts = e.starts || f.number == 1 && f.bits == start // status
				return nil
			})
		}
		return nil
	})
}

func readValue(message []byte) (v summaryValue, err error) {
	err = protoFields(message, func(f protoField) error {
		switch {
		case f.number == 1 && f.kind == protowire.BytesType: // tag
			v.tag = string(f.bytes)
		case f.number == 2 && f.kind == protowire.Fixed32Type: // simple_value
			v.simple, v.value = true, float64(math.Float32frombits(uint32(f.bits)))
		case f.number == 4: // image
			v.other = "images"
		case f.number == 3 || f.number == 5: // obsolete_old_style_histogram, histo
			v.other = "histograms"
		case f.number == 6: // audio
			v.other = "sounds"
		case f.number == 8 && f.kind == protowire.BytesType: // tensor
			v.tensor = f.bytes
		case f.number == 9 && f.kind == protowire.BytesType: // metadata
			return protoFields(f.bytes, func(f protoField) error {
				if f.number != 1 || f.kind != protowire.BytesType { // plugin_data
					return nil
				}
				return protoFields(f.bytes, func(f protoField) error {
					switch {
					case f.kind != protowire.BytesType:
					case f.number == 1: // plugin_name
						v.plugin = string(f.bytes)
					case f.number == 2: // content
						v.content = f.bytes
					}
					return nil
				})
			})
		}
		return nil
	})
	return v, err
}

// The types of tensors that are one number: tensorflow/core/framework/types.proto.
const (
	tfFloat  = 1
	tfDouble = 2
	tfInt32  = 3
	tfUint8  = 4
	tfInt16  = 5
	tfInt8   = 6
	tfInt64  = 9
	tfBool   = 10
	tfBfloat = 14
	tfUint16 = 17
	tfHalf   = 19
	tfUint32 = 22
	tfUint64 = 23
)

// tensorNumber is the number of a tensor that is one.
func tensorNumber(message []byte) (x float64, ok bool) {
	var kind uint64
	var content []byte
	elements := uint64(1)
	err := protoFields(message, func(f protoField) error {
		switch {
		case f.number == 1 && f.kind == protowire.VarintType: // dtype
			kind = f.bits
		case f.number == 2 && f.kind == protowire.BytesType: // tensor_shape
			return protoFields(f.bytes, func(f protoField) error {
				if f.number != 2 || f.kind != protowire.BytesType { // dim
					return nil
				}
				size := uint64(0)
				err := protoFields(f.bytes, func(f protoField) error {
					if f.number == 1 && f.kind == protowire.VarintType { // size
						size = f.bits
					}
					return nil
				})
				if size != 1 {
					elements = 0
				}
				return err
			})
		case f.number == 4 && f.kind == protowire.BytesType: // tensor_content
			content = f.bytes
		}
		return nil
	})
	if err != nil || elements != 1 {
		return 0, false
	}
	if len(content) > 0 {
		return fromBytes(kind, content)
	}
	// Each type has a field of its own; a list of one number may be packed. Zeros may be left out.
	number := map[uint64]protowire.Number{tfFloat: 5, tfDouble: 6, tfInt32: 7, tfUint8: 7, tfInt16: 7, tfInt8: 7, tfUint16: 7, tfInt64: 10, tfBool: 11,
		tfBfloat: 13, tfHalf: 13, tfUint32: 16, tfUint64: 17}[kind]
	if number == 0 {
		return 0, false
	}
	var bits uint64
	_ = protoFields(message, func(f protoField) error { // it was read above
		if f.number != number {
			return nil
		}
		bits = f.bits
		if f.kind == protowire.BytesType {
			switch kind {
			case tfFloat:
				v, _ := protowire.ConsumeFixed32(f.bytes)
				bits = uint64(v)
			case tfDouble:
				bits, _ = protowire.ConsumeFixed64(f.bytes)
			default:
				bits, _ = protowire.ConsumeVarint(f.bytes)
			}
		}
		return nil
	})
	return fromBits(kind, bits), true
}

// fromBytes reads the number of a tensor's content, which is in little-endian order.
func fromBytes(kind uint64, content []byte) (x float64, ok bool) {
	size := map[uint64]int{tfFloat: 4, tfDouble: 8, tfInt32: 4, tfUint8: 1, tfInt16: 2, tfInt8: 1, tfUint16: 2, tfInt64: 8, tfBool: 1, tfBfloat: 2, tfHalf: 2,
		tfUint32: 4, tfUint64: 8}[kind]
	if size == 0 || len(content) != size {
		return 0, false
	}
	var whole [8]byte
	copy(whole[:], content)
	bits := binary.LittleEndian.Uint64(whole[:])
	switch kind { // of a sign
	case tfInt8:
		bits = uint64(int64(int8(bits)))
	case tfInt16:
		bits = uint64(int64(int16(bits)))
	case tfInt32:
		bits = uint64(int64(int32(bits)))
	}
	return fromBits(kind, bits), true
}

func fromBits(kind, bits uint64) float64 {
	switch kind {
	case tfFloat:
		return float64(math.Float32frombits(uint32(bits)))
	case tfDouble:
		return math.Float64frombits(bits)
	case tfBfloat:
		return float64(math.Float32frombits(uint32(bits) << 16))
	case tfHalf:
		return halfNumber(uint16(bits))
	case tfUint64, tfUint32:
		return float64(bits)
	case tfInt32:
		return float64(int32(bits))
	}
	return float64(int64(bits))
}

// halfNumber is a number of IEEE 754 with 16 bits.
func halfNumber(bits uint16) float64 {
	const exponentBits, fractionBits, bias = 5, 10, 15
	sign, exponent, fraction := 1-2*float64(bits>>15), int(bits>>fractionBits)&(1<<exponentBits-1), float64(bits&(1<<fractionBits-1))
	switch exponent {
	case 0:
		return sign * math.Ldexp(fraction, 1-bias-fractionBits)
	case 1<<exponentBits - 1:
		if fraction != 0 {
			return math.NaN()
		}
		return math.Inf(int(sign))
	}
	return sign * math.Ldexp(1<<fractionBits+fraction, exponent-bias-fractionBits)
}

// A session is what the HParams plugin says of a run.
type session struct {
	began, ended bool
	start, end   float64 // in seconds since 1970; 0 if unknown
	status       uint64  // of its end
	settings     map[string]hparam
	metrics      []sessionMetric // of its experiment, the most important one first
}

// A sessionMetric is a metric by which the HParams plugin compares.
type sessionMetric struct{ group, tag string }

// The statuses of a session's end: tensorboard/plugins/hparams/api.proto, Status.
const (
	statusFailure = 2
	statusRunning = 3
)

// An hparam is a setting of a session.
type hparam struct {
	kind protowire.Number // of google.protobuf.Value: number_value, string_value, bool_value
	bits uint64
	text string
}

// The fields of google.protobuf.Value.
const (
	valueNumber = 2
	valueText   = 3
	valueFlag   = 4
)

// read adds an HParamsPluginData.
func (s *session) read(content []byte) error {
	return protoFields(content, func(f protoField) error {
		if f.kind != protowire.BytesType {
			return nil
		}
		switch f.number {
		case 2: // experiment
			var metrics []sessionMetric
			err := protoFields(f.bytes, func(f protoField) error {
				if f.number != 5 || f.kind != protowire.BytesType { // metric_infos
					return nil
				}
				var m sessionMetric
				err := protoFields(f.bytes, func(f protoField) error {
					if f.number != 1 || f.kind != protowire.BytesType { // name
						return nil
					}
					return protoFields(f.bytes, func(f protoField) error {
						switch f.number {
						case 1: // group
							m.group = string(f.bytes)
						case 2: // tag
							m.tag = string(f.bytes)
						}
						return nil
					})
				})
				metrics = append(metrics, m)
				return err
			})
			s.metrics = metrics
			return err
		case 3: // session_start_info
			s.began, s.settings = true, map[string]hparam{}
			return protoFields(f.bytes, func(f protoField) error {
				switch {
				case f.number == 5 && f.kind == protowire.Fixed64Type: // start_time_secs
					s.start = math.Float64frombits(f.bits)
				case f.number == 1 && f.kind == protowire.BytesType: // hparams
					return s.setting(f.bytes)
				}
				return nil
			})
		case 4: // session_end_info
			s.ended, s.status, s.end = true, 0, 0
			return protoFields(f.bytes, func(f protoField) error {
				switch {
				case f.number == 1 && f.kind == protowire.VarintType: // status
					s.status = f.bits
				case f.number == 2 && f.kind == protowire.Fixed64Type: // end_time_secs
					s.end = math.Float64frombits(f.bits)
				}
				return nil
			})
		}
		return nil
	})
}

func (s *session) setting(entry []byte) error {
	var name string
	var h hparam
	err := protoFields(entry, func(f protoField) error {
		switch {
		case f.kind != protowire.BytesType:
		case f.number == 1: // key
			name = string(f.bytes)
		case f.number == 2: // value
			return protoFields(f.bytes, func(f protoField) error {
				fits := map[protowire.Number]protowire.Type{valueNumber: protowire.Fixed64Type, valueText: protowire.BytesType, valueFlag: protowire.VarintType}
				if kind, ok := fits[f.number]; ok && kind == f.kind {
					h = hparam{f.number, f.bits, string(f.bytes)}
				}
				return nil
			})
		}
		return nil
	})
	if err == nil && h.kind != 0 {
		s.settings[name] = h
	}
	return err
}
