package edits

// JSON are words that JSON is made of.
var JSON = []string{
	"0", "-", "1", "9", "e9", "0.5", "99999999999999999999", "null", "true", "{}", "[]", `"`, ",", ":", "}", "]", `"a":`, `\u0041`, " ", "\n",
}
