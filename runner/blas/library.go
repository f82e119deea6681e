//go:build cgo || darwin || windows || openblas

package blas

import (
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"

	"github.com/xrun-dev/xrun/plugins"
)

// library is a BLAS in a shared library, called through its Fortran symbols. Every argument there is a pointer, so that
// a call without a C compiler can pass floats.
//
// Fortran is column-major: a row-major matrix is its own transpose there. So C = A·B is computed as Cᵀ = Bᵀ·Aᵀ.
type library struct {
	name         string
	dgemm, sgemm uintptr
	panel64      Panel // the widest with independent columns
	panel32      Panel
	calls        sync.Pool // of *call
}

// call holds the arguments of one product. It is on the heap, since C reads the scalars by address,
// and so are the matrices, since a heap value points to them: none of them moves during the call.
type call struct {
	transA, transB         byte
	m, n, k, lda, ldb, ldc int32
	alpha64, beta64        float64
	alpha32, beta32        float32
	a, b, c                unsafe.Pointer
	args                   [13]uintptr
}

// libraries lists the shared libraries that may exist on this system, best first.
func libraries() []string {
	if runtime.GOOS == "darwin" {
		return []string{"accelerate", "openblas"}
	}
	return []string{"openblas"}
}

// candidates are the file names of a library, most specific interface first: with 32-bit integers,
// never the _64 builds.
func candidates(name string) []string {
	switch {
	case name == "accelerate":
		return []string{"/System/Library/Frameworks/Accelerate.framework/Accelerate"}
	case runtime.GOOS == "darwin":
		return []string{"libopenblas.dylib", "libopenblas.0.dylib", "/opt/homebrew/opt/openblas/lib/libopenblas.dylib", "/usr/local/opt/openblas/lib/libopenblas.dylib"}
	case runtime.GOOS == "windows":
		return []string{"libopenblas.dll", "openblas.dll"}
	}
	return []string{"libopenblas.so.0", "libopenblas.so", "libopenblasp.so.0", "libopenblasp.so", "libopenblas-r0.so", "libopenblasp-r0.so"}
}

const installHint = "install OpenBLAS (libopenblas0 on Debian and Ubuntu, openblas on Fedora, Arch, Homebrew and conda; on Windows put libopenblas.dll beside the program), or use XRUN_BLAS=gonum"

func openLibrary(name string) (Backend, error) {
	l, err := load(name)
	if err != nil {
		return nil, &Error{Backend: name, Cause: err, hint: installHint}
	}
	return l, nil
}

func load(name string) (*library, error) {
	var handle uintptr
	var problems []error
	for _, file := range candidates(name) {
		h, err := loadFile(file)
		if err == nil {
			handle = h
			break
		}
		problems = append(problems, err)
	}
	if handle == 0 {
		return nil, errors.Join(problems...)
	}
	l := &library{name: name, dgemm: symbol(handle, "dgemm_"), sgemm: symbol(handle, "sgemm_")}
	l.calls.New = func() any { return new(call) }
	if l.dgemm == 0 || l.sgemm == 0 {
		return nil, errors.New("the library has no dgemm_ and sgemm_")
	}
	if name == "openblas" {
		if err := l.configure(handle); err != nil {
			return nil, err
		}
	} else if threading := symbol(handle, "BLASSetThreading"); threading != 0 {
		purego.SyscallN(threading, 1) // BLAS_THREADING_SINGLE_THREADED
	}
	var err error
	if l.panel64, err = widest[float64](l); err != nil {
		return nil, err
	}
	if l.panel32, err = widest[float32](l); err != nil {
		return nil, err
	}
	return l, nil
}

// configure sets OpenBLAS to one thread and reads its version from its build description, such as
// "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH NO_AFFINITY Zen MAX_THREADS=64".
func (l *library) configure(handle uintptr) error {
	threads, config := symbol(handle, "openblas_set_num_threads"), symbol(handle, "openblas_get_config")
	if threads == 0 || config == 0 {
		return errors.New("the library does not say that it is OpenBLAS")
	}
	text, _, _ := purego.SyscallN(config)
	words := strings.Fields(goString(text))
	if slices.Contains(words, "USE64BITINT") {
		return errors.New("the library takes 64-bit integers (ILP64), xrun needs the usual build with 32-bit ones")
	}
	if len(words) > 1 && words[0] == "OpenBLAS" {
		l.name += " " + words[1]
	}
	purego.SyscallN(threads, 1)
	return nil
}

// goString copies the C string at address p.
func goString(p uintptr) string {
	if p == 0 {
		return ""
	}
	start := *(*unsafe.Pointer)(unsafe.Pointer(&p))
	n := 0
	for *(*byte)(unsafe.Add(start, n)) != 0 {
		n++
	}
	return strings.Clone(unsafe.String((*byte)(start), n))
}

func (l *library) Name() string { return l.name }

// Panel is padded: the kernel that computes a column can depend on the number of columns of a call, and kernels round
// differently.
func (l *library) Panel(d plugins.DType, want int) Panel {
	p := l.panel64
	if d == plugins.Float32 {
		p = l.panel32
	}
	p.Width = min(want, p.Width)
	p.Step = min(p.Step, p.Width)
	return p
}

func (l *library) Dgemm(alpha float64, a, b Matrix[float64], beta float64, c Matrix[float64]) {
	k := inner(a)
	if k == 0 {
		scale(beta, c)
		return
	}
	p := l.calls.Get().(*call)
	p.set(a.Trans, b.Trans, c.Rows, c.Cols, k, a.Stride, b.Stride, c.Stride)
	p.a, p.b, p.c = unsafe.Pointer(&a.Data[0]), unsafe.Pointer(&b.Data[0]), unsafe.Pointer(&c.Data[0])
	p.alpha64, p.beta64 = alpha, beta
	p.run(l.dgemm, unsafe.Pointer(&p.alpha64), unsafe.Pointer(&p.beta64))
	l.calls.Put(p)
}

func (l *library) Sgemm(alpha float32, a, b Matrix[float32], beta float32, c Matrix[float32]) {
	k := inner(a)
	if k == 0 {
		scale(beta, c)
		return
	}
	p := l.calls.Get().(*call)
	p.set(a.Trans, b.Trans, c.Rows, c.Cols, k, a.Stride, b.Stride, c.Stride)
	p.a, p.b, p.c = unsafe.Pointer(&a.Data[0]), unsafe.Pointer(&b.Data[0]), unsafe.Pointer(&c.Data[0])
	p.alpha32, p.beta32 = alpha, beta
	p.run(l.sgemm, unsafe.Pointer(&p.alpha32), unsafe.Pointer(&p.beta32))
	l.calls.Put(p)
}

func (p *call) set(transA, transB bool, m, n, k, lda, ldb, ldc int) {
	p.transA, p.transB = letter(transA), letter(transB)
	p.m, p.n, p.k = narrow(m), narrow(n), narrow(k)
	p.lda, p.ldb, p.ldc = narrow(lda), narrow(ldb), narrow(ldc)
}

// run calls a Fortran gemm with the factors exchanged. The call holds the addresses, because a new list of arguments
// would be allocated each time.
func (p *call) run(gemm uintptr, alpha, beta unsafe.Pointer) {
	p.args = [...]uintptr{
		uintptr(unsafe.Pointer(&p.transB)), uintptr(unsafe.Pointer(&p.transA)),
		uintptr(unsafe.Pointer(&p.n)), uintptr(unsafe.Pointer(&p.m)), uintptr(unsafe.Pointer(&p.k)),
		uintptr(alpha), uintptr(p.b), uintptr(unsafe.Pointer(&p.ldb)),
		uintptr(p.a), uintptr(unsafe.Pointer(&p.lda)),
		uintptr(beta), uintptr(p.c), uintptr(unsafe.Pointer(&p.ldc)),
	}
	purego.SyscallN(gemm, p.args[:]...)
	p.a, p.b, p.c = nil, nil, nil
	runtime.KeepAlive(p)
}

func narrow(n int) int32 {
	if int(int32(n)) != n {
		panic(fmt.Sprintf("blas: a matrix dimension of %d does not fit 32 bits", n))
	}
	return int32(n)
}

func letter(trans bool) byte {
	if trans {
		return 'T'
	}
	return 'N'
}
