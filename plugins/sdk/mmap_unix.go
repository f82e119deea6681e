//go:build unix && !linux

package sdk

const mapNoReserve = 0
