package training

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Places lists the paths that a stored sweep file may have by now, the likeliest first. Its data, plugins and programs
// are looked up from its folder. A folder that was moved or copied with the database inside is found by the database:
// the end of the path that was recorded, below the database's folder or one above it. Then comes the recorded path
// itself, which is absolute, but relative to the shell's folder in databases of earlier versions. The list is not empty.
func Places(database, file string) []string {
	const most = 12 // folders above the database, and ends of the path
	var found []string
	add := func(path string) {
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && !slices.Contains(found, path) {
			found = append(found, path)
		}
	}
	recorded := file
	if abs, err := filepath.Abs(file); err == nil {
		recorded = abs
	}
	parts := strings.FieldsFunc(filepath.ToSlash(filepath.Clean(file[len(filepath.VolumeName(file)):])), func(r rune) bool { return r == '/' })
	parts = parts[max(len(parts)-most, 0):]
	folder := filepath.Dir(database)
	for range most {
		for i := range parts {
			if parts[i] != ".." {
				add(filepath.Join(folder, filepath.FromSlash(strings.Join(parts[i:], "/"))))
			}
		}
		above := filepath.Dir(folder)
		if above == folder {
			break
		}
		folder = above
	}
	add(recorded)
	if len(found) == 0 { // the file is gone, but what it names may be there
		found = append(found, recorded)
		if beside := filepath.Join(filepath.Dir(database), filepath.Base(file)); beside != recorded {
			found = append(found, beside)
		}
	}
	return found
}

// Short is a path in as few letters as it can be written in the shell's folder.
func Short(path string) string {
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, path); err == nil && len(rel) < len(path) {
			return rel
		}
	}
	return path
}

// foldersOf are the folders of paths, for people.
func foldersOf(places []string) string {
	folders := make([]string, len(places))
	for i, place := range places {
		folders[i] = Short(filepath.Dir(place))
	}
	return strings.Join(slices.Compact(folders), ", ")
}
