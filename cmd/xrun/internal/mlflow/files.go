package mlflow

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// Files are the artifacts of runs: a folder, with ID/artifacts/… for each run, model or experiment.
type Files struct{ Folder string }

// name checks the name of an artifact, and returns its path in the folder.
func (f Files) name(text string) (string, error) {
	text = strings.TrimSuffix(strings.TrimPrefix(text, "/"), "/")
	parts := strings.Split(text, "/")
	if len(parts) < 2 || parts[1] != "artifacts" || !isOwner(parts[0]) || len(text) > 2000 {
		return "", refuse(invalid, "Invalid path %q: it is ID/artifacts/NAME, of a run or a model", clip(text))
	}
	for _, part := range parts {
		if part == "" || part == "." || part == ".." || strings.ContainsAny(part, "\\:\x00") || strings.HasPrefix(part, partPrefix) {
			return "", refuse(invalid, "Invalid path %q: %q cannot be the name of a file", clip(text), clip(part))
		}
	}
	return text, nil
}

// isOwner reports whether a text is the id of a run, a model or an experiment.
func isOwner(id string) bool {
	return isID(strings.TrimPrefix(id, "m-")) || id != "" && len(id) < 20 && strings.Trim(id, "0123456789") == ""
}

// partPrefix begins the names of files that are not complete.
const partPrefix = ".part-"

func (f Files) root(make bool) (*os.Root, error) {
	if make {
		if err := os.MkdirAll(f.Folder, 0o777); err != nil {
			return nil, err
		}
	}
	return os.OpenRoot(f.Folder) // no link in it leads outside
}

// put takes the content of an artifact, which appears under its name when it is complete.
func (f Files) put(name string, content io.Reader) (err error) {
	if name, err = f.name(name); err != nil {
		return err
	}
	root, err := f.root(true)
	if err != nil {
		return err
	}
	defer root.Close()
	folder := path.Dir(name)
	if err := root.MkdirAll(folder, 0o777); err != nil {
		return refuse(invalid, "the folder of %q cannot be made", clip(name))
	}
	random := make([]byte, 8)
	rand.Read(random)
	part := path.Join(folder, partPrefix+hex.EncodeToString(random))
	file, err := root.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	if err = errors.Join(err, file.Close()); err == nil {
		if err = root.Rename(part, name); err != nil {
			err = refuse(invalid, "%q cannot be the name of a file: there is a folder of that name", clip(name))
		}
	}
	if err != nil {
		root.Remove(part)
	}
	return err
}

// get sends the content of an artifact.
func (f Files) get(w http.ResponseWriter, name string) error {
	name, err := f.name(name)
	if err != nil {
		return err
	}
	none := refuse(missing, "No such artifact: %q", clip(name))
	root, err := f.root(false)
	if err != nil {
		return none
	}
	defer root.Close()
	file, err := root.Open(name)
	if err != nil {
		return none
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return none
	}
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Disposition", "attachment")
	w.WriteHeader(http.StatusOK)
	io.Copy(w, file) // the client sees that it is cut off
	return nil
}

// remove removes an artifact or a folder of them. What is not there is removed.
func (f Files) remove(name string) error {
	name, err := f.name(name)
	if err != nil {
		return err
	}
	root, err := f.root(false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer root.Close()
	return root.RemoveAll(name)
}

type listed struct {
	Path   string `json:"path"`
	Folder bool   `json:"is_dir"`
	Size   int64  `json:"file_size,omitempty"`
}

// list lists a folder. Names are below prefix.
func (f Files) list(name, prefix string) (all []listed, err error) {
	all = []listed{}
	if name, err = f.name(name); err != nil {
		return nil, err
	}
	root, err := f.root(false)
	if errors.Is(err, fs.ErrNotExist) {
		return all, nil
	}
	if err != nil {
		return nil, err
	}
	defer root.Close()
	folder, err := root.Open(name)
	if err != nil {
		return all, nil
	}
	defer folder.Close()
	entries, err := folder.ReadDir(-1)
	if err != nil {
		return all, nil // it is a file
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil || strings.HasPrefix(e.Name(), partPrefix) {
			continue
		}
		one := listed{Path: path.Join(prefix, e.Name()), Folder: e.IsDir()}
		if !one.Folder {
			one.Size = info.Size()
		}
		all = append(all, one)
	}
	slices.SortFunc(all, func(a, b listed) int { return strings.Compare(a.Path, b.Path) })
	return all, nil
}

// Address is the address of an owner's artifacts for clients on this machine.
func (f Files) Address(id string) string {
	folder := filepath.ToSlash(filepath.Join(f.Folder, id, "artifacts"))
	if !strings.HasPrefix(folder, "/") {
		folder = "/" + folder // of a drive
	}
	return "file://" + folder
}

// Proxied is the address for clients elsewhere, who send and fetch artifacts through this server.
func (f Files) Proxied(id string) string { return "mlflow-artifacts:/" + id + "/artifacts" }
