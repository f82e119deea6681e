package authoring

import (
	"context"
	"fmt"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/cmd/xrun/internal/training"
	"github.com/xrun-dev/xrun/plugins/host"
	"github.com/xrun-dev/xrun/plugins/lock"
)

// pinned are the lock's entries for the plugins of a sweep. Two spellings of one path are one plugin.
func Pinned(ctx context.Context, h *host.Host, sweep string, c *training.Catalog) ([]lock.Plugin, error) {
	var uses []lock.Plugin
	seen := map[string]bool{}
	for _, used := range c.Used() {
		d, err := h.Describe(ctx, used)
		if err != nil {
			return nil, err
		}
		if d.Attached() {
			return nil, advice.Usage(fmt.Errorf("plugin %s is attached by XRUN_REATTACH, so there is nothing to pin", used), "unset XRUN_REATTACH")
		}
		ref := lock.Ref(sweep, used)
		if d.Builtin || seen[ref] {
			continue
		}
		seen[ref] = true
		p := lock.Plugin{Ref: ref, Name: d.Name, Version: d.Version, Digest: lock.Algorithm + d.Digest}
		for _, comp := range d.Components {
			p.Components = append(p.Components, comp.Name)
		}
		uses = append(uses, p)
	}
	return uses, nil
}
