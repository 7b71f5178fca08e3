package he_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/importer"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// module is what package paths begin with.
const module = "qtool/"

// secrets are the types that hold a secret by themselves.
var secrets = []string{
	"github.com/tuneinsight/lattigo/v5/core/rlwe.SecretKey",
	"github.com/tuneinsight/lattigo/v5/core/rlwe.KeyGenerator",
	"github.com/tuneinsight/lattigo/v5/core/rlwe.Encryptor",
	"github.com/tuneinsight/lattigo/v5/core/rlwe.Decryptor",
	"qtool/he/internal/sample.Stream",
	"qtool/he/internal/sample.Seed",
	"qtool/he/internal/guard.Secret",
}

// hidden are the exported types that hold a secret. Each is printed, logged and
// marshaled by a test of its package, with guardtest.Hidden.
var hidden = []string{
	"qtool/he/bgv.Client",
	"qtool/he/bgvlut.Client",
	"qtool/he/internal/sample.Seed",
	"qtool/he/internal/sample.Stream",
	"qtool/he/internal/secret.Encrypter",
	"qtool/he/internal/secret.Prepared",
	"qtool/he/lstm.Client",
	"qtool/he/packed.Client",
	"qtool/he/tfhe.Client",
	"qtool/he/tfhe.SecretKey",
}

// TestEveryTypeWithASecretHidesIt walks the fields of every exported type below
// this package. One from which a secret is reached has the methods that hide it,
// on its values as on its pointers, and is one of those that tests print.
func TestEveryTypeWithASecretHidesIt(t *testing.T) {
	var found []string
	for _, p := range packages(t) {
		for _, name := range p.Scope().Names() {
			object, ok := p.Scope().Lookup(name).(*types.TypeName)
			if !ok || !object.Exported() || object.IsAlias() {
				continue
			}
			named := object.Type().(*types.Named)
			full := p.Path() + "." + name
			if full == "qtool/he/internal/guard.Secret" || types.IsInterface(named) || !holdsSecret(named, map[types.Type]bool{}) {
				continue
			}
			found = append(found, full)
			methods := types.NewMethodSet(named)
			for _, want := range []string{"Format", "LogValue", "MarshalJSON", "MarshalText", "MarshalBinary", "GobEncode"} {
				if methods.Lookup(nil, want) == nil {
					t.Errorf("%s holds a secret and its values have no method %s: embed guard.Secret", full, want)
				}
			}
		}
	}
	slices.Sort(found)
	if !slices.Equal(found, hidden) {
		t.Errorf("types that hold a secret are\n%s\nthose that tests print are\n%s", strings.Join(found, "\n"), strings.Join(hidden, "\n"))
	}
}

// holdsSecret walks pointers, elements, keys and fields.
func holdsSecret(at types.Type, seen map[types.Type]bool) bool {
	at = types.Unalias(at)
	if seen[at] {
		return false
	}
	seen[at] = true
	if named, ok := at.(*types.Named); ok {
		object := named.Obj()
		if object.Pkg() != nil && slices.Contains(secrets, object.Pkg().Path()+"."+object.Name()) {
			return true
		}
	}
	switch u := at.Underlying().(type) {
	case *types.Pointer:
		return holdsSecret(u.Elem(), seen)
	case *types.Slice:
		return holdsSecret(u.Elem(), seen)
	case *types.Array:
		return holdsSecret(u.Elem(), seen)
	case *types.Chan:
		return holdsSecret(u.Elem(), seen)
	case *types.Map:
		return holdsSecret(u.Key(), seen) || holdsSecret(u.Elem(), seen)
	case *types.Struct:
		for f := range u.Fields() {
			if holdsSecret(f.Type(), seen) {
				return true
			}
		}
	}
	return false
}

// packages are those below this one, from the compiler's export data.
func packages(t *testing.T) []*types.Package {
	t.Helper()
	out, err := exec.Command("go", "list", "-export", "-deps", "-json=ImportPath,Export", "./...").Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, exit.Stderr)
		}
		t.Fatal(err)
	}
	exports := map[string]string{}
	var own []string
	for d := json.NewDecoder(strings.NewReader(string(out))); d.More(); {
		var p struct{ ImportPath, Export string }
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		exports[p.ImportPath] = p.Export
		if strings.HasPrefix(p.ImportPath, module+"he") && !strings.HasSuffix(p.ImportPath, "test") {
			own = append(own, p.ImportPath)
		}
	}
	imports := importer.ForCompiler(token.NewFileSet(), "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	var all []*types.Package
	for _, path := range own {
		p, err := imports.Import(path)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
	if len(all) < 15 {
		t.Fatalf("there are %d packages", len(all))
	}
	return all
}
