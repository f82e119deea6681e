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
	tasks := make([]protocol.Task, 0, protocol.MaxSlots)
	var bell [1]byte
	for {
		n, err := unix.Read(m.commands, bell[:])
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || n == 0 {
			os.Exit(0) // the host is gone
		}
		for i := range min(int(bell[0]), protocol.MaxCommands) {
			m.run(table, i, protocol.GetCommand(m.control, i, tasks))
		}
		if _, err := unix.Write(m.replies, bell[:]); err != nil {
			os.Exit(0)
		}
	}
}

// run does one command.
func (m *memory) run(table *sessionTable, i int, c protocol.Command) {
	reply := protocol.Reply{Sequence: c.Sequence, FailedSlot: -1}
	open := table.find(c.Session)
	start := time.Now()
	for n, task := range c.Tasks {
		protocol.PutCurrent(m.parameters, i, task.Slot)
		result := protocol.Result{Status: protocol.StatusOK}
		var err error
		if open == nil {
			err = fmt.Errorf("no session %d", c.Session)
		} else {
			size := open.dim * open.dtype.Size()
			params := m.parameters[open.parametersOffset+task.Slot*open.stride:][:size:size]
			grad := m.gradients[open.gradientsOffset+task.Slot*open.stride:][:size:size]
			with := slots.Scalars{Rate: task.Rate, Loss: task.Loss, Epoch: c.Epoch, Batch: c.Batch, Metrics: open.metrics}
			result.Value, err = open.Run(slots.Op(c.Op), task.Slot, params, grad, with)
			if slots.Op(c.Op) == slots.Metrics {
				protocol.PutMetrics(m.parameters, task.Slot, open.metrics)
			}
		}
		switch {
		case err == plugins.ErrAgain:
			result.Status = protocol.StatusAgain
		case err != nil:
			result.Status = protocol.StatusFailed
			if reply.FailedSlot < 0 {
				reply.FailedSlot, reply.Message = task.Slot, describe(err)
			}
		}
		protocol.PutResult(m.parameters, i, n, result)
	}
	protocol.PutCurrent(m.parameters, i, -1)
	reply.Nanoseconds = uint64(time.Since(start))
	protocol.PutReply(m.parameters, i, reply)
}
