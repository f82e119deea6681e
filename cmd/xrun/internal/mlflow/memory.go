package mlflow

import (
	"context"
	"encoding/json"
	"strconv"
	"sync"
)

// Memory keeps nothing: what clients say lasts as long as the space. It is a [Keeper] for programs that xrun runs itself, whose values it has by
// other means.
type Memory struct {
	// Heard is called with each change of a run before it is made, and may refuse it; may be nil. Calls for one run come one at a time.
	Heard func(before Snapshot, c Change) error

	mu      sync.Mutex
	entered int
	size    int
}

// mostMemory limits what the programs of one space may have kept, in values and texts.
const mostMemory = 1 << 20

var _ Keeper = (*Memory)(nil)

// Append implements Keeper.
func (m *Memory) Append(before *Run, c Change) error {
	m.mu.Lock()
	m.size += 1 + len(c.Metrics) + len(c.Params) + len(c.Tags) + len(c.Inputs) + len(c.Outputs)
	full := m.size > mostMemory
	m.mu.Unlock()
	if full {
		return refuse(invalid, "the program has logged more than %d values, which are kept in memory", mostMemory)
	}
	if m.Heard == nil {
		return nil
	}
	return m.Heard(before.snapshot(), c)
}

// Changed implements Keeper.
func (m *Memory) Changed(*Run) {}

// Load implements Keeper.
func (m *Memory) Load(context.Context, string) (*Run, error) { return nil, nil }

// Stored implements Keeper.
func (m *Memory) Stored(context.Context, func(string) bool, func(Snapshot) error) error { return nil }

// Enter implements Keeper.
func (m *Memory) Enter(context.Context, string) (string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entered++
	if m.entered > mostItems {
		return "", refuse(invalid, "the program has made more than %d experiments", mostItems)
	}
	return strconv.Itoa(m.entered), nil
}

// Put implements Keeper.
func (m *Memory) Put(Experiment) error { return nil }

// PutModel implements Keeper.
func (m *Memory) PutModel(string, json.RawMessage) error { return nil }

// Known implements Keeper.
func (m *Memory) Known(context.Context) ([]Experiment, error) { return nil, nil }
