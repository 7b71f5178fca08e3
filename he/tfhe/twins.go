package tfhe

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
)

// twins finds outputs of look-ups whose errors may be the same. Two look-ups with the
// same mask and, up to a constant, the same table turn the same polynomial by the same
// digits: where their offsets agree too, their outputs' errors are equal, and sums of
// them have more noise than sums of independent ones. Tables of opposite signs have
// opposite errors as long as no digit is the one without an opposite, -B/2; they count
// as equal here, which bounds both. All others have digits of their own after the first
// step, as the mask that it adds depends on every digit.
//
// A class is a set of such outputs; sign is an output's in its class.
type twins struct {
	numbers map[[32]byte]int32 // of classes, by what their look-ups have in common
	members []int32            // of each class
	class   []int32            // of each output of a look-up, in order of values
	sign    []int32
	first   int // number of the first such output
}

// add puts the outputs of layer l, the next values, into classes.
func (s *twins) add(l *layer) {
	if s.numbers == nil {
		s.numbers, s.first = map[[32]byte]int32{}, l.first
	}
	for o := range l.n {
		key, sign, noisy := s.key(l, o)
		k, ok := s.numbers[key]
		if !ok || !noisy {
			k = int32(len(s.members))
			s.members = append(s.members, 0)
			if noisy {
				s.numbers[key] = k
			}
		}
		s.members[k]++
		s.class, s.sign = append(s.class, k), append(s.sign, sign)
	}
}

// key is the hash of a look-up's mask, in terms of classes and inputs, and of its
// table's differences with the sign that makes the first of them positive. It is not
// noisy where it depends on no ciphertext: nothing is then rotated.
func (s *twins) key(l *layer, o int) (key [32]byte, sign int32, noisy bool) {
	type term struct {
		class int // or -1 - the number of an input
		w     int64
	}
	var terms []term
	l.each(o, func(v int, w int32) {
		if v < s.first {
			terms = append(terms, term{-1 - v, int64(w)})
		} else {
			terms = append(terms, term{int(s.class[v-s.first]), int64(w) * int64(s.sign[v-s.first])})
		}
	})
	slices.SortFunc(terms, func(a, b term) int {
		if a.class != b.class {
			return a.class - b.class
		}
		return int(min(1, max(-1, a.w-b.w)))
	})
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(terms)))
	for _, t := range terms {
		b = binary.LittleEndian.AppendUint64(b, uint64(t.class))
		b = binary.LittleEndian.AppendUint64(b, uint64(t.w))
	}
	values := l.tables[o].values
	sign = 1
	for _, v := range values {
		if v != values[0] {
			if v < values[0] {
				sign = -1
			}
			break
		}
	}
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, uint64((v-values[0])*int64(sign)))
	}
	return sha256.Sum256(b), sign, len(terms) > 0
}

// weigh fills in the norms of a layer that reads the values so far.
func (c *circuit) weigh(l *layer) {
	at := map[norm]int{}
	sums := map[int32]float64{} // of magnitudes, by class of several
	for o := range l.n {
		var w norm
		clear(sums)
		l.each(o, func(v int, weight int32) {
			x := math.Abs(float64(weight))
			w.sum += x
			if v < c.inputs {
				w.fresh += float64(x * x)
				return
			}
			w.rotated += float64(x * x)
			if k := c.twins.class[v-c.inputs]; c.twins.members[k] > 1 {
				w.rotated += float64(2 * x * sums[k]) // (x + sum)^2 in place of sum^2
				sums[k] += x
			}
		})
		if _, ok := at[w]; !ok {
			at[w] = len(l.norms)
			l.norms = append(l.norms, w)
		}
		l.norms[at[w]].count++
	}
}
