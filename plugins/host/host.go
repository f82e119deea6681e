// Package host finds plugins, starts them as processes of their own, watches them, and stops
// them. Whatever a plugin does, the host goes on: a crash, a hang, a wrong answer or garbage
// becomes a *runner.Fault that names the plugin and shows its last words.
//
// It knows the protocol, not the training: the runner drives it through runner.Plugins.
package host

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/xrun-dev/xrun/plugins"
)

// Options of a Host.
type Options struct {
	// Builtin is the command that serves the built-in components: the xrun binary itself.
	Builtin []string
	// Python is the command that serves a plugin written in Python; the path of the plugin is
	// appended. Without it such plugins are refused.
	Python []string
	// Sandbox is the command that puts plugin processes into a sandbox: the plugin's path, or
	// "builtin", and its command are appended to it. Without one they have the rights of their user.
	Sandbox []string
	// Keeper is the command that runs process.Keep, for plugins that are not built in. Without it,
	// their children may outlive a kill -9 of xrun.
	Keeper []string
	// Guard is the command that runs process.Guard, for plugins that are not built in. Without it, what they
	// start in sessions of their own outlives them.
	Guard []string
	// Version is the version of xrun, which plugins are told.
	Version string
	// Dirs are searched, in order, for executables named xrun-plugin-NAME.
	Dirs []string
	// Reattach are plugins that run already, by name or path. They are used as they are.
	Reattach map[string]Reattachment
	// Inline uses gRPC messages even where shared memory works.
	Inline bool
	// StartTimeout is how long a plugin may take to start. Defaults to a minute.
	StartTimeout time.Duration
	// CallTimeout is how long a plugin may take to answer. Defaults to 30 seconds.
	CallTimeout time.Duration
	// PluginMemory is how many bytes of memory a plugin process may take, where the system can
	// enforce that: of its own, and shared with xrun. Defaults to four fifths of the machine's.
	PluginMemory int64
	// Until stops the hashing of a large plugin when it is done. Defaults to never.
	Until context.Context
	// Notice shows a message to a user who waits. Any goroutine may call it. Defaults to silence.
	Notice func(text string)
	// NoticeAfter is how long a start may be silent before Notice is called. Defaults to 5 seconds.
	NoticeAfter time.Duration
	// Logger takes starts, stops and what plugins print. Defaults to silence.
	Logger *slog.Logger
	// Printed takes what plugins print, in the place of Logger: a line that a terminal can show, and how many before it
	// were left out, since they were too many. The last line of a process may be empty. Any goroutine may call it; while
	// it blocks, lines are left out.
	Printed func(plugin, line string, left int)
}

// A Host starts plugins for any number of workers.
type Host struct {
	options Options
	tidied  sync.Once  // removes what killed xruns have left
	telling sync.Mutex // guards options.Notice

	mu        sync.Mutex
	found     map[string]Source
	described map[string]*Description
	slabs     map[string]int // bytes that the objectives of plugins have needed, by reference
}

// New makes a Host. It holds no resources of its own: close its workers.
func New(o Options) *Host {
	if o.StartTimeout == 0 {
		o.StartTimeout = time.Minute
	}
	if o.CallTimeout == 0 {
		o.CallTimeout = 30 * time.Second
	}
	if o.Notice == nil {
		o.Notice = func(string) {}
	}
	if o.NoticeAfter == 0 {
		o.NoticeAfter = 5 * time.Second
	}
	if logger := o.Logger; o.Printed == nil && logger != nil {
		o.Printed = func(plugin, line string, left int) {
			if left > 0 {
				logger.Info("plugin prints too much", "plugin", plugin, "lines_left_out", left)
			}
			if line != "" {
				logger.Info("plugin prints", "plugin", plugin, "text", line)
			}
		}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Host{options: o, found: map[string]Source{}, described: map[string]*Description{}, slabs: map[string]int{}}
}

// SetCallTimeout changes how long plugins started from now on may take to answer.
func (h *Host) SetCallTimeout(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.options.CallTimeout = d
}

// SetNotice changes Options.Notice.
func (h *Host) SetNotice(notice func(text string)) {
	h.telling.Lock()
	defer h.telling.Unlock()
	h.options.Notice = notice
}

func (h *Host) notice(format string, a ...any) {
	h.telling.Lock()
	notice := h.options.Notice
	h.telling.Unlock()
	notice(fmt.Sprintf(format, a...))
}

// A Description is the manifest of a plugin, and what was negotiated with it.
type Description struct {
	Source
	plugins.Manifest
	SDK      string
	Features []string
}

// Describe starts the plugin that ref names, reads its manifest, and stops it again. The result is
// kept.
func (h *Host) Describe(ctx context.Context, ref string) (*Description, error) {
	src, err := h.Find(ref)
	if err != nil {
		return nil, err
	}
	h.mu.Lock()
	known := h.described[src.Path]
	h.mu.Unlock()
	if known != nil {
		return known, nil
	}
	p, err := h.start(ctx, src, nil, nil, nil)
	if err != nil {
		return nil, err
	}
	p.stop()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.described[src.Path] = p.description
	return p.description, nil
}

// Identity names the exact version of a component in the keys of trials.
func (d *Description) Identity(c plugins.Component) string {
	if d.Builtin {
		return fmt.Sprintf("builtin:%s@%d", c.Name, c.Revision)
	}
	return d.Digest
}

// Component finds the component of a kind by name. An empty name is the only one of its kind.
func (d *Description) Component(kind plugins.Kind, name string) (plugins.Component, error) {
	var known []string
	for _, c := range d.Components {
		if c.Kind != kind {
			continue
		}
		if c.Name == name {
			return c, nil
		}
		known = append(known, c.Name)
	}
	if name == "" && len(known) == 1 {
		return d.Component(kind, known[0])
	}
	return plugins.Component{}, &unknownComponentError{Plugin: d.Name, Kind: kind, Name: name, Known: known}
}
