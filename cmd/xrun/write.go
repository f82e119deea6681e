package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/xrun-dev/xrun/cmd/xrun/internal/advice"
)

// deliver writes what a command was asked for to a file, or for - to standard output, and says so.
func (p *program) deliver(path string, data []byte) error {
	if path == "-" {
		_, err := p.stdout.Write(data)
		return err
	}
	if err := advice.ReplaceFile(path, data); err != nil {
		return err
	}
	p.wrote(path)
	return nil
}

// wrote says that a file is there, and how large it is.
func (p *program) wrote(path string) {
	if info, err := os.Stat(path); err == nil {
		fmt.Fprintf(p.stderr, "wrote %s, %s\n", filepath.ToSlash(path), size(info.Size()))
	}
}
