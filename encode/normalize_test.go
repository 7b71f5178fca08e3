package encode

import (
	"strings"
	"testing"
)

// Sentences as people type them have the words of the same in plain letters.
func TestTokenizeAsTyped(t *testing.T) {
	for _, c := range []struct{ typed, plain string }{
		{"I didn’t like it", "I didn't like it"}, {"I didn‘t like it", "I didn't like it"}, {"I didn´t like it", "I didn't like it"},
		{"it＇s", "it's"}, {"it′s", "it's"}, {"itʼs", "it's"}, {"WE’RE", "we're"}, {"CAN’T", "can't"},
		{"a “great” film", `a "great" film`}, {"a „great‟ film", `a "great" film`}, {"«great»", `"great"`}, {"a ″great″ film", `a "great" film`},
		{"a ‘great’ film", "a ' great ' film"}, {"a ‘film that’s great’.", "a ' film that 's great ' ."}, {"rock ’n’ roll", "rock 'n' roll"},
		{"good — not great", "good -- not great"}, {"good—not great", "good -- not great"}, {"good – not great", "good -- not great"},
		{"so‑so, 1990–2000, −1", "so-so, 1990-2000, -1"}, {"wait…", "wait..."},
		{"ｇｒｅａｔ　ｆｉｌｍ！", "great film!"}, {"great\u00a0film", "great film"}, {"great\u3000film", "great film"},
		{"cafe\u0301 ﬁlm", "café film"}, {"bru\u0302le\u0301e", "brûlée"}, {"zero\u200bwidth \ufeffmark sof\u00adt", "zerowidth mark soft"},
		{"loved it😀", "loved it 😀"}, {"loved it ❤️!!", "loved it ❤ ! !"}, {"👍🏽great", "👍 🏽 great"}, {"😀😀", "😀😀"},
	} {
		got, err := Tokenize(c.typed)
		want, err2 := Tokenize(c.plain)
		if err != nil || err2 != nil || strings.Join(got, " ") != strings.Join(want, " ") {
			t.Errorf("%q: %q, %q: %q, %v, %v", c.typed, got, c.plain, want, err, err2)
		}
	}
}

// What is ASCII stays byte for byte, so that corpora keep their words.
func TestNormalizeLeavesASCII(t *testing.T) {
	var all strings.Builder
	for b := range 128 {
		all.WriteByte(byte(b))
	}
	if got := Normalize(all.String()); got != all.String() {
		t.Errorf("%q", got)
	}
}
