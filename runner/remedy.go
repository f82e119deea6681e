package runner

import (
	"errors"
	"slices"
)

// remedyKind is what happens to members after an error.
type remedyKind int

const (
	abandon  remedyKind = iota // the sweep ends, with all its members
	forget                     // begin again, without the checkpoint
	postpone                   // try again after a while
	fail                       // end as failed
	regroup                    // try again now, in other groups
)

// remedy says what happens after an error has cut off the training of a group.
type remedy struct {
	kind    remedyKind
	members []*member   // those that it happens to
	groups  [][]*member // trained next
	fault   *Fault      // with fail: the fault that counts towards the plugin's quarantine
}

// remedyFor decides what happens after an error. A suspect is tried apart from the others, and
// a group without one in halves, until each member has a result or has failed alone. stopped says
// that the sweep is being stopped, retries how often a member is postponed.
func remedyFor(err error, stopped bool, group []*member, retries int) remedy {
	var record *recordError
	if stopped || errors.As(err, &record) {
		return remedy{kind: abandon}
	}
	left := alive(group)
	var stale *staleError
	if errors.As(err, &stale) {
		return remedy{kind: forget, members: []*member{stale.member}, groups: apart(left, stale.member)}
	}
	var fault *Fault
	isFault := errors.As(err, &fault)
	starting := isFault && fault.Start
	var rest [][]*member
	if starting { // the members that do not use the plugin can do without it
		if use, others := users(left, fault.Plugin); len(use) > 0 {
			left = use
			if len(others) > 0 {
				rest = [][]*member{others}
			}
		}
	}
	if isFault && (len(left) == 1 || starting && len(left) > 0) && left[0].tries < retries {
		return remedy{kind: postpone, members: left, groups: rest}
	}
	if len(left) <= 1 || starting || !isFault && !isSlotError(err) {
		return remedy{kind: fail, members: left, groups: rest, fault: fault}
	}
	if suspect := suspectOf(err, group); suspect != nil && !suspect.ended {
		return remedy{kind: regroup, members: left, groups: apart(left, suspect)}
	}
	half := len(left) / 2
	return remedy{kind: regroup, members: left, groups: [][]*member{left[:half], left[half:]}}
}

// apart is a group without one of its members, if there are others, and then that one.
func apart(group []*member, one *member) [][]*member {
	others := slices.DeleteFunc(slices.Clone(group), func(m *member) bool { return m == one })
	if len(others) == 0 {
		return [][]*member{{one}}
	}
	return [][]*member{others, {one}}
}

func isSlotError(err error) bool {
	var s *SlotError
	return errors.As(err, &s)
}

// suspectOf is the member that an error names; nil if it names none.
func suspectOf(err error, group []*member) *member {
	slot := -1
	var f *Fault
	var s *SlotError
	if errors.As(err, &f) {
		slot = f.Slot
	} else if errors.As(err, &s) {
		slot = s.Slot
	}
	if slot < 0 || slot >= len(group) {
		return nil
	}
	return group[slot]
}

// alive lists the members that have not ended.
func alive(group []*member) []*member {
	var left []*member
	for _, m := range group {
		if !m.ended {
			left = append(left, m)
		}
	}
	return left
}
