package he_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Messages of errors begin with the package that speaks, or the one above it, which is
// what its users know.
func TestErrorsNameTheirPackage(t *testing.T) {
	prefix := regexp.MustCompile(`^([a-z]+): `)
	seen := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		files := token.NewFileSet()
		f, err := parser.ParseFile(files, path, nil, 0)
		if err != nil {
			return err
		}
		names := append(strings.Split(filepath.ToSlash(filepath.Dir(path)), "/"), f.Name.Name)
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || len(call.Args) == 0 {
				return true
			}
			function, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || !slices.Contains([]string{"Errorf", "New", "Sprintf"}, function.Sel.Name) {
				return true
			}
			if text, ok := call.Args[0].(*ast.BasicLit); ok && text.Kind == token.STRING {
				s, err := strconv.Unquote(text.Value)
				if err != nil {
					t.Error(err)
				}
				if m := prefix.FindStringSubmatch(s); m != nil {
					seen++
					if !slices.Contains(names, m[1]) {
						t.Errorf("%v: package %s speaks as %s: %q", files.Position(text.Pos()), f.Name.Name, m[1], s)
					}
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 50 {
		t.Errorf("%d messages with a prefix were seen", seen)
	}
}
