package protocol

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/xrun-dev/xrun/plugins"
)

// Shared memory is three regions that a plugin process inherits as file descriptors:
//
//	control     host → plugin, read-only to the plugin: header, commands, tasks
//	gradients   slabs; read-only to a process that serves optimizers only
//	parameters  replies, metrics, then slabs; read-write
//
// All integers are little-endian, all records and slabs begin at multiples of 64 bytes. The host
// writes 1 to [MaxCommands] commands with their tasks, then one byte, their number, into the
// pipe; the plugin runs them in order, writes the replies and answers with one byte. The side that
// was rung owns the memory until it rings back, so that nothing is read while it is written.
//
// The host trusts nothing here: it copies each reply once, checks it, and follows no offset that
// a plugin could have written.
const (
	Magic = 0x314d524e55525831 // "1XRUNRM1"

	headerOffset   = 0 // magic, canary
	commandsOffset = 64
	commandSize    = 64
	MaxCommands    = 16
	MaxSlots       = 256
	taskSize       = 24 // slot uint32, unused uint32, rate float64, loss float64
	tasksOffset    = commandsOffset + MaxCommands*commandSize
	// ControlBytes is the size of the control region.
	ControlBytes = tasksOffset + MaxCommands*MaxSlots*taskSize

	replySize     = 64
	resultSize    = 16 // status uint32, unused uint32, value float64
	resultsOffset = MaxCommands * replySize
	messageOffset = resultsOffset + MaxCommands*MaxSlots*resultSize
	metricsOffset = messageOffset + MaxCommands*MaxText // by slot
	// SlabsOffset is where slabs begin in the parameters region.
	SlabsOffset = (metricsOffset + MaxSlots*plugins.MaxMetrics*8 + 4095) &^ 4095

	// Align is the alignment of records and slabs in bytes.
	Align = 64
)

// A Command is one operation of one session on some of its slots.
type Command struct {
	Op       uint32
	Session  uint32
	Sequence uint64
	Tasks    []Task
	// Epoch and Batch name the mini-batch of an objective's gradient.
	Epoch, Batch int
}

// A Task is the part of a command for one slot.
type Task struct {
	Slot int
	Rate float64
	Loss float64 // of a step: the objective at the parameters, where the optimizer wants it
}

// A Status is the outcome for a slot.
type Status uint32

// The states of a slot's result.
const (
	StatusNone   Status = 0 // not done
	StatusOK     Status = 1
	StatusFailed Status = 2 // see the reply's message
	StatusAgain  Status = 3 // the optimizer wants another evaluation; see plugins.ErrAgain
)

// A Result is the outcome of a command for one slot.
type Result struct {
	Status Status
	Value  float64
}

// A Reply is the answer of a plugin to a command.
type Reply struct {
	Sequence    uint64
	Nanoseconds uint64 // spent inside the component
	// Current is the slot the plugin is working on, or was when it died; −1 between slots.
	Current int
	// FailedSlot is the slot that Message is about, when a result has StatusFailed.
	FailedSlot int
	Message    string
}

var le = binary.LittleEndian

// PutHeader writes the header of a control region.
func PutHeader(control []byte, canary uint64) {
	le.PutUint64(control[headerOffset:], Magic)
	le.PutUint64(control[headerOffset+8:], canary)
}

// Header reads the header of a control region.
func Header(control []byte) (magic, canary uint64) {
	return le.Uint64(control[headerOffset:]), le.Uint64(control[headerOffset+8:])
}

// PutCommand writes command i with its tasks and marks its reply in parameters as not given.
func PutCommand(control, parameters []byte, i int, c Command) {
	b := control[commandsOffset+i*commandSize:][:commandSize]
	le.PutUint32(b[0:], c.Op)
	le.PutUint32(b[4:], c.Session)
	le.PutUint64(b[8:], c.Sequence)
	le.PutUint32(b[16:], uint32(len(c.Tasks)))
	le.PutUint64(b[24:], uint64(c.Epoch))
	le.PutUint64(b[32:], uint64(c.Batch))
	tasks := control[tasksOffset+i*MaxSlots*taskSize:]
	for n, t := range c.Tasks {
		le.PutUint32(tasks[n*taskSize:], uint32(t.Slot))
		le.PutUint64(tasks[n*taskSize+8:], math.Float64bits(t.Rate))
		le.PutUint64(tasks[n*taskSize+16:], math.Float64bits(t.Loss))
	}
	clear(parameters[i*replySize:][:replySize])
	clear(parameters[resultsOffset+i*MaxSlots*resultSize:][:len(c.Tasks)*resultSize])
}

// GetCommand reads command i, its tasks into dst. The plugin reads what only the host can write.
func GetCommand(control []byte, i int, dst []Task) Command {
	b := control[commandsOffset+i*commandSize:][:commandSize]
	c := Command{Op: le.Uint32(b[0:]), Session: le.Uint32(b[4:]), Sequence: le.Uint64(b[8:]), Epoch: int(le.Uint64(b[24:])), Batch: int(le.Uint64(b[32:]))}
	tasks := control[tasksOffset+i*MaxSlots*taskSize:]
	c.Tasks = dst[:0]
	for n := range min(int(le.Uint32(b[16:])), MaxSlots) {
		c.Tasks = append(c.Tasks, Task{
			Slot: int(le.Uint32(tasks[n*taskSize:])),
			Rate: math.Float64frombits(le.Uint64(tasks[n*taskSize+8:])),
			Loss: math.Float64frombits(le.Uint64(tasks[n*taskSize+16:])),
		})
	}
	return c
}

// PutCurrent notes the slot that command i works on; −1 for none.
func PutCurrent(parameters []byte, i, slot int) {
	le.PutUint32(parameters[i*replySize+16:], uint32(slot+1))
}

// PutResult writes the result of task n of command i.
func PutResult(parameters []byte, i, n int, r Result) {
	b := parameters[resultsOffset+(i*MaxSlots+n)*resultSize:][:resultSize]
	le.PutUint32(b[0:], uint32(r.Status))
	le.PutUint64(b[8:], math.Float64bits(r.Value))
}

// PutMetrics writes the metrics of a slot, at most plugins.MaxMetrics.
func PutMetrics(parameters []byte, slot int, metrics []float64) {
	b := parameters[metricsOffset+slot*plugins.MaxMetrics*8:]
	for i, v := range metrics {
		le.PutUint64(b[i*8:], math.Float64bits(v))
	}
}

// GetMetrics copies the metrics of a slot to dst.
func GetMetrics(dst []float64, parameters []byte, slot int) {
	b := parameters[metricsOffset+slot*plugins.MaxMetrics*8:]
	for i := range dst {
		dst[i] = math.Float64frombits(le.Uint64(b[i*8:]))
	}
}

// PutReply completes the reply to command i.
func PutReply(parameters []byte, i int, r Reply) {
	b := parameters[i*replySize:][:replySize]
	le.PutUint64(b[8:], r.Nanoseconds)
	le.PutUint32(b[20:], uint32(r.FailedSlot+1))
	le.PutUint32(b[24:], uint32(copy(parameters[messageOffset+i*MaxText:][:MaxText], r.Message)))
	le.PutUint64(b[0:], r.Sequence)
}

// GetReply copies the reply to command i.
func GetReply(parameters []byte, i int) Reply {
	var b [replySize]byte
	copy(b[:], parameters[i*replySize:])
	r := Reply{
		Sequence:    le.Uint64(b[0:]),
		Nanoseconds: le.Uint64(b[8:]),
		Current:     int(le.Uint32(b[16:])) - 1,
		FailedSlot:  int(le.Uint32(b[20:])) - 1,
	}
	if n := int(le.Uint32(b[24:])); n > 0 && n <= MaxText {
		r.Message = string(parameters[messageOffset+i*MaxText:][:n])
	}
	return r
}

// GetResult copies the result of task n of command i.
func GetResult(parameters []byte, i, n int) Result {
	var b [resultSize]byte
	copy(b[:], parameters[resultsOffset+(i*MaxSlots+n)*resultSize:])
	return Result{Status: Status(le.Uint32(b[0:])), Value: math.Float64frombits(le.Uint64(b[8:]))}
}

// Aligned makes n bytes of ordinary memory that begin at a multiple of 8, for slabs that are
// not shared.
func Aligned(n int) []byte {
	words := make([]uint64, (n+7)/8)
	if len(words) == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(unsafe.Pointer(&words[0])), len(words)*8)[:n]
}
