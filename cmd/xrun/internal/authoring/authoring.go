// Package authoring is what the author of a plugin asks of the command line: a plugin to start from, what one does, and
// what a check of it has found.
package authoring
