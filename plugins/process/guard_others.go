//go:build !linux

package process

import (
	"fmt"
	"os"
	"syscall"
)

// hasGuards is false: these systems do not let a process keep the children of its children.
const hasGuards = false

func guardAttributes() *syscall.SysProcAttr { return groupAttributes() }

// Guard is the main function of a guard's process.
func Guard([]string) {
	fmt.Fprintln(os.Stderr, "this system has no guards")
	os.Exit(1)
}
