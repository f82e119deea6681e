//go:build race

package blas

const race = true
