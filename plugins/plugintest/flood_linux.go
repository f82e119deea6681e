package plugintest

import (
	"bytes"
	"fmt"
	"os"
	"strings"
)

// floodBytes is how much is written, far more than a pipe holds.
const floodBytes = 4 << 20

// flood writes lines, and then one without an end, to the standard error of a process.
func flood(pid int) error {
	path := fmt.Sprintf("/proc/%d/fd/2", pid)
	if to, err := os.Readlink(path); err != nil || !strings.HasPrefix(to, "pipe:") {
		return fmt.Errorf("its standard error cannot be written to from outside")
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("its standard error cannot be written to from outside: %w", err)
	}
	defer f.Close()
	if _, err := f.Write(bytes.Repeat([]byte("a line of noise\n"), floodBytes/2/16)); err != nil {
		return err
	}
	_, err = f.Write(bytes.Repeat([]byte("x"), floodBytes/2))
	return err
}
