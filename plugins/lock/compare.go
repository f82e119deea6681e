package lock

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/plugins/shell"
)

// Ref is the name of a plugin in the lock of a sweep file. sweep is the path of the sweep file, plugin a name
// or the path of the plugin, both relative to the working directory. What lies below the sweep
// file is named relative to it, so that the directory can be moved.
func Ref(sweep, plugin string) string {
	if !isPath(plugin) {
		return plugin
	}
	rel, err := filepath.Rel(absolute(filepath.Dir(sweep)), absolute(plugin))
	switch {
	case err == nil && filepath.IsLocal(rel):
		return "./" + filepath.ToSlash(rel)
	case err != nil || filepath.IsAbs(plugin) && !filepath.IsAbs(sweep): // as it was written
		return filepath.ToSlash(absolute(plugin))
	}
	return filepath.ToSlash(rel)
}

func isPath(plugin string) bool { return strings.ContainsRune(filepath.ToSlash(plugin), '/') }

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return filepath.Clean(path)
}

// find looks a plugin up, by name or by where its path leads.
func (l *Lock) find(sweep, plugin string) (Plugin, bool) {
	for _, p := range l.Plugins {
		if p.Ref == plugin || isPath(plugin) && isPath(p.Ref) && leads(sweep, p.Ref) == absolute(plugin) {
			return p, true
		}
	}
	return Plugin{}, false
}

// leads is the absolute path of a ref.
func leads(sweep, ref string) string {
	path := filepath.FromSlash(ref)
	if !filepath.IsAbs(path) {
		path = filepath.Join(filepath.Dir(sweep), path)
	}
	return absolute(path)
}

// Check returns a *Mismatch unless the plugin is in the lock with the digest, which is hex.
func (l *Lock) Check(sweep, plugin, digest string) error {
	pinned, ok := l.find(sweep, plugin)
	if ok && pinned.Digest == Algorithm+digest {
		return nil
	}
	return &Mismatch{Ref: Ref(sweep, plugin), Locked: pinned.Digest, Found: Algorithm + digest, Sweep: sweep}
}

// A Mismatch is a plugin whose content differs from the lock, or that is not in it.
type Mismatch struct {
	Ref    string
	Locked string // empty if the lock does not have it
	Found  string
	Sweep  string
}

func (e *Mismatch) Error() string {
	if e.Locked == "" {
		return fmt.Sprintf("plugin %s is not in %s, so it was not run: it is %s", e.Ref, FileName, e.Found)
	}
	return fmt.Sprintf("plugin %s is not the one in %s, so it was not run: locked is %s, found is %s", e.Ref, FileName, e.Locked, e.Found)
}

// Hint is the command that accepts the change.
func (e *Mismatch) Hint() string {
	return "if you trust it as it is now: xrun plugin lock " + shell.Word(e.Sweep)
}

// A Change is the effect of an update on one plugin.
type Change struct {
	Old, New Plugin // one without a ref if the plugin was added or removed
}

func (c Change) String() string {
	switch {
	case c.Old.Ref == "":
		return fmt.Sprintf("added   %s: %s %s, %s", c.New.Ref, c.New.Name, c.New.Version, c.New.Digest)
	case c.New.Ref == "":
		return fmt.Sprintf("removed %s: %s %s, %s", c.Old.Ref, c.Old.Name, c.Old.Version, c.Old.Digest)
	}
	return fmt.Sprintf("changed %s: %s %s, %s\n     to %s: %s %s, %s", c.Old.Ref, c.Old.Name, c.Old.Version, c.Old.Digest,
		c.New.Ref, c.New.Name, c.New.Version, c.New.Digest)
}

// ref is the name of the changed plugin.
func (c Change) ref() string { return cmp.Or(c.New.Ref, c.Old.Ref) }

// Update pins the plugins of a sweep, and forgets those that no sweep beside it uses any more. It
// returns the changes in the order of the refs.
func (l *Lock) Update(sweep string, uses []Plugin) []Change {
	file := filepath.Base(sweep)
	var changes []Change
	var kept []Plugin
	for _, old := range l.Plugins {
		i := slices.IndexFunc(uses, func(p Plugin) bool { return p.Ref == old.Ref })
		others := slices.DeleteFunc(slices.Clone(old.Sweeps), func(s string) bool { return s == file || gone(sweep, s) })
		switch {
		case i >= 0:
			now := uses[i]
			now.Sweeps = append(others, file)
			if now.Digest != old.Digest {
				changes = append(changes, Change{old, now})
			}
			kept = append(kept, now)
		case len(others) > 0:
			old.Sweeps = others
			kept = append(kept, old)
		default:
			changes = append(changes, Change{Old: old})
		}
	}
	for _, p := range uses {
		if !slices.ContainsFunc(l.Plugins, func(old Plugin) bool { return old.Ref == p.Ref }) {
			p.Sweeps = []string{file}
			kept = append(kept, p)
			changes = append(changes, Change{New: p})
		}
	}
	slices.SortFunc(changes, func(a, b Change) int { return cmp.Compare(a.ref(), b.ref()) })
	l.Plugins = kept
	return changes
}

// gone reports whether there is no sweep file of that name beside another any more.
func gone(sweep, name string) bool {
	_, err := os.Stat(filepath.Join(filepath.Dir(sweep), name))
	return errors.Is(err, fs.ErrNotExist)
}
