package host

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// sealedFile makes a memory file of fixed size: neither side can cut it short under the other,
// which would kill the other by SIGBUS, and a plugin can take no more memory by making it longer.
func sealedFile(name string, size int64) (*os.File, error) {
	fd, err := unix.MemfdCreate("xrun-"+name, unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return nil, err
	}
	f := os.NewFile(uintptr(fd), name)
	if err := f.Truncate(size); err != nil {
		f.Close()
		return nil, err
	}
	if _, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_SHRINK|unix.F_SEAL_GROW); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

// sealWrites forbids new writable mappings of the file; existing ones stay writable.
func sealWrites(f *os.File) error {
	_, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_FUTURE_WRITE)
	return err
}

// sealSeals forbids further seals, by which a plugin could keep the file from its next process.
func sealSeals(f *os.File) error {
	_, err := unix.FcntlInt(f.Fd(), unix.F_ADD_SEALS, unix.F_SEAL_SEAL)
	return err
}

// readOnly opens the same memory again for reading only.
func readOnly(f *os.File) (*os.File, error) {
	return os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", f.Fd()), os.O_RDONLY, 0)
}

// reserve backs a part of the file by memory now, so that touching it later cannot fail.
func reserve(f *os.File, offset, size int64) error {
	return unix.Fallocate(int(f.Fd()), 0, offset, size)
}

const mapNoReserve = unix.MAP_NORESERVE
