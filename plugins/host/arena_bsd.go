//go:build unix && !linux

package host

import "os"

// sealedFile makes an unlinked temporary file; these systems have no seals.
func sealedFile(name string, size int64) (*os.File, error) {
	f, err := os.CreateTemp("", "xrun-"+name+"-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(f.Name()); err != nil {
		f.Close()
		return nil, err
	}
	if err := f.Truncate(size); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}

func sealWrites(*os.File) error             { return nil }
func sealSeals(*os.File) error              { return nil }
func readOnly(f *os.File) (*os.File, error) { return f, nil }
func reserve(_ *os.File, _, _ int64) error  { return nil }

const mapNoReserve = 0
