package plaintext

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf16"
)

func TestUTF8(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""}, {"name: a\r\n", "name: a\r\n"}, {"\ufeffname: a", "name: a"}, {"\ufeff", ""}, {"é€😀", "é€😀"},
		{"a\ufeffb", "a\ufeffb"}, // inside, it is a character like others
	} {
		got, err := UTF8([]byte(c.in))
		if err != nil || string(got) != c.want {
			t.Errorf("%q: %q, %v", c.in, got, err)
		}
	}
	for _, c := range []struct{ in, want string }{
		{"\ufeff\ufeffname", "two byte order marks"},
		{"a\xff", "line 1, byte 2: it is not UTF-8 (byte 0xff)"},
		{"\ufeffab\r\ncd\xc3", "line 2, byte 3"},
		{"a\xed\xa0\x80", "line 1, byte 2"}, // a surrogate
	} {
		if got, err := UTF8([]byte(c.in)); got != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %q, %v, want an error with %q", c.in, got, err, c.want)
		}
	}
}

func TestOtherEncodings(t *testing.T) {
	encode := func(text string, width int, big, marked bool) (b []byte) {
		units := []uint32{}
		if marked {
			units = append(units, 0xfeff)
		}
		if width == 2 {
			for _, u := range utf16.Encode([]rune(text)) {
				units = append(units, uint32(u))
			}
		} else {
			for _, r := range text {
				units = append(units, uint32(r))
			}
		}
		for _, u := range units {
			for k := range width {
				shift := 8 * k
				if big {
					shift = 8 * (width - 1 - k)
				}
				b = append(b, byte(u>>shift))
			}
		}
		return b
	}
	for width, want := range map[int]error{2: ErrUTF16, 4: ErrUTF32} {
		for _, big := range []bool{false, true} {
			for _, marked := range []bool{false, true} {
				if _, err := UTF8(encode("name: r\nseed: 3\n", width, big, marked)); !errors.Is(err, want) {
					t.Errorf("%d bytes, big %v, marked %v: %v, want %v", width, big, marked, err, want)
				}
			}
		}
	}
}
