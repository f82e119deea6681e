package python

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

//go:embed xrun_plugin.py
var module []byte

// Install puts the module xrun_plugin where a Python program can import it, and returns the
// directory: one in the user's cache, of which the content is checked each time, or one among the
// temporary files where there is no cache.
func Install() (dir string, err error) {
	sum := sha256.Sum256(module)
	name := hex.EncodeToString(sum[:8])
	for _, parent := range []func() (string, error){cache, temporary} {
		base, baseErr := parent()
		if baseErr != nil {
			err = errors.Join(err, baseErr)
			continue
		}
		dir := filepath.Join(base, "python", name)
		if putErr := put(dir, "xrun_plugin.py", module); putErr != nil {
			err = errors.Join(err, putErr)
			continue
		}
		return dir, nil
	}
	return "", fmt.Errorf("install the Python module xrun_plugin: %w", err)
}

func cache() (string, error) {
	dir, err := os.UserCacheDir()
	return filepath.Join(dir, "xrun"), err
}

// temporary makes a directory for this user alone among the temporary files, where another user may
// have made it first.
func temporary() (string, error) {
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("xrun-%d", os.Getuid()))
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return "", err
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", err
	}
	if !info.IsDir() || !private(info) {
		return "", fmt.Errorf("%s is not a directory of this user alone", dir)
	}
	return dir, nil
}

// put writes a file that appears complete or not at all, unless it is there already.
func put(dir, name string, content []byte) error {
	path := filepath.Join(dir, name)
	if have, err := os.ReadFile(path); err == nil && bytes.Equal(have, content) {
		return nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, "."+name)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
