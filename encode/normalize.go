package encode

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// typed are characters that keyboards, word processors and phones put in the place
// of the characters that corpora are written with.
var typed = strings.NewReplacer(
	"´", "'", // before NFKC, which makes a blank and a combining accent of it
	"‘", "'", "’", "'", "‚", "'", "‛", "'", "′", "'", "ʼ", "'", "ʹ", "'", "＇", "'",
	"“", `"`, "”", `"`, "„", `"`, "‟", `"`, "″", `"`, "«", `"`, "»", `"`, "＂", `"`,
	"—", " -- ", "―", " -- ", " – ", " -- ", "–", "-", "‒", "-", "‐", "-", "‑", "-", "−", "-",
	// What is not seen is not part of a word.
	"\u00ad", "", "\u200b", "", "\u200c", "", "\u200d", "", "\u2060", "", "\ufeff", "",
)

// quotation is a passage in single quotes, which are told from apostrophes by the
// side that they open to.
var quotation = regexp.MustCompile(`(^|[\s(“"])‘([^‘’]+(?:’\pL[^‘’]*)*)’($|[\s.,;:!?)”"])`)

// Normalize is a sentence as corpora write it: quotes and apostrophes straight,
// dashes as -- between words and - within, invisible characters left out, and all
// else in the normal form NFKC, so that full-width letters, ligatures and letters
// with combining marks are the ones that everyone types. Text in plain ASCII stays
// as it is.
//
// Reference: Unicode Standard Annex 15.
func Normalize(s string) string {
	if ascii(s) {
		return s
	}
	s = quotation.ReplaceAllString(s, "${1}' ${2} '${3}")
	s = typed.Replace(norm.NFKC.String(typed.Replace(s))) // NFKC makes such characters of others too
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Variation_Selector, r) { // it only colours the emoji before it
			return -1
		}
		return r
	}, s)
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
