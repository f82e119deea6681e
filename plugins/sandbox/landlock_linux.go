package sandbox

import (
	"errors"
	"fmt"
	"os"

	"github.com/landlock-lsm/go-landlock/landlock"
	"golang.org/x/sys/unix"
)

// version is the landlock ABI that the profile needs: 4 is the first that knows TCP.
const version = 4

// Available reports why this kernel cannot enforce a profile; nil if it can.
func Available() error {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	switch {
	case errno != 0:
		return errors.New("this kernel has no landlock, or it is switched off: run without --sandbox")
	case abi < version:
		return fmt.Errorf("this kernel has landlock %d, and a sandbox needs %d (Linux 6.7): run without --sandbox", abi, version)
	}
	return nil
}

// Apply restricts this process for good, with all programs that it becomes or starts.
func (p Profile) Apply() error {
	if err := Available(); err != nil {
		return err
	}
	rules := []landlock.Rule{landlock.RWFiles("/dev").IgnoreIfMissing(), landlock.RWDirs(p.Write...).IgnoreIfMissing()}
	for _, path := range p.Read {
		info, err := os.Stat(path)
		switch {
		case err != nil:
		case info.IsDir():
			rules = append(rules, landlock.RODirs(path))
		default:
			rules = append(rules, landlock.ROFiles(path))
		}
	}
	if err := landlock.V4.Restrict(rules...); err != nil {
		return fmt.Errorf("enter the sandbox: %w", err)
	}
	return nil
}
