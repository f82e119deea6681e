package sandbox

// olderCalls are for amd64.
var olderCalls []uint32
