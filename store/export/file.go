package export

import (
	"crypto/rand"
	"errors"
	"io"
	"os"
	"path/filepath"
)

// writeFile makes a file that appears under its name only when it is complete. It replaces one that exists.
func writeFile(path string, write func(io.Writer) error) (err error) {
	// Not os.CreateTemp: the file has the mode of any other new file.
	f, err := os.OpenFile(filepath.Join(filepath.Dir(path), ".xrun-"+rand.Text()), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if err = errors.Join(write(f), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
