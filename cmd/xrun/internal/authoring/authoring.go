// Package authoring is for authors of plugins: it writes a plugin to start from, shows what a plugin does, and prints
// the results of its check.
package authoring
