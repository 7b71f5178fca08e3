package packed

import "fmt"

// encodeRuns codes a list of numbers from -1 on by what stands before in it, three
// numbers a run:
//
//	0, v, n    n times v
//	d, a, n    n values, each the value d places before plus a, or -1 where that is -1
//
// A view of a convolution is a row, its like a row on for every further row, and all of
// that once more for every channel: three or four runs.
func encodeRuns(list []int32) []int {
	var code []int
	for i := 0; i < len(list); {
		n := 1
		for i+n < len(list) && list[i+n] == list[i] {
			n++
		}
		run := [3]int{0, int(list[i]), n}
		try := func(d int) {
			if a, n := like(list, i, d); n > run[2] {
				run = [3]int{d, a, n}
			}
		}
		for d := 1; d <= min(i, nearRuns); d++ {
			try(d)
		}
		for d := 2 * nearRuns; d <= i; d *= 2 {
			try(d)
		}
		code = append(code, run[:]...)
		i += run[2]
	}
	return code
}

// nearRuns are the distances that are all tried: widths of pictures. Layouts repeat with
// powers of two.
const nearRuns = 64

// like is how many values from place i on are those d places before plus a.
func like(list []int32, i, d int) (a, n int) {
	known := false
	for ; i+n < len(list); n++ {
		x, before := list[i+n], list[i+n-d]
		if (x < 0) != (before < 0) {
			break
		}
		if x < 0 {
			continue
		}
		if !known {
			a, known = int(x-before), true
		} else if int(x-before) != a {
			break
		}
	}
	return a, n
}

// decodeRuns undoes encodeRuns for n numbers below limit, and refuses anything else.
func decodeRuns(what string, code []int, n, limit int) ([]int32, error) {
	if len(code)%3 != 0 || len(code) > 3*n {
		return nil, fmt.Errorf("%s: %d numbers code %d in runs", what, len(code), n)
	}
	list := make([]int32, 0, n)
	for k := 0; k < len(code); k += 3 {
		d, a, count := code[k], code[k+1], code[k+2]
		if d < 0 || d > len(list) || a < -limit || a > limit || count < 1 || count > n-len(list) {
			return nil, fmt.Errorf("%s: a run of %d from %d places before place %d of %d", what, count, d, len(list), n)
		}
		for range count {
			x, least := a, -1
			if d > 0 {
				if before := int(list[len(list)-d]); before < 0 {
					x = -1
				} else {
					x, least = before+a, 0
				}
			}
			if x < least || x >= limit {
				return nil, fmt.Errorf("%s: the run at place %d gives %d, want %d..%d", what, len(list), x, least, limit-1)
			}
			list = append(list, int32(x))
		}
	}
	if len(list) != n {
		return nil, fmt.Errorf("%s: %d numbers, want %d", what, len(list), n)
	}
	return list, nil
}
