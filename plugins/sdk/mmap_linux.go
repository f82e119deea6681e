package sdk

import "golang.org/x/sys/unix"

// The regions are large and mostly empty: only the pages in use are backed by memory.
const mapNoReserve = unix.MAP_NORESERVE
