package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// numeric are the packages whose numbers reach stored values.
var numeric = []string{"plugins/builtin", "plugins/elementary", "plugins/slots", "runner", "runner/data", "runner/gemm", "runner/models", "runner/passes", "runner/prune",
	"runner/reference", "runner/schedule", "runner/score", "runner/stop", "runner/streams", "runner/trained", "sweeps"}

// machines are functions of the standard library that have assembly, or are computed otherwise, on some processors. Those of
// package math that are left are correctly rounded or exact: Sqrt, FMA, Floor, Abs, Max and their like.
var machines = []string{"Acos", "Acosh", "Asin", "Asinh", "Atan", "Atan2", "Atanh", "Cbrt", "Cos", "Cosh", "Erf", "Erfc", "Erfcinv", "Erfinv", "Exp", "Exp2", "Expm1", "Gamma",
	"Hypot", "J0", "J1", "Jn", "Lgamma", "Log", "Log10", "Log1p", "Log2", "Pow", "Pow10", "Sin", "Sincos", "Sinh", "Tan", "Tanh", "Y0", "Y1", "Yn", "NormFloat64", "ExpFloat64"}

// These may differ from machine to machine, as nothing that they compute is stored, or say nothing but where pow itself is exact.
var exempt = []string{"plugins/elementary/pow.go"}

// Numbers that are stored have the same bits on every machine. So they come from no function that has other bits elsewhere, and
// every product that is added to something says whether it is rounded before: by a conversion, or by math.FMA. Compilers fuse the
// two on some processors otherwise.
func TestStoredNumbersDependOnNoMachine(t *testing.T) {
	t.Parallel()
	for _, p := range typed(t) {
		unrounded := func(n ast.Node, values ...ast.Expr) {
			if slices.ContainsFunc(values, p.product) {
				place := p.set.Position(n.Pos())
				t.Errorf("%s:%d: a product may be fused with a sum or not: convert it to its type to round it, or use math.FMA", place.Filename, place.Line)
			}
		}
		for _, file := range p.files {
			ast.Inspect(file, func(n ast.Node) bool {
				if n == nil {
					return false
				}
				place := p.set.Position(n.Pos())
				where := fmt.Sprintf("%s:%d", place.Filename, place.Line)
				switch n := n.(type) {
				case *ast.SelectorExpr:
					f, ok := p.info.Uses[n.Sel].(*types.Func)
					if ok && f.Pkg() != nil && (f.Pkg().Path() == "math" || f.Pkg().Path() == "math/rand/v2") && slices.Contains(machines, f.Name()) && !slices.ContainsFunc(exempt, func(e string) bool {
						return strings.HasSuffix(filepath.ToSlash(place.Filename), e)
					}) {
						t.Errorf("%s: %s has other bits on other machines: package elementary has one of its own", where, f.Name())
					}
				case *ast.BinaryExpr:
					if n.Op == token.ADD || n.Op == token.SUB {
						unrounded(n, n.X, n.Y)
					}
				case *ast.AssignStmt:
					if n.Tok == token.MUL_ASSIGN && p.float(n.Lhs[0]) {
						t.Errorf("%s: a product is kept, and may be fused with a later sum or not: write x = T(x * y)", where)
					} else {
						unrounded(n, n.Rhs...)
					}
				case *ast.ReturnStmt:
					unrounded(n, n.Results...)
				case *ast.ValueSpec:
					unrounded(n, n.Values...)
				case *ast.CompositeLit:
					unrounded(n, n.Elts...)
				case *ast.KeyValueExpr:
					unrounded(n, n.Value)
				case *ast.CallExpr:
					if !p.info.Types[n.Fun].IsType() { // no conversion
						unrounded(n, n.Args...)
					}
				}
				return true
			})
		}
	}
}

// A checked package has its types.
type checked struct {
	set   *token.FileSet
	files []*ast.File
	info  types.Info
}

// float reports whether an expression is a variable of floating point, or one of a type parameter that may be.
func (c *checked) float(e ast.Expr) bool {
	v := c.info.Types[e]
	if v.Type == nil || v.Value != nil { // constants are exact
		return false
	}
	switch u := v.Type.Underlying().(type) {
	case *types.Basic:
		return u.Info()&types.IsFloat != 0
	case *types.Interface:
		_, parameter := v.Type.(*types.TypeParam)
		return parameter
	}
	return false
}

// product reports whether an expression is a product of floating point that has not been rounded.
func (c *checked) product(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.ParenExpr:
		return c.product(e.X)
	case *ast.UnaryExpr:
		return e.Op == token.SUB && c.product(e.X)
	case *ast.BinaryExpr:
		return e.Op == token.MUL && c.float(e)
	}
	return false
}

// typed are the packages whose numbers are stored, for this machine.
func typed(t *testing.T) (all []*checked) {
	t.Helper()
	args := []string{"list", "-export", "-deps", "-json=ImportPath,Export,Dir,GoFiles"}
	for _, p := range numeric {
		args = append(args, module+p)
	}
	out, err := exec.Command("go", args...).Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	type listed struct {
		ImportPath, Export, Dir string
		GoFiles                 []string
	}
	found := map[string]listed{}
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var l listed
		if err := d.Decode(&l); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		found[l.ImportPath] = l
	}
	set := token.NewFileSet()
	from := importer.ForCompiler(set, "gc", func(path string) (io.ReadCloser, error) { return os.Open(found[path].Export) })
	for _, name := range numeric {
		l := found[module+name]
		c := &checked{set: set, info: types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}}
		for _, file := range l.GoFiles {
			parsed, err := parser.ParseFile(set, filepath.Join(l.Dir, file), nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			c.files = append(c.files, parsed)
		}
		config := types.Config{Importer: from}
		if _, err := config.Check(l.ImportPath, set, c.files, &c.info); err != nil || len(c.files) == 0 {
			t.Fatalf("%s: %d files, %v", name, len(c.files), err)
		}
		all = append(all, c)
	}
	return all
}
