package training

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/plugins"
	"github.com/xrun-dev/xrun/plugins/builtin"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/plugins/lock"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/sweeps"
)

// A Catalog finds what a sweep file names: plugins through the host, data sets on disk.
type Catalog struct {
	host    *host.Host
	version string
	worker  *host.Worker // tries plugins; nil before the first
	sweep   string       // the path of the sweep file
	lock    *lock.Lock   // pins its plugins; nil pins none
	used    []string     // plugins that Component was asked for, without built-in ones
	left    []string     // those of them that were not looked up, since that starts them
	data    *Datasets    // keeps what it reads; nil keeps nothing
}

// NewCatalog is the catalog of a sweep file. Plugins must match the lock, if there is one. Data sets that it reads are kept, if
// there is where.
func NewCatalog(h *host.Host, sweep, version string, pins *lock.Lock, keep *Datasets) *Catalog {
	return &Catalog{host: h, sweep: sweep, version: version, lock: pins, data: keep}
}

// NewStillCatalog is the catalog of a sweep file that starts no process. It knows built-in components and data sets;
// [Catalog.Left] are the plugins that it could not look up.
func NewStillCatalog(sweep, version string) *Catalog { return &Catalog{sweep: sweep, version: version} }

// Left are the plugins that were not looked up, since that starts them.
func (c *Catalog) Left() []string { return c.left }

// leave remembers a plugin that is not started.
func (c *Catalog) leave(ref string) error {
	if !slices.Contains(c.left, ref) {
		c.left = append(c.left, ref)
	}
	return fmt.Errorf("plugin %s is not started here", ref)
}

// Try implements sweeps.Catalog.
func (c *Catalog) Try(ctx context.Context, kind plugins.Kind, choice runner.Choice, task runner.Task) (err error) {
	slot := runner.PluginSlot{Optimizer: choice, LR: 1}
	switch kind {
	case plugins.KindObjective:
		slot.Optimizer, task.Objective = runner.Choice{Plugin: host.BuiltinRef, Component: "sgd"}, &choice
	case plugins.KindRegularizer:
		slot = runner.PluginSlot{Optimizer: runner.Choice{Plugin: host.BuiltinRef, Component: "sgd"}, Regularizer: &choice, LR: 1, Lambda: 1}
	}
	where, err := c.placeToTry(choice, task)
	if err != nil {
		return err
	}
	session, err := where.Open(ctx, runner.TrialSpec(task, slot))
	if err != nil {
		var refused *runner.SlotError
		if errors.As(err, &refused) {
			return refused.Err
		}
		return err
	}
	return session.Close()
}

// placeToTry is this process for built-in components, and a worker's processes for others.
func (c *Catalog) placeToTry(choice runner.Choice, task runner.Task) (_ runner.Plugins, err error) {
	if task.Objective == nil && choice.Plugin == host.BuiltinRef && (choice.Base == nil || choice.Base.Plugin == host.BuiltinRef) {
		return &host.Local{Components: builtin.Manifest(c.version).Components}, nil
	}
	if c.host == nil {
		return nil, c.leave(choice.Plugin)
	}
	return c.workerToTry()
}

// own describes the built-in components.
func (c *Catalog) own(ctx context.Context) (*host.Description, error) {
	if c.host == nil {
		return &host.Description{Source: host.Source{Builtin: true}, Manifest: builtin.Manifest(c.version)}, nil
	}
	return c.host.Describe(ctx, host.BuiltinRef)
}

// workerToTry keeps tried plugins running: a plugin in Python may take seconds to start.
func (c *Catalog) workerToTry() (_ *host.Worker, err error) {
	if c.worker == nil {
		c.worker, err = c.host.Worker()
	}
	return c.worker, err
}

// Close ends the plugins that were tried.
func (c *Catalog) Close() error {
	if c.worker == nil {
		return nil
	}
	return c.worker.Close()
}

// Component implements sweeps.Catalog. A built-in component goes before a plugin of its name.
func (c *Catalog) Component(ctx context.Context, kind plugins.Kind, plugin, component string) (sweeps.Found, error) {
	ref, name := plugin, component
	if !strings.ContainsRune(filepath.ToSlash(plugin), '/') {
		own, err := c.own(ctx)
		if err != nil {
			return sweeps.Found{}, err
		}
		if found, err := own.Component(kind, plugin); err == nil && (component == "" || component == plugin) {
			return sweeps.Found{Spec: found.Spec, Plugin: host.BuiltinRef, Identity: own.Identity(found)}, nil
		}
	}
	if c.host == nil {
		return sweeps.Found{}, c.leave(ref)
	}
	if err := c.allow(ref); err != nil {
		return sweeps.Found{}, err
	}
	if _, err := c.host.Find(ref); err != nil { // the best error for a missing plugin
		return sweeps.Found{}, err
	}
	w, err := c.workerToTry()
	if err != nil {
		return sweeps.Found{}, err
	}
	d, err := w.Describe(ctx, ref)
	if err != nil {
		return sweeps.Found{}, err
	}
	found, err := d.Component(kind, name)
	if err != nil {
		return sweeps.Found{}, err
	}
	return sweeps.Found{Spec: found.Spec, Plugin: ref, Identity: d.Identity(found)}, nil
}

// maxText limits the size of a file with extra points.
const maxText = 16 << 20

// Text implements sweeps.Catalog.
func (c *Catalog) Text(_ context.Context, path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	case info.Size() > maxText:
		return nil, fmt.Errorf("%s has %d bytes, more than %d", path, info.Size(), maxText)
	}
	return os.ReadFile(path)
}

// allow checks a plugin against the lock before it is first started.
func (c *Catalog) allow(ref string) error {
	if !slices.Contains(c.used, ref) {
		c.used = append(c.used, ref)
	}
	if c.lock == nil {
		return nil
	}
	src, err := c.host.Find(ref)
	if err != nil || src.Builtin {
		return err
	}
	if src.Attached() {
		return advice.Usage(fmt.Errorf("plugin %s is attached by XRUN_REATTACH, so it cannot be checked against %s", ref, lock.FileName),
			"debug with a copy of the sweep file in a directory without a lock")
	}
	return c.lock.Check(c.sweep, ref, src.Digest)
}

// Dataset implements sweeps.Catalog.
func (c *Catalog) Dataset(_ context.Context, of sweeps.Source) (sweeps.Dataset, error) {
	return c.data.Describe(of)
}
