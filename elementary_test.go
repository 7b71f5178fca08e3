package qtool_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// varying are the functions of package math whose last bits differ between
// architectures, or between processors of one.
var varying = []string{
	"Acos", "Acosh", "Asin", "Asinh", "Atan", "Atan2", "Atanh", "Cbrt", "Cos", "Cosh", "Erf", "Erfc", "Erfcinv", "Erfinv",
	"Exp", "Exp2", "Expm1", "Gamma", "Hypot", "J0", "J1", "Jn", "Lgamma", "Log", "Log10", "Log1p", "Log2", "Pow",
	"Sin", "Sincos", "Sinh", "Tan", "Tanh", "Y0", "Y1", "Yn",
}

// Results are made of package elementary's functions, not of package math's, and
// of sums in an order that this module states, not of gonum's.
func TestFunctionsAreTheSameEverywhere(t *testing.T) {
	files := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		folder := filepath.ToSlash(filepath.Dir(path))
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || isDrawn(folder) {
			return err
		}
		files++
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, path, nil, 0)
		if err != nil {
			return err
		}
		for _, i := range f.Imports {
			// A significance test's p-value is a figure beside its limit.
			if p, _ := strconv.Unquote(i.Path.Value); strings.HasPrefix(p, "gonum.org") && folder != "verify/gate" {
				t.Errorf("%s: %s adds in another order on other processors", set.Position(i.Pos()), p)
			}
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if s, ok := n.(*ast.SelectorExpr); ok {
				if x, ok := s.X.(*ast.Ident); ok && x.Name == "math" && slices.Contains(varying, s.Sel.Name) {
					t.Errorf("%s: math.%s differs between processors: take it from internal/elementary", set.Position(s.Pos()), s.Sel.Name)
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files < 200 {
		t.Errorf("found %d files: this test looks in the wrong place", files)
	}
}
