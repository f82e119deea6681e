package authoring

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Dirs are the directories in which plugins are found by name, in order. An empty entry of a list is left out: it
// would be the working directory.
func Dirs(flag []string, env func(name string) string) []string {
	dirs := slices.Clone(flag)
	dirs = append(dirs, filepath.SplitList(env("XRUN_PLUGIN_PATH"))...)
	dirs = append(dirs, filepath.Join(".xrun", "plugins"))
	if own, err := UserDir(env); err == nil {
		dirs = append(dirs, own)
	}
	return slices.DeleteFunc(dirs, func(dir string) bool { return dir == "" })
}

// UserDir is the directory of the user's installed plugins. A relative XDG_DATA_HOME is ignored, as the XDG base
// directory specification demands.
func UserDir(env func(name string) string) (string, error) {
	if data := env("XDG_DATA_HOME"); filepath.IsAbs(data) {
		return filepath.Join(data, "xrun", "plugins"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("find the directory for plugins: %w; set XDG_DATA_HOME", err)
	}
	return filepath.Join(home, ".local", "share", "xrun", "plugins"), nil
}
