//go:build unix

package sandbox

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// Become puts this process into the sandbox of the plugin at path and replaces it by a command.
// It returns only if it cannot.
func Become(path string, command []string) error {
	profile, err := For(path)
	if err != nil {
		return err
	}
	program, err := exec.LookPath(command[0])
	if err != nil {
		return fmt.Errorf("start plugin: %w", err)
	}
	runtime.LockOSThread() // the thread that is restricted is the one that becomes the command
	if err := profile.Apply(); err != nil {
		return err
	}
	return fmt.Errorf("start %s in the sandbox: %w", command[0], syscall.Exec(program, command, os.Environ()))
}
