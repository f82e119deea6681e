package training

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/question"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/plugins/protocol"
	"github.com/xrun-dev/xrun/runner"
	"github.com/xrun-dev/xrun/store"
	"github.com/xrun-dev/xrun/sweeps"
)

// pluginUses are the plugins of a sweep's runs, as the database records them.
func pluginUses(ctx context.Context, h *host.Host, spec *sweeps.Spec) ([]store.PluginUse, error) {
	if spec.Task.Command != nil {
		return nil, nil // its optimizers are names
	}
	var uses []store.PluginUse
	add := func(role string, choices []runner.Choice) error {
		for _, c := range choices {
			d, err := h.Describe(ctx, c.Plugin)
			if err != nil {
				return err
			}
			uses = append(uses, store.PluginUse{Role: role, Component: c.Component, Name: d.Name + "/" + c.Component, Version: d.Version, Digest: c.Identity,
				Protocol: fmt.Sprint(protocol.Version), Features: append([]string{"sdk " + d.SDK}, d.Features...)})
		}
		return nil
	}
	if o := spec.Task.Objective; o != nil {
		if err := add("objective", []runner.Choice{*o}); err != nil {
			return nil, err
		}
	}
	if err := add("optimizer", spec.Optimizers); err != nil {
		return nil, err
	}
	for _, o := range spec.Optimizers {
		if o.Base != nil {
			if err := add("base", []runner.Choice{*o.Base}); err != nil {
				return nil, err
			}
		}
	}
	return uses, add("regularizer", spec.Regularizers)
}

// Load reads a sweep file and everything it names in a catalog, and closes the catalog.
func Load(ctx context.Context, file string, changes sweeps.Changes, c *Catalog) (*sweeps.Spec, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		hint := ""
		if errors.Is(err, fs.ErrNotExist) {
			hint = "the argument is the path of a sweep file; sweeps/examples in xrun's source has some to start from"
		}
		return nil, advice.Usage(fmt.Errorf("sweep file: %w", err), hint)
	}
	spec, err := changes.Load(ctx, file, text, c)
	return spec, errors.Join(err, c.Close())
}

// Used are the plugins that a catalog was asked for, without built-in ones.
func (c *Catalog) Used() []string { return c.used }

// Attached are the used plugins that are attached by XRUN_REATTACH, by name. Their content is not known.
func (c *Catalog) Attached() map[string]host.Source {
	attached := map[string]host.Source{}
	for _, ref := range c.used {
		if src, err := c.host.Find(ref); err == nil && src.Attached() {
			attached[ref] = src
		}
	}
	return attached
}

// Reload reads a stored sweep again, with other changes of its text.
func Reload(ctx context.Context, h *host.Host, version, file string, text store.SweepText, changes sweeps.Changes) (*sweeps.Spec, error) {
	catalog := NewCatalog(h, file, version, nil, nil)
	spec, err := changes.LoadStored(ctx, file, text.Text, text.Resolved, catalog)
	return spec, errors.Join(err, catalog.Close())
}

// limitPlugins sets the limits of a sweep file on the plugins of a host.
func limitPlugins(h *host.Host, spec *sweeps.Spec) {
	h.SetCallTimeout(spec.Run.PluginTimeout)
	h.SetPluginMemory(spec.Run.PluginMemory)
}

// An Origin is the sweep that another one was made from. The zero Origin is none.
type Origin struct {
	Relation store.Relation
	Of       int64
}

// sweepRow is a sweep as the database keeps it.
func sweepRow(s *sweeps.Spec) store.Sweep {
	file, err := filepath.Abs(s.File) // it is looked up again from other folders, see [Places]
	if err != nil {
		file = s.File
	}
	return store.Sweep{
		Name: s.Name, Notes: s.Notes, Tags: s.Tags, File: file, Text: s.Text, Resolved: s.Resolved(), Digest: Digest(s), Overrides: overridesOf(s.Changes),
		Metric: s.Metric.Name, Goal: string(s.Metric.Goal), At: string(s.Metric.At),
	}
}

// overridesOf are the changes of the command line as the database keeps them.
func overridesOf(c sweeps.Changes) []string {
	if !c.Quick {
		return c.Set
	}
	return append(slices.Clip(c.Set), question.QuickOverride)
}

// Digest identifies a sweep. The same content under two names makes two sweeps with the same trials.
func Digest(s *sweeps.Spec) string {
	sum := sha256.Sum256([]byte(s.Name + "\x00" + s.Digest()))
	return hex.EncodeToString(sum[:])
}

// ChangesOf are the changes with which a stored sweep was run.
func ChangesOf(text store.SweepText) sweeps.Changes {
	changes := sweeps.Changes{}
	for _, o := range text.Overrides {
		if o == question.QuickOverride {
			changes.Quick = true
			continue
		}
		changes.Set = append(changes.Set, o)
	}
	return changes
}
