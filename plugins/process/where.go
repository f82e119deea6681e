package process

import "time"

// Where has the processes of the group print where they are, by the signal that asks for it, and waits up to a limit until
// they have. It is for a process that hangs, and is killed next: one that does not know the signal ends by it.
func (l *Leash) Where(limit time.Duration) {
	select {
	case <-l.gone:
		return
	default:
	}
	const look, quiet = 10 * time.Millisecond, 60 * time.Millisecond
	before, last := l.words.last(), ""
	l.Hush() // where it is becomes part of a message
	quitGroup(l.started.group())
	changed := time.Now()
	for deadline := changed.Add(limit); time.Now().Before(deadline); {
		if l.Within(look) {
			return
		}
		if now := l.words.last(); now != last {
			last, changed = now, time.Now()
		}
		if last != before && time.Since(changed) > quiet {
			return
		}
	}
}
