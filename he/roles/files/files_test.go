package files

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"qtool/he/wire"
	"qtool/internal/hint"
	"qtool/internal/whole"
)

// A file of another kind is refused by what it is, what is wanted, and how that is made.
func TestOpen(t *testing.T) {
	dir := t.TempDir()
	f := &fake{key: wire.KeyID{5}, spec: [32]byte{6}}
	var key bytes.Buffer
	if err := f.WriteSecretKey(&key); err != nil {
		t.Fatal(err)
	}
	newer := bytes.Clone(key.Bytes())
	newer[8] = 3
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"kind":    {key.Bytes(), "it is a secret key, want evaluation keys"},
		"version": {newer, "version 3"},
		"old":     {append([]byte("qtooltab"), make([]byte, 100)...), "of version 1"},
		"bundle":  {[]byte("PK\x03\x04 and so on"), "it is a zip file, such as a bundle"},
		"sealed":  {[]byte(sealed), "sealed with a passphrase"},
		"text":    {[]byte("hello, world, this is a text"), "not an encryption file of qtool"},
		"empty":   {nil, "it is empty"},
		"short":   {key.Bytes()[:5], "truncated at byte 5"},
		"cut":     {key.Bytes()[:100], "truncated at byte 100"},
	} {
		path := filepath.Join(dir, strings.ReplaceAll(name, " ", ""))
		if err := os.WriteFile(path, c.b, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Open(path, wire.EvaluationKeys)
		if err == nil || !strings.HasPrefix(err.Error(), path+": ") || !strings.Contains(err.Error(), c.want) || !strings.Contains(hint.Of(err), "qtool keygen") {
			t.Errorf("%s: error %v (%s), want %s", name, err, hint.Of(err), c.want)
		}
		if got := errors.Is(err, wire.ErrVersion); got != (name == "version" || name == "old") {
			t.Errorf("%s: another version is %v", name, got)
		}
	}
	if _, err := Open(filepath.Join(dir, "none"), wire.ClientHalf); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(hint.Of(err), "qtool plan") {
		t.Errorf("error %v", err)
	}
	if _, err := Open(dir, wire.ClientHalf); !errors.Is(err, whole.ErrNotRegular) {
		t.Errorf("error %v", err)
	}
	o, err := Open(filepath.Join(dir, "kind"), wire.SecretKey)
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	if o.Size != int64(key.Len()) {
		t.Errorf("size %d", o.Size)
	}
	if err := errors.Join(o.Belongs(f.spec, "C"), o.Under(f.key, "E")); err != nil {
		t.Error(err)
	}
	if err := o.Belongs([32]byte{7}, "C"); err == nil || !strings.Contains(err.Error(), "it is of the client half 0600000000000000, C is of 0700000000000000") {
		t.Errorf("error %v", err)
	}
	if err := o.Under(wire.KeyID{8}, "E"); err == nil || !strings.Contains(err.Error(), "it is under the secret key 0500000000000000, E is under 0800000000000000") {
		t.Errorf("error %v", err)
	}
}

// A secret key is in a file of its owner alone, is never overwritten and never printed.
func TestCreateSecret(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "secret.key")
	if err := CreateSecret(path, &fake{key: wire.KeyID{1}}, nil); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil || !bytes.Contains(before, []byte(fakeSecret)) {
		t.Fatalf("%q, %v", before, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if err := CreateSecret(path, &fake{}, nil); !errors.Is(err, fs.ErrExist) {
		t.Errorf("error %v", err)
	}
	if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
		t.Error("the key was overwritten")
	}
	s, err := ReadSecret(path)
	if err != nil || s.Sealed || s.Open {
		t.Fatalf("%v, %v", s, err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		if got := fmt.Sprintf(verb, s); got != "[secret key in "+path+"]" {
			t.Errorf("%s prints %q", verb, got)
		}
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if s, err = ReadSecret(path); err != nil || !s.Open {
		t.Errorf("%v, %v", s, err)
	}
	if got := names(t, dir); len(got) != 1 {
		t.Errorf("%v are there", got)
	}
}

func init() { logWork = 10 }

// A sealed key has nothing of the key, and opens with its passphrase alone.
func TestSeal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret.key")
	if err := CreateSecret(path, &fake{}, []byte("correct horse")); err != nil {
		t.Fatal(err)
	}
	s, err := ReadSecret(path)
	if err != nil || !s.Sealed || !bytes.HasPrefix(s.b, []byte(sealed)) || bytes.Contains(s.b, []byte("secret key")) {
		t.Fatalf("%v, %v", s, err)
	}
	b, err := unseal(t.Context(), s.b, []byte("correct horse"))
	if err != nil || !bytes.Contains(b, []byte(fakeSecret)) {
		t.Errorf("%q, %v", b, err)
	}
	if b, err := unseal(t.Context(), s.b, []byte("wrong horse")); b != nil || err == nil || !strings.Contains(err.Error(), "the passphrase is wrong") {
		t.Errorf("%q, %v", b, err)
	}
	if _, err := s.Client(t.Context(), nil, "C", nil); !errors.Is(err, ErrSealed) {
		t.Errorf("error %v", err)
	}
	damaged := bytes.Clone(s.b)
	damaged[len(damaged)-1] ^= 1
	for _, b := range [][]byte{damaged, s.b[:len(s.b)-1], s.b[:40]} {
		if b, err := unseal(t.Context(), b, []byte("correct horse")); b != nil && err == nil || err == nil {
			t.Errorf("a damaged key: %q, %v", b, err)
		}
	}
	for _, err := range []error{seal(new(bytes.Buffer), nil, nil), CreateSecret(path+"2", &fake{}, []byte{})} {
		if err == nil || !strings.Contains(err.Error(), "the passphrase is empty") {
			t.Errorf("error %v", err)
		}
	}
}
