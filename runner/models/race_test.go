//go:build race

package models

const race = true
