//go:build !amd64

package passes

var sets []set
