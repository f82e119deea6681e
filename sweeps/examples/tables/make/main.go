// Command make writes the example tables into a folder: the two small ones that lie beside the sweep files, and a wide one.
//
//	go run ./sweeps/examples/tables/make sweeps/examples/tables
package main

import (
	"fmt"
	"os"

	"github.com/xrun-dev/xrun/sweeps/examples/tables"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: make FOLDER")
		os.Exit(2)
	}
	if err := tables.Make(os.Args[1], tables.All()); err != nil {
		fmt.Fprintln(os.Stderr, "make:", err)
		os.Exit(1)
	}
}
