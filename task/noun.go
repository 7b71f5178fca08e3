package task

import "strconv"

// Noun is what the samples of a task are called.
type Noun struct{ One, Many string }

// The nouns. Sample is for what has no other.
var (
	Image    = Noun{"image", "images"}
	Sentence = Noun{"sentence", "sentences"}
	Row      = Noun{"row", "rows"}
	Molecule = Noun{"molecule", "molecules"}
	Sample   = Noun{"sample", "samples"}
)

// NounOf is the noun with a singular; ok is false where there is none.
func NounOf(one string) (n Noun, ok bool) {
	for _, n := range []Noun{Image, Sentence, Row, Molecule, Sample} {
		if n.One == one {
			return n, true
		}
	}
	return Noun{}, false
}

// Named is the noun with a singular, as files keep it; they leave out the one of images.
func Named(one string) Noun {
	if n, ok := NounOf(one); ok {
		return n
	}
	return Image
}

// OfEncoder is what the samples of an encoder of a kind are called; see package encode.
func OfEncoder(kind string) Noun {
	switch kind {
	case "pixels":
		return Image
	case "text":
		return Sentence
	case "table":
		return Row
	case "fingerprint":
		return Molecule
	}
	return Sample
}

// A is the singular with its article: "an image".
func (n Noun) A() string {
	switch n.One[0] {
	case 'a', 'e', 'i', 'o', 'u':
		return "an " + n.One
	}
	return "a " + n.One
}

// For is the form for so many: "image" for 1.
func (n Noun) For(count int) string {
	if count == 1 {
		return n.One
	}
	return n.Many
}

// Count is a number and the form for it: "1 image", "20 images".
func (n Noun) Count(count int) string { return strconv.Itoa(count) + " " + n.For(count) }
