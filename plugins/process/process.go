// Package process runs the processes of plugins and of the user's own programs: each in a group of
// its own that is ended as a whole, within limits, and with a bounded record of its output.
//
// A plugin has a [Leash], a program of a trial is started by [Programs]. A [Keeper] ends the groups
// of both where xrun itself is killed.
package process
