package sandbox

import (
	"errors"
	"fmt"
	"os"

	"github.com/landlock-lsm/go-landlock/landlock"
	rights "github.com/landlock-lsm/go-landlock/landlock/syscall"
	"golang.org/x/sys/unix"
)

// version is the landlock ABI that the profile needs: 4 is the first that knows TCP.
const version = 4

// ABI is the version of landlock that this kernel has; 0 for none. From 6 on signals are restricted.
func ABI() int {
	abi, _, errno := unix.Syscall(unix.SYS_LANDLOCK_CREATE_RULESET, 0, 0, unix.LANDLOCK_CREATE_RULESET_VERSION)
	if errno != 0 {
		return 0
	}
	return int(abi)
}

// Available reports why this kernel cannot enforce a profile; nil if it can.
func Available() error {
	switch abi := ABI(); {
	case abi == 0:
		return errors.New("this kernel has no landlock, or it is switched off: run without --sandbox")
	case abi < version:
		return fmt.Errorf("this kernel has landlock %d, and a sandbox needs %d (Linux 6.7): run without --sandbox", abi, version)
	}
	if _, err := unix.PrctlRetInt(unix.PR_GET_SECCOMP, 0, 0, 0, 0); err != nil {
		return errors.New("this kernel has no seccomp: run without --sandbox")
	}
	return nil
}

// Apply restricts this thread for good, with the program that it becomes and all that it starts. Whoever calls it
// has locked the thread.
func (p Profile) Apply() error {
	if err := Available(); err != nil {
		return err
	}
	rules := []landlock.Rule{landlock.RWDirs(p.Write...).IgnoreIfMissing(), landlock.PathAccess(rights.AccessFSReadDir, p.List...)}
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
	rules = append(rules, landlock.RWFiles(p.Devices...).WithIoctlDev().IgnoreIfMissing(), landlock.PathAccess(rights.AccessFSReadDir, directories(p.Devices)...))
	// What the kernel does not know is left out: Available has seen that it knows enough.
	if err := landlock.V10.BestEffort().Restrict(rules...); err != nil {
		return fmt.Errorf("enter the sandbox: %w", err)
	}
	if err := dropCapabilities(); err != nil {
		return fmt.Errorf("enter the sandbox: give up the capabilities of root: %w", err)
	}
	if err := filterCalls(); err != nil {
		return fmt.Errorf("enter the sandbox: filter system calls: %w", err)
	}
	return nil
}

// directories are those among some paths.
func directories(paths []string) (found []string) {
	for _, path := range paths {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			found = append(found, path)
		}
	}
	return found
}

// dropCapabilities takes from root what it may do beyond its files: landlock does not stop all of it. A root without
// capabilities does not get them back by starting a program, since landlock has set no_new_privs.
func dropCapabilities() error {
	if os.Geteuid() != 0 {
		return nil
	}
	for capability := uintptr(0); capability <= unix.CAP_LAST_CAP; capability++ {
		// In a container, root may lack the right to this, and no_new_privs has to do.
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, capability, 0, 0, 0); err != nil && err != unix.EPERM && err != unix.EINVAL {
			return err
		}
	}
	if err := unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); err != nil {
		return err
	}
	none := [2]unix.CapUserData{}
	return unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &none[0])
}
