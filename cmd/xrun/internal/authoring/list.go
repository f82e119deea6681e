package authoring

import (
	"fmt"
	"strconv"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
	"github.com/xrun-dev/xrun/plugins/host"
)

// Remark describes a plugin without running it.
func Remark(one host.Listed) string {
	const digits = 12 // of a digest, to tell plugins apart
	switch {
	case host.CheckName(one.Ref) != nil:
		return "cannot be used: no plugin can have that name"
	case one.Err != nil:
		return "cannot be used: " + advice.Command("plugin", "info", one.Ref) + " says why"
	case one.ShadowedBy == host.BuiltinRef:
		return "sha256 " + one.Digest[:digits] + "; the built-in of that name goes before it, except by its path"
	case one.ShadowedBy != "":
		return "sha256 " + one.Digest[:digits] + "; shadowed by " + Shown(one.ShadowedBy)
	}
	return "sha256 " + one.Digest[:digits] + "; " + advice.Command("plugin", "info", one.Ref)
}

// ListJSON is the JSON form of a list.
func ListJSON(own *host.Description, found []host.Listed) any {
	type entry struct {
		Name       string `json:"name"`
		Kind       string `json:"kind"`
		Summary    string `json:"summary"`
		Path       string `json:"path"`
		Digest     string `json:"sha256"`
		ShadowedBy string `json:"shadowed_by,omitempty"`
		Problem    string `json:"problem,omitempty"`
	}
	list := []entry{}
	for _, comp := range own.Components {
		list = append(list, entry{Name: comp.Name, Kind: string(comp.Kind), Summary: comp.Summary, Path: host.BuiltinRef})
	}
	for _, one := range found {
		e := entry{Name: one.Ref, Path: one.Path, Digest: one.Digest, ShadowedBy: one.ShadowedBy}
		if one.Err != nil {
			e.Problem = fmt.Sprint(one.Err)
		}
		list = append(list, e)
	}
	return list
}

// Shown is the name of a file as it can be printed: names may hold any character.
func Shown(name string) string {
	if quoted := strconv.Quote(name); quoted != `"`+name+`"` {
		return quoted
	}
	return name
}
