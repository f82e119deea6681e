//go:build linux && (amd64 || arm64)

package sandbox

import (
	"runtime"
	"unsafe"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"
)

// What is behind the number and the arguments of a system call, as struct seccomp_data has it.
const (
	numberOffset = 0
	archOffset   = 4
	argsOffset   = 16 // 8 bytes for each, the low ones first
)

// x32 marks the calls of a second set on amd64.
const x32 = 0x40000000

// refused are system calls, with the error that they give.
var refused = map[uint32]unix.Errno{
	// A plugin listens on the socket that xrun has it make. It connects to none: neither to those with a path nor to
	// abstract ones. io_uring would get around this filter.
	unix.SYS_CONNECT:        unix.EACCES,
	unix.SYS_IO_URING_SETUP: unix.ENOSYS,
	// Modes, owners, times and attributes of files: Landlock leaves them open wherever a file lies.
	unix.SYS_FCHMOD: unix.EPERM, unix.SYS_FCHMODAT: unix.EPERM, unix.SYS_FCHMODAT2: unix.EPERM,
	unix.SYS_FCHOWN: unix.EPERM, unix.SYS_FCHOWNAT: unix.EPERM, unix.SYS_UTIMENSAT: unix.EPERM,
	unix.SYS_SETXATTR: unix.EPERM, unix.SYS_LSETXATTR: unix.EPERM, unix.SYS_FSETXATTR: unix.EPERM, unix.SYS_SETXATTRAT: unix.EPERM,
	unix.SYS_REMOVEXATTR: unix.EPERM, unix.SYS_LREMOVEXATTR: unix.EPERM, unix.SYS_FREMOVEXATTR: unix.EPERM, unix.SYS_REMOVEXATTRAT: unix.EPERM,
	unix.SYS_FILE_SETATTR: unix.EPERM,
	// Memory, queues and keys that all processes of a user share.
	unix.SYS_SHMGET: unix.EACCES, unix.SYS_SHMAT: unix.EACCES, unix.SYS_SEMGET: unix.EACCES, unix.SYS_MSGGET: unix.EACCES,
	unix.SYS_MQ_OPEN: unix.EACCES, unix.SYS_MQ_UNLINK: unix.EACCES,
	unix.SYS_ADD_KEY: unix.EPERM, unix.SYS_REQUEST_KEY: unix.EPERM, unix.SYS_KEYCTL: unix.EPERM,
}

// filterCalls restricts this thread, and what it becomes, to sockets of one family, and refuses some calls.
func filterCalls() error {
	raw, err := bpf.Assemble(callFilter())
	if err != nil {
		return err
	}
	filters := make([]unix.SockFilter, len(raw))
	for i, in := range raw {
		filters[i] = unix.SockFilter{Code: in.Op, Jt: in.Jt, Jf: in.Jf, K: in.K}
	}
	program := unix.SockFprog{Len: uint16(len(filters)), Filter: &filters[0]}
	err = unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
	runtime.KeepAlive(filters)
	return err
}

func callFilter() []bpf.Instruction {
	arch := uint32(unix.AUDIT_ARCH_X86_64)
	if runtime.GOARCH == "arm64" {
		arch = unix.AUDIT_ARCH_AARCH64
	}
	allow := bpf.RetConstant{Val: unix.SECCOMP_RET_ALLOW}
	refuse := func(errno unix.Errno) bpf.Instruction {
		return bpf.RetConstant{Val: unix.SECCOMP_RET_ERRNO | uint32(errno)}
	}
	load := func(offset uint32) bpf.Instruction { return bpf.LoadAbsolute{Off: offset, Size: 4} }
	filter := []bpf.Instruction{
		// The calls of 32-bit programs have other numbers.
		load(archOffset),
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: arch, SkipTrue: 1},
		refuse(unix.ENOSYS),
		load(numberOffset),
	}
	if runtime.GOARCH == "amd64" {
		filter = append(filter, bpf.JumpIf{Cond: bpf.JumpLessThan, Val: x32, SkipTrue: 1}, refuse(unix.ENOSYS))
	}
	// call adds what is done about one call.
	call := func(number uint32, then ...bpf.Instruction) {
		filter = append(filter, bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: number, SkipTrue: uint8(len(then))})
		filter = append(filter, then...)
	}
	for number, errno := range refused {
		call(number, refuse(errno))
	}
	for _, number := range olderCalls {
		call(number, refuse(unix.EPERM))
	}
	// Of sockets there are local ones with connections. One without can send to any address.
	for _, number := range []uint32{unix.SYS_SOCKET, unix.SYS_SOCKETPAIR} {
		const kinds = 0xf // the rest of the type are flags
		call(number,
			load(argsOffset),
			bpf.JumpIf{Cond: bpf.JumpNotEqual, Val: unix.AF_UNIX, SkipTrue: 4},
			load(argsOffset+8),
			bpf.ALUOpConstant{Op: bpf.ALUOpAnd, Val: kinds},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.SOCK_STREAM, SkipTrue: 2},
			bpf.JumpIf{Cond: bpf.JumpEqual, Val: unix.SOCK_SEQPACKET, SkipTrue: 1},
			refuse(unix.EACCES),
			allow,
		)
	}
	// The limits of other processes: one of processor time would end xrun.
	call(unix.SYS_PRLIMIT64,
		load(argsOffset),
		bpf.JumpIf{Cond: bpf.JumpEqual, Val: 0, SkipTrue: 1},
		refuse(unix.EPERM),
		allow,
	)
	return append(filter, allow)
}
