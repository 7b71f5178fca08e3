package bundle

import (
	"encoding/json"
	"fmt"
)

// Pair is a number for the height and one for the width of a picture. Its JSON
// form is one number where both are equal, else the array [height, width].
type Pair [2]int

// Both is the pair of n and n.
func Both(n int) Pair { return Pair{n, n} }

// Sides are the rows or columns that surround a picture: top, left, bottom, right.
// Their JSON form is one number where all are equal, else the array of four.
type Sides [4]int

// Around is n on every side.
func Around(n int) Sides { return Sides{n, n, n, n} }

// MarshalJSON writes a number or [height, width].
func (p Pair) MarshalJSON() ([]byte, error) { return marshalEqual(p[:]) }

// UnmarshalJSON reads what MarshalJSON writes.
func (p *Pair) UnmarshalJSON(b []byte) error { return unmarshalEqual(b, p[:]) }

// MarshalJSON writes a number or [top, left, bottom, right].
func (s Sides) MarshalJSON() ([]byte, error) { return marshalEqual(s[:]) }

// UnmarshalJSON reads what MarshalJSON writes.
func (s *Sides) UnmarshalJSON(b []byte) error { return unmarshalEqual(b, s[:]) }

func marshalEqual(v []int) ([]byte, error) {
	for _, x := range v {
		if x != v[0] {
			return json.Marshal(v)
		}
	}
	return json.Marshal(v[0])
}

func unmarshalEqual(b []byte, dst []int) error {
	var one *int
	if err := json.Unmarshal(b, &one); err == nil && one != nil {
		for i := range dst {
			dst[i] = *one
		}
		return nil
	}
	var all []int
	if err := json.Unmarshal(b, &all); err != nil || len(all) != len(dst) {
		return fmt.Errorf("%.100s is neither a number nor an array of %d", b, len(dst))
	}
	copy(dst, all)
	return nil
}

// window is what slides over the pictures of a [channels, height, width] tensor:
// output (y, x) covers the input's rows and columns
//
//	y stride + i dilation - top, x stride + j dilation - left
//
// for i, j below the kernel. Places outside the picture are padding.
type window struct {
	kernel, stride, dilation Pair
	padding                  Sides
}

// outShape is [channels, H', W'] with
//
//	H' = (H + top + bottom - extent) / stride + 1,   extent = dilation (kernel - 1) + 1
//
// and W' likewise, rounded down. It returns an error if a number is out of range:
// a side's padding must be below the extent, so that every window of a pool covers
// a part of the picture.
func (w *window) outShape(in []int, channels int) ([]int, error) {
	out := []int{channels, 0, 0}
	for d, k := range w.kernel {
		if w.stride[d] < 1 || w.stride[d] > MaxElements {
			return nil, fmt.Errorf("stride %d is outside 1..%d", w.stride[d], MaxElements)
		}
		if w.dilation[d] < 1 || w.dilation[d] > MaxElements {
			return nil, fmt.Errorf("dilation %d is outside 1..%d", w.dilation[d], MaxElements)
		}
		if k < 1 || k > MaxElements {
			return nil, fmt.Errorf("kernel %d does not fit: want 1..%d", k, MaxElements)
		}
		extent := w.dilation[d]*(k-1) + 1
		before, after := w.padding[d], w.padding[d+2]
		for _, p := range []int{before, after} {
			if p < 0 || p >= extent {
				return nil, fmt.Errorf("padding %d is outside 0..%d of kernel %d, dilation %d", p, extent-1, k, w.dilation[d])
			}
		}
		n := in[d+1] + before + after
		if extent > n {
			return nil, fmt.Errorf("kernel %d does not fit the padded input size %d: with dilation %d it covers %d", k, n, w.dilation[d], extent)
		}
		out[d+1] = (n-extent)/w.stride[d] + 1
	}
	return out, nil
}

// taps calls visit for every place of the window at output (y, x) that lies in a
// picture of the given height and width: kernel row i and column j meet the
// picture's element at.
func (w *window) taps(y, x, height, width int, visit func(i, j, at int)) {
	for i := range w.kernel[0] {
		r := y*w.stride[0] + i*w.dilation[0] - w.padding[0]
		if r < 0 || r >= height {
			continue
		}
		for j := range w.kernel[1] {
			c := x*w.stride[1] + j*w.dilation[1] - w.padding[1]
			if c >= 0 && c < width {
				visit(i, j, r*width+c)
			}
		}
	}
}
