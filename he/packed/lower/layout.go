package lower

import (
	"fmt"
	"math/bits"
	"slices"

	"qtool/bundle"
)

// Places says where the elements of a tensor stand: element e in slot Slot[e]
// of ciphertext Ct[e] (-1: nowhere, nothing reads it). The slots of every
// ciphertext repeat with Period, a power of two, so that an element stands in
// every slot congruent to its own.
type Places struct {
	Cts, Period int
	Ct, Slot    []int32
}

// Layout is how the outputs of a segment's map are packed. Where the segment has a
// pool and Fold is not nil, that sum is taken as Fold says, and readers read the sums;
// otherwise they read the elements. Both factors of a product stand in the same slots:
// the ciphertexts of the second follow the ciphertexts of the first, and Product is the places
// of the products.
type Layout struct {
	Name string
	// Grid are channels, height and width of the tensor that is read, Strides its strides.
	Grid    [3]int
	Strides Strides
	Places
	Product *Places
	Fold    *Fold
}

// Fold adds up classes: first the ciphertexts c, c+Cts, c+2Cts, ..., then
// rotations by Step, 2 Step, 4 Step, ... of each, Doublings of them. The sums
// then stand at Places.
type Fold struct {
	Places
	Step, Doublings int
}

// Read is the places that readers read.
func (l *Layout) Read() *Places {
	switch {
	case l.Fold != nil:
		return &l.Fold.Places
	case l.Product != nil:
		return l.Product
	}
	return &l.Places
}

// Summands is how many products of ciphertexts each one that readers read is the sum of.
func (l *Layout) Summands() int {
	n := l.Cts
	if l.Product != nil {
		n = l.Product.Cts
	}
	if l.Fold != nil {
		return n / l.Fold.Cts
	}
	return 1
}

// factors is l for both factors of products.
func (l Layout) factors() Layout {
	one := l.Places
	l.Name += ", both factors"
	l.Product = &one
	l.Places = Places{Cts: 2 * one.Cts, Period: one.Period, Slot: slices.Repeat(one.Slot, 2)}
	l.Ct = slices.Clone(one.Ct)
	for _, c := range one.Ct {
		if c >= 0 {
			c += int32(one.Cts)
		}
		l.Ct = append(l.Ct, c)
	}
	return l
}

// inheritance is the strides that a tensor had which a map reads, and its shape.
type inheritance struct {
	strides Strides
	shape   []int
}

// layouts are the packings worth trying for a tensor of the given shape that is read
// through sum (nil for none), in ciphertexts of the given slots.
func layouts(shape []int, sum *Sum, slots int, inherited []inheritance) []Layout {
	var all []Layout
	for _, g := range grids(shape, slots, inherited) {
		all = append(all, g.layout())
	}
	if sum == nil {
		return all
	}
	for _, g := range grids(sum.Shape, slots, inherited) {
		all = append(all, foldCts(g, sum))
		if g.inBlocks(sum, slots) {
			all = append(all, foldBlocks(g, sum))
		}
	}
	return all
}

// Strides are the slots between neighbours of a [channels, height, width]
// tensor: columns Col, rows Row, channels Channel.
type Strides struct{ Channel, Row, Col int }

// fit reports whether rows do not overlap, nor channels, and a channel fits.
func (s Strides) fit(grid [3]int, slots int) bool {
	h, w := grid[1], grid[2]
	return s.Row >= 1+(w-1)*s.Col && s.Channel >= 1+(h-1)*s.Row+(w-1)*s.Col && s.Channel <= slots
}

type grid struct {
	name    string
	dims    [3]int
	strides Strides
	places  Places
}

func (g *grid) layout() Layout {
	return Layout{Name: g.name, Grid: g.dims, Strides: g.strides, Places: g.places}
}

// inBlocks reports whether foldBlocks can take the sum.
func (g *grid) inBlocks(sum *Sum, slots int) bool {
	return g.places.Cts == 1 && sum.Size&(sum.Size-1) == 0 && sum.Size <= slots/g.places.Period
}

// grids places a [channels, height, width] tensor on grids: tight; with rows and
// channels rounded up to powers of two; and with the strides that its input had,
// as they are (a convolution's taps are then few offsets) or times the step of
// the layer between, which the sizes tell. Other shapes are one row.
func grids(shape []int, slots int, inherited []inheritance) []grid {
	if len(shape) != 3 {
		n := bundle.Size(shape)
		return []grid{newGrid(1, 1, n, Strides{n, n, 1}, slots)}
	}
	c, h, w := shape[0], shape[1], shape[2]
	rs := ceilPower(w)
	list := []Strides{{ceilPower(h * rs), rs, 1}, {h * w, w, 1}}
	for _, from := range inherited {
		s := from.strides
		list = append(list, s)
		if len(from.shape) == 3 {
			if step := (from.shape[1] + h - 1) / h; step > 1 {
				list = append(list, Strides{s.Channel, s.Row * step, s.Col * step})
			}
		}
	}
	var all []grid
	seen := map[Strides]bool{}
	for _, s := range list {
		if seen[s] || !s.fit([3]int{c, h, w}, slots) {
			continue
		}
		seen[s] = true
		all = append(all, newGrid(c, h, w, s, slots))
	}
	if len(all) == 0 {
		all = append(all, newGrid(1, 1, c*h*w, Strides{c * h * w, c * h * w, 1}, slots))
	}
	return all
}

func newGrid(c, h, w int, s Strides, slots int) grid {
	g := grid{name: fmt.Sprintf("%dx%dx%d, strides %d %d %d", c, h, w, s.Channel, s.Row, s.Col), dims: [3]int{c, h, w}, strides: s}
	if c == 1 && h == 1 {
		g.name = fmt.Sprintf("%d in a row", w)
	}
	p := &g.places
	p.Ct, p.Slot = make([]int32, c*h*w), make([]int32, c*h*w)
	per := slots / s.Channel // channels a ciphertext
	for e := range p.Ct {
		ch, y, x := e/(h*w), e/w%h, e%w
		if per > 0 {
			p.Ct[e], p.Slot[e] = int32(ch/per), int32(ch%per*s.Channel+y*s.Row+x*s.Col)
		} else {
			p.Ct[e], p.Slot[e] = int32(e/slots), int32(e%slots)
		}
		p.Cts = max(p.Cts, int(p.Ct[e])+1)
	}
	p.Period = min(slots, ceilPower(c*s.Channel))
	return g
}

// foldCts puts class members into different ciphertexts.
func foldCts(g grid, sum *Sum) Layout {
	l := g.layout()
	l.Name += fmt.Sprintf(", %d summands apart", sum.Size)
	l.Fold = &Fold{Places: g.places}
	l.Places = Places{Cts: g.places.Cts * sum.Size, Period: g.places.Period}
	for e, class := range sum.Class {
		if class < 0 {
			l.Ct, l.Slot = append(l.Ct, -1), append(l.Slot, 0)
			continue
		}
		l.Ct = append(l.Ct, sum.Rank[e]*int32(g.places.Cts)+g.places.Ct[class])
		l.Slot = append(l.Slot, g.places.Slot[class])
	}
	return l
}

// foldBlocks puts class members into different blocks of one ciphertext, whose
// sum by rotations then stands in every block.
func foldBlocks(g grid, sum *Sum) Layout {
	l := g.layout()
	l.Name += fmt.Sprintf(", %d summands in blocks", sum.Size)
	l.Fold = &Fold{Places: g.places, Step: g.places.Period, Doublings: bits.Len(uint(sum.Size)) - 1}
	l.Places = Places{Cts: 1, Period: g.places.Period * sum.Size}
	for e, class := range sum.Class {
		if class < 0 {
			l.Ct, l.Slot = append(l.Ct, -1), append(l.Slot, 0)
			continue
		}
		l.Ct = append(l.Ct, 0)
		l.Slot = append(l.Slot, sum.Rank[e]*int32(g.places.Period)+g.places.Slot[class])
	}
	return l
}

// ceilPower is the least power of two that is at least n.
func ceilPower(n int) int { return 1 << bits.Len(uint(n-1)) }
