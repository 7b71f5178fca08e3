package document

import (
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"
)

// scalar decodes a text, a truth value or a number.
func (n *Node) scalar(v reflect.Value, path string) error {
	want := map[bool]string{true: "a whole number", false: "a whole number from 0 on"}
	switch v.Kind() {
	case reflect.String:
		return n.text(v, path)
	case reflect.Bool:
		return n.truth(v, path)
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Int16, reflect.Int8:
		if err := n.plain(path, want[true]); err != nil {
			return err
		}
		digits, err := n.whole(path, want[true])
		if err != nil {
			return err
		}
		i, err := strconv.ParseInt(digits, 0, v.Type().Bits())
		if err != nil {
			return n.fail(path, "%s is out of range: want %s up to %d", n.Text, want[true], int64(math.MaxInt64)>>(64-v.Type().Bits()))
		}
		v.SetInt(i)
		return nil
	case reflect.Uint, reflect.Uint64, reflect.Uint32, reflect.Uint16, reflect.Uint8:
		if err := n.plain(path, want[false]); err != nil {
			return err
		}
		digits, err := n.whole(path, want[false])
		if err != nil {
			return err
		}
		if strings.HasPrefix(digits, "-") {
			return n.fail(path, "%s is negative: want %s", n.Text, want[false])
		}
		u, err := strconv.ParseUint(strings.TrimPrefix(digits, "+"), 0, v.Type().Bits())
		if err != nil {
			return n.fail(path, "%s is out of range: want %s up to %d", n.Text, want[false], uint64(math.MaxUint64)>>(64-v.Type().Bits()))
		}
		v.SetUint(u)
		return nil
	case reflect.Float64, reflect.Float32:
		return n.real(v, path)
	}
	panic("document: no decoder for " + v.Type().String())
}

// plain refuses what cannot be a number: sections, lists, nothing and quoted texts.
func (n *Node) plain(path, want string) error {
	switch {
	case n.Kind != Scalar:
		return n.fail(path, "%s is not %s: want %s", n.describe(), article(want), want)
	case n.Null():
		return n.fail(path, "it is %s: want %s", n.describe(), want)
	case n.Quoted && number.MatchString(n.Text):
		return n.fail(path, "%q is a text: want %s, without quotes", n.Text, want)
	case n.Quoted:
		return n.fail(path, "%s is not %s: want %s", n.describe(), article(want), want)
	}
	return nil
}

// article is the short name of what is wanted.
func article(want string) string {
	if strings.HasPrefix(want, "a whole") {
		return "an integer"
	}
	return want
}

var (
	decimal     = regexp.MustCompile(`^[-+]?(0|[1-9][0-9]*)$`)
	hexadecimal = regexp.MustCompile(`^0x[0-9a-fA-F]+$|^0o[0-7]+$`)
	number      = regexp.MustCompile(`^[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?$`)
	leadingZero = regexp.MustCompile(`^[-+]?0[0-9]+$`)
	underscores = regexp.MustCompile(`^[-+]?[0-9][0-9_,']*[0-9](\.[0-9]+)?$`)
	clock       = regexp.MustCompile(`^[-+]?[0-9]+(:[0-5]?[0-9])+(\.[0-9]*)?$`)
	unit        = regexp.MustCompile(`^[-+]?[0-9.]+ ?[%a-zA-Z]+$`)
)

// misread are texts that YAML readers take for different numbers, or that look
// like one: why says so, "" for none.
func misread(text string) (why string) {
	switch {
	case leadingZero.MatchString(text):
		return "a leading zero makes it octal for some readers: leave the zero out"
	case clock.MatchString(text):
		return "some readers take it for a number of base 60: write the number itself"
	case strings.Contains(text, ",") && number.MatchString(strings.Replace(text, ",", ".", 1)):
		return "the decimal point is a point: write " + strings.Replace(text, ",", ".", 1)
	case underscores.MatchString(text) && strings.ContainsAny(text, "_,'"):
		return "write the digits without separators: " + strings.NewReplacer("_", "", ",", "", "'", "").Replace(text)
	case unit.MatchString(text):
		return "a number has no unit"
	}
	return ""
}

// whole is the text of an integer.
func (n *Node) whole(path, want string) (string, error) {
	text := n.Text
	if decimal.MatchString(text) || hexadecimal.MatchString(text) {
		return text, nil
	}
	if why := misread(text); why != "" {
		return "", n.fail(path, "%s is not an integer: %s", n.describe(), why)
	}
	if number.MatchString(text) {
		return "", n.fail(path, "%s is not an integer: want %s, written with digits alone", text, want)
	}
	return "", n.fail(path, "%s is not an integer: want %s", n.describe(), want)
}

// real decodes a number; .inf and .nan are numbers too, for others to refuse.
func (n *Node) real(v reflect.Value, path string) error {
	const want = "a number"
	if err := n.plain(path, want); err != nil {
		return err
	}
	text := n.Text
	switch strings.ToLower(text) {
	case ".nan":
		v.SetFloat(math.NaN())
		return nil
	case ".inf", "+.inf":
		v.SetFloat(math.Inf(1))
		return nil
	case "-.inf":
		v.SetFloat(math.Inf(-1))
		return nil
	}
	if why := misread(text); why != "" {
		return n.fail(path, "%s is not a number: %s", n.describe(), why)
	}
	if !number.MatchString(text) {
		return n.fail(path, "%s is not a number: want one, as in 0.001", n.describe())
	}
	f, err := strconv.ParseFloat(text, v.Type().Bits())
	if err != nil {
		return n.fail(path, "%s is out of range: want a number up to %v", text, math.MaxFloat64)
	}
	v.SetFloat(f)
	return nil
}

// truth decodes true or false.
func (n *Node) truth(v reflect.Value, path string) error {
	want := "want true or false"
	if n.Kind != Scalar {
		return n.fail(path, "%s: %s", n.describe(), want)
	}
	meant := map[string]string{"yes": "true", "y": "true", "on": "true", "1": "true", "no": "false", "n": "false", "off": "false", "0": "false"}
	switch text := strings.ToLower(n.Text); {
	case n.Null():
		return n.fail(path, "it is %s: %s", n.describe(), want)
	case n.Quoted && (text == "true" || text == "false"):
		return n.fail(path, "%q is a text: %s, without quotes", n.Text, want)
	case n.Quoted:
	case n.Text == "true", n.Text == "True", n.Text == "TRUE":
		v.SetBool(true)
		return nil
	case n.Text == "false", n.Text == "False", n.Text == "FALSE":
		v.SetBool(false)
		return nil
	case meant[text] != "":
		return n.fail(path, "%s means true or false only to some readers of YAML: write %s", n.describe(), meant[text])
	}
	return n.fail(path, "%s is neither true nor false: %s", n.describe(), want)
}

// text decodes a text: the characters as they stand, whatever they look like.
func (n *Node) text(v reflect.Value, path string) error {
	switch {
	case n.Kind != Scalar:
		return n.fail(path, "%s: want a text", n.describe())
	case n.Null() && !n.Empty():
		return n.fail(path, "%s means nothing: want a text (quote it, if it is one)", n.Text)
	}
	v.SetString(n.Text)
	return nil
}
