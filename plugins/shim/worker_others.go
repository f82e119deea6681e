//go:build !linux

package shim

import "syscall"

func processAttributes() *syscall.SysProcAttr { return nil }
