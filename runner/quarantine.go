package runner

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// failuresAlike is how often a plugin may fail trials in the same way before it is set aside.
const failuresAlike = 3

// quarantine holds the plugins that this execution does not use any more, because they fail trial
// after trial in the same way, and each failure costs a start or even a deadline. A plugin that
// cannot be started is set aside as a whole. If it ends or hangs at work, only the component and
// settings that the trials used are set aside: others may be sound. The workers share it.
type quarantine struct {
	mu    sync.Mutex
	alike map[string]int            // failures, by what was used and how it failed
	aside map[string]*SetAsideError // by the part or the whole of a plugin, see uses
}

// A SetAsideError says why a trial was not tried.
type SetAsideError struct {
	Plugin string
	Fault  string // how it failed the trials before
}

func (e *SetAsideError) Error() string {
	return fmt.Sprintf("plugin %s was set aside after it failed %d times alike: %s; fix it and run the same command again", e.Plugin, failuresAlike, e.Fault)
}

var digits = regexp.MustCompile(`[0-9]+`)

// note counts a fault that has failed members.
func (q *quarantine) note(f *Fault, members []*member) {
	if len(members) == 0 {
		return
	}
	part, whole := members[0].trial.uses(f.Plugin)
	if f.Start {
		part = whole
	}
	if part == "" {
		return
	}
	first, _, _ := strings.Cut(f.Err.Error(), "\n")
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.alike == nil {
		q.alike, q.aside = map[string]int{}, map[string]*SetAsideError{}
	}
	how := part + "\x00" + digits.ReplaceAllString(first, "#") // a process number or a time differs each time
	q.alike[how]++
	if q.alike[how] == failuresAlike {
		q.aside[part] = &SetAsideError{Plugin: f.Plugin, Fault: first}
	}
}

// of returns why a trial is not tried; nil if it is.
func (q *quarantine) of(t *Trial) *SetAsideError {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.aside) == 0 {
		return nil
	}
	for _, c := range t.choices() {
		part, whole := t.uses(c.Plugin)
		for _, key := range []string{part, whole} {
			if err := q.aside[key]; err != nil {
				return err
			}
		}
	}
	return nil
}

// choices are the components that a trial uses.
func (t *Trial) choices() []*Choice {
	var all []*Choice
	for c := &t.Optimizer; c != nil; c = c.Base {
		all = append(all, c)
	}
	for _, c := range []*Choice{t.Regularizer, t.Task.Objective} {
		if c != nil {
			all = append(all, c)
		}
	}
	return all
}

// uses names the components and settings that a trial uses of a plugin, and the plugin by its
// content. Both are empty if the trial does not use it.
func (t *Trial) uses(plugin string) (part, whole string) {
	for _, c := range t.choices() {
		if c.Plugin != plugin {
			continue
		}
		if whole = c.Identity; strings.HasPrefix(whole, "builtin:") {
			whole = "builtin"
		}
		part += "\x00" + c.Component
		for _, name := range c.Settings.Names() {
			part += " " + name + "=" + c.Settings[name].String()
		}
	}
	if part == "" {
		return "", ""
	}
	return whole + part, whole
}

// users divides members into those that use a plugin and the others.
func users(members []*member, plugin string) (use, others []*member) {
	for _, m := range members {
		if part, _ := m.trial.uses(plugin); part != "" {
			use = append(use, m)
		} else {
			others = append(others, m)
		}
	}
	return use, others
}

// tryable returns the members of a group that can be trained. Members whose plugin has been set aside
// fail, and so stay open for the next sweep.
func (w *worker) tryable(ctx context.Context, group []*member) ([]*member, error) {
	var rest []*member
	for _, m := range group {
		if m.ended {
			continue
		}
		why := w.quarantine.of(&m.trial)
		if why == nil {
			rest = append(rest, m)
			continue
		}
		if err := w.failAll(ctx, []*member{m}, why); err != nil {
			return nil, err
		}
	}
	return rest, nil
}
