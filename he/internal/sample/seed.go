package sample

import (
	"fmt"
	"log/slog"

	"qtool/he/internal/guard"
)

// guarded is what a Seed would embed if it were a struct.
type guarded = guard.Secret[Seed]

// Format implements fmt.Formatter; see guard.Secret.
func (Seed) Format(s fmt.State, verb rune) { guarded{}.Format(s, verb) }

// LogValue implements slog.LogValuer; see guard.Secret.
func (Seed) LogValue() slog.Value { return guarded{}.LogValue() }

// MarshalJSON refuses; see guard.Secret.
func (Seed) MarshalJSON() ([]byte, error) { return guarded{}.MarshalJSON() }

// MarshalText refuses; see guard.Secret.
func (Seed) MarshalText() ([]byte, error) { return guarded{}.MarshalText() }

// MarshalBinary refuses; see guard.Secret.
func (Seed) MarshalBinary() ([]byte, error) { return guarded{}.MarshalBinary() }

// GobEncode refuses; see guard.Secret.
func (Seed) GobEncode() ([]byte, error) { return guarded{}.GobEncode() }
