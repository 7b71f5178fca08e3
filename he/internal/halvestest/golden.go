package halvestest

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"qtool/bundle"
	"qtool/he"
	"qtool/he/roles"
)

// goldenMost bounds a golden file, in bytes.
const goldenMost = 200_000

// Golden reads the objects in dir, which an earlier version wrote with plan: the inputs of
// the samples are evaluated to the same outputs, and answers are given those and what
// decrypts them. With update it writes them first.
func Golden(t *testing.T, dir string, p *bundle.Program, plan he.Halves, samples []bundle.Sample, update bool, answers func(*Parties, []byte)) {
	t.Helper()
	if update {
		all := New(t, p, plan)
		inputs := all.Encrypted(t, samples)
		for name, b := range map[string][]byte{
			"client.qbc": all.ClientHalf, "server.qbs": all.ServerHalf, "secret.key": all.SecretKey, "evaluation.keys": all.EvaluationKeys,
			"inputs": inputs, "outputs": all.Evaluated(t, inputs),
		} {
			if len(b) > goldenMost {
				t.Errorf("%s has %d bytes, want at most %d", name, len(b), goldenMost)
			}
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	file := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	all := &Parties{
		Program: p, ClientHalf: file("client.qbc"), ServerHalf: file("server.qbs"), SecretKey: file("secret.key"), EvaluationKeys: file("evaluation.keys"),
	}
	all.read(t)
	spec, half, err := roles.Split(bundle.Alone(p), plan)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(Written(t, spec.Write), all.ClientHalf) || !bytes.Equal(Written(t, half.Write), all.ServerHalf) {
		t.Errorf("%s: the halves of the same plan are written otherwise now", dir)
	}
	outputs := file("outputs")
	if got := all.Evaluated(t, file("inputs")); !bytes.Equal(got, outputs) {
		t.Errorf("%s: the inputs are evaluated to other outputs now", dir)
	}
	answers(all, outputs)
}
