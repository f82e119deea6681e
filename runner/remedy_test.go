package runner

import (
	"errors"
	"fmt"
	"slices"
	"testing"
)

// TestAnErrorHasOneRemedy names the members of a group by digits, in the order of their slots.
func TestAnErrorHasOneRemedy(t *testing.T) {
	crash := func(slot int) error { return &Fault{Plugin: "mine", Slot: slot, Err: errors.New("crashed")} }
	noStart := &Fault{Plugin: "penalty", Slot: -1, Start: true, Err: errors.New("cannot be started")}
	refusal := func(slot int) error { return &SlotError{Slot: slot, Plugin: "mine", Err: errors.New("beta is 2")} }
	for _, c := range []struct {
		name    string
		err     error
		stale   int // the slot whose checkpoint cannot be used; counts with err nil
		stopped bool
		members string // of the group
		ended   string // those of them that have ended
		penalty string // those that use the plugin "penalty"
		tries   int    // that each has had
		retries int

		kind   remedyKind
		acts   string // the members that the remedy is for
		groups string // trained next
		fault  bool   // counts for the quarantine
	}{
		{name: "the recorder fails", err: &recordError{errors.New("disk full")}, members: "0123", kind: abandon},
		{name: "stopped", err: crash(1), stopped: true, members: "0123", retries: 3, kind: abandon},
		{name: "stale among others", stale: 1, members: "0123", kind: forget, acts: "1", groups: "023 1"},
		{name: "stale, others ended", stale: 1, members: "012", ended: "02", kind: forget, acts: "1", groups: "1"},
		{name: "a suspect", err: crash(2), members: "0123", retries: 3, kind: regroup, acts: "0123", groups: "013 2"},
		{name: "a suspect, some ended", err: crash(2), members: "0123", ended: "0", kind: regroup, acts: "123", groups: "13 2"},
		{name: "a suspect that has ended", err: crash(2), members: "0123", ended: "2", kind: regroup, acts: "013", groups: "0 13"},
		{name: "no suspect", err: crash(-1), members: "01234", kind: regroup, acts: "01234", groups: "01 234"},
		{name: "a slot that is none of the group", err: crash(9), members: "01", kind: regroup, acts: "01", groups: "0 1"},
		{name: "alone, to be tried again", err: crash(0), members: "0", tries: 1, retries: 2, kind: postpone, acts: "0"},
		{name: "alone, tried often enough", err: crash(0), members: "0", tries: 2, retries: 2, kind: fail, acts: "0", fault: true},
		{name: "alone by the end of the others", err: crash(-1), members: "012", ended: "02", kind: fail, acts: "1", fault: true},
		{name: "all have ended", err: crash(-1), members: "01", ended: "01", retries: 1, kind: fail, fault: true},
		{name: "wrong settings", err: refusal(1), members: "012", retries: 3, kind: regroup, acts: "012", groups: "02 1"},
		{name: "wrong settings, alone", err: refusal(0), members: "0", retries: 3, kind: fail, acts: "0"},
		{name: "no start, some use it", err: noStart, members: "0123", penalty: "13", kind: fail, acts: "13", groups: "02", fault: true},
		{name: "no start, tried again", err: noStart, members: "0123", penalty: "13", retries: 1, kind: postpone, acts: "13", groups: "02"},
		{name: "no start, all use it", err: noStart, members: "01", penalty: "01", kind: fail, acts: "01", fault: true},
		{name: "no start, none uses it", err: noStart, members: "01", kind: fail, acts: "01", fault: true},
		{name: "a fault of xrun", err: errors.New("index out of range"), members: "01", retries: 3, kind: fail, acts: "01"},
	} {
		t.Run(c.name, func(t *testing.T) {
			names := map[*member]string{}
			var group []*member
			for _, r := range c.members {
				m := &member{tries: c.tries, ended: slices.Contains([]rune(c.ended), r)}
				if slices.Contains([]rune(c.penalty), r) {
					m.trial.Regularizer = &Choice{Plugin: "penalty", Component: "p"}
				}
				names[m] = string(r)
				group = append(group, m)
			}
			name := func(members []*member) (text string) {
				for _, m := range members {
					text += names[m]
				}
				return text
			}
			err := c.err
			if err == nil {
				err = &staleError{member: group[c.stale], err: errors.New("other layout")}
			}
			r := remedyFor(fmt.Errorf("train: %w", err), c.stopped, group, c.retries)
			groups := ""
			for i, g := range r.groups {
				if i > 0 {
					groups += " "
				}
				groups += name(g)
			}
			if r.kind != c.kind || name(r.members) != c.acts || groups != c.groups || (r.fault != nil) != c.fault {
				t.Errorf("kind %d, members %q, groups %q, fault %v; want kind %d, members %q, groups %q, fault %v",
					r.kind, name(r.members), groups, r.fault, c.kind, c.acts, c.groups, c.fault)
			}
		})
	}
}
