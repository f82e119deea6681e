package passes

//go:generate go -C ../gemm/gen/passes run . -out ../../../passes/kernels_amd64.s -stubs ../../../passes/kernels_amd64.go -pkg passes
