package store

import (
	"context"
	"encoding/json"
	"fmt"
)

// PluginsOf reads the components that a run used.
func (s *Store) PluginsOf(ctx context.Context, runID int64) ([]PluginUse, error) {
	const query = `SELECT r.role, p.name, p.version, p.digest, p.protocol, p.features
		FROM run_plugin r JOIN plugin p ON p.id = r.plugin_id WHERE r.run_id = ? ORDER BY r.role, p.name`
	var all []PluginUse
	err := s.each(ctx, "read plugins", query, []any{runID}, func(scan scanner) error {
		var use PluginUse
		var features string
		if err := scan(&use.Role, &use.Name, &use.Version, &use.Digest, &use.Protocol, &features); err != nil {
			return err
		}
		if err := json.Unmarshal([]byte(features), &use.Features); err != nil {
			return fmt.Errorf("features of %s: %w", use.Name, err)
		}
		all = append(all, use)
		return nil
	})
	return all, err
}
