//go:build unix

package sdk

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"time"

	"golang.org/x/sys/unix"

	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/protocol"
	"github.com/xrun-dev/xrun/plugins/protocol/pluginv1"
	"github.com/xrun-dev/xrun/plugins/slots"
)

const sharedMemory = true

// memory is the plugin's view of shared memory; see package protocol for what lies where.
type memory struct {
	control, gradients, parameters []byte
	commands, replies              int // pipes
}

func attach(r *pluginv1.AttachRequest) (*memory, error) {
	m := &memory{commands: int(r.GetCommandsFd()), replies: int(r.GetRepliesFd())}
	access := unix.PROT_READ
	if r.GetGradientsWritable() {
		access |= unix.PROT_WRITE
	}
	var err error
	if m.control, err = unix.Mmap(int(r.GetControlFd()), 0, int(r.GetControlBytes()), unix.PROT_READ, unix.MAP_SHARED); err != nil {
		return nil, fmt.Errorf("map control region: %w", err)
	}
	if m.gradients, err = unix.Mmap(int(r.GetGradientsFd()), 0, int(r.GetSlabBytes()), access, unix.MAP_SHARED|mapNoReserve); err != nil {
		return nil, fmt.Errorf("map gradients: %w", err)
	}
	if m.parameters, err = unix.Mmap(int(r.GetParametersFd()), 0, int(r.GetSlabBytes()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|mapNoReserve); err != nil {
		return nil, fmt.Errorf("map parameters: %w", err)
	}
	for _, fd := range []int{m.commands, m.replies} {
		unix.CloseOnExec(fd)
	}
	return m, nil
}

// serve answers the doorbell for as long as the host lives.
func (m *memory) serve(table *sessionTable) {
	runtime.LockOSThread() // a blocking read on a thread of its own wakes fastest
	debug.SetPanicOnFault(true)
	running := make([]running, protocol.MaxCommands)
	for i := range running {
		running[i].tasks = make([]protocol.Task, 0, protocol.MaxSlots)
	}
	var bell [1]byte
	for {
		n, err := unix.Read(m.commands, bell[:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			os.Exit(0) // the host is gone
		}
		m.runAll(table, running[:min(int(bell[0]), protocol.MaxCommands)])
		if _, err := unix.Write(m.replies, bell[:]); err != nil {
			os.Exit(0)
		}
	}
}

// running is a command that is being done.
type running struct {
	protocol.Command
	open  *session
	reply protocol.Reply
	tasks []protocol.Task // memory for its tasks
	next  int             // of them
}

// runAll does the commands of a ring: of each slot one after the other, so that its parameters and its gradient stay in the
// cache from the penalty to the step. The reply to the first command has the time of all.
func (m *memory) runAll(table *sessionTable, all []running) {
	start := time.Now()
	for i := range all {
		r := &all[i]
		r.Command = protocol.GetCommand(m.control, i, r.tasks)
		r.open, r.next, r.reply = table.find(r.Session), 0, protocol.Reply{Sequence: r.Sequence, FailedSlot: -1}
	}
	if !ascending(all) {
		for i := range all {
			for all[i].next < len(all[i].Tasks) {
				m.run(i, &all[i])
			}
		}
	}
	for {
		slot := -1
		for i := range all {
			if r := &all[i]; r.next < len(r.Tasks) && (slot < 0 || r.Tasks[r.next].Slot < slot) {
				slot = r.Tasks[r.next].Slot
			}
		}
		if slot < 0 {
			break
		}
		for i := range all {
			if r := &all[i]; r.next < len(r.Tasks) && r.Tasks[r.next].Slot == slot {
				m.run(i, r)
			}
		}
	}
	all[0].reply.Nanoseconds = uint64(time.Since(start))
	for i := range all {
		protocol.PutReply(m.parameters, i, all[i].reply)
	}
}

// ascending reports whether the slots of each command are in order.
func ascending(all []running) bool {
	for i := range all {
		for k := 1; k < len(all[i].Tasks); k++ {
			if all[i].Tasks[k].Slot <= all[i].Tasks[k-1].Slot {
				return false
			}
		}
	}
	return true
}

// run does the next task of a command.
func (m *memory) run(i int, r *running) {
	n, task := r.next, r.Tasks[r.next]
	r.next++
	protocol.PutCurrent(m.parameters, i, task.Slot)
	result := protocol.Result{Status: protocol.StatusOK}
	var err error
	if open := r.open; open == nil {
		err = fmt.Errorf("no session %d", r.Session)
	} else {
		size := open.dim * open.dtype.Size()
		params := m.parameters[open.parametersOffset+task.Slot*open.stride:][:size:size]
		grad := m.gradients[open.gradientsOffset+task.Slot*open.stride:][:size:size]
		with := slots.Scalars{Rate: task.Rate, Loss: task.Loss, Epoch: r.Epoch, Batch: r.Batch, Metrics: open.metrics}
		result.Value, err = open.Run(slots.Op(r.Op), task.Slot, params, grad, with)
		if slots.Op(r.Op) == slots.Metrics {
			protocol.PutMetrics(m.parameters, task.Slot, open.metrics)
		}
	}
	switch {
	case err == plugins.ErrAgain:
		result.Status = protocol.StatusAgain
	case err != nil:
		result.Status = protocol.StatusFailed
		if r.reply.FailedSlot < 0 {
			r.reply.FailedSlot, r.reply.Message = task.Slot, describe(err)
		}
	}
	protocol.PutResult(m.parameters, i, n, result)
	protocol.PutCurrent(m.parameters, i, -1)
}
