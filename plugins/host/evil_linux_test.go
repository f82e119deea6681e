package host

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// breakSeals tries to seal a memory file further, and to take memory behind it.
func breakSeals(fd int) error {
	for _, seal := range []int{unix.F_SEAL_WRITE, unix.F_SEAL_FUTURE_WRITE, unix.F_SEAL_SEAL} {
		if _, err := unix.FcntlInt(uintptr(fd), unix.F_ADD_SEALS, seal); err != unix.EPERM {
			return fmt.Errorf("to seal memory %d by %#x gives %v", fd, seal, err)
		}
	}
	if err := unix.Fallocate(fd, 0, 0, 1<<30); err == nil {
		return fmt.Errorf("memory is taken behind memory %d", fd)
	}
	return nil
}
