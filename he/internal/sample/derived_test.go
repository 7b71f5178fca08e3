package sample

import (
	"encoding/hex"
	"testing"
)

// Derived seeds are the hashes that other programs compute: this one is
//
//	python3 -c "import hashlib; print(hashlib.sha256(b'qtool masks\0' + bytes(range(32)) + (258).to_bytes(8, 'little')).hexdigest())"
func TestDerivedIsItsDefinition(t *testing.T) {
	var seed Seed
	for i := range seed {
		seed[i] = byte(i)
	}
	got := Derived(seed, "masks", 258)
	if hex.EncodeToString(got[:]) != derivedByPython {
		t.Errorf("%x, want %s", got[:], derivedByPython)
	}
	seen := map[Seed]bool{got: true}
	for _, other := range []Seed{Derived(seed, "masks", 257), Derived(seed, "mask", 258), Derived(Seed{}, "masks", 258)} {
		if seen[other] {
			t.Error("two streams have one seed")
		}
		seen[other] = true
	}
}

const derivedByPython = "080fb2f9155e209d660eabb308c60840317a3a2ec8098553c9cb890d0b7de3c8"
