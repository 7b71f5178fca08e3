// Package parts is how the batch executors wire graphs: a tensor of a program is a list
// of parts of buffers, where a buffer is the elements that one step of evaluation makes.
// A Reshape, a Slice or a Concat is then another list and no work.
package parts

// Part is the elements From..To-1 of a buffer, by number.
type Part struct{ Buffer, From, To int }

// Len is the number of elements.
func (p Part) Len() int { return p.To - p.From }

// List is the elements of parts, one behind the other.
type List []Part

// All is the n elements of a buffer.
func All(buffer, n int) List { return List{{buffer, 0, n}} }

// Len is the number of elements.
func (l List) Len() int {
	n := 0
	for _, p := range l {
		n += p.Len()
	}
	return n
}

// Join is the elements of all lists, one behind the other. Parts that continue each
// other become one.
func Join(all ...List) List {
	var out List
	for _, l := range all {
		for _, p := range l {
			if n := len(out); n > 0 && out[n-1].Buffer == p.Buffer && out[n-1].To == p.From {
				out[n-1].To = p.To
				continue
			}
			out = append(out, p)
		}
	}
	return out
}

// Cut is the elements from..to-1 of a list.
func (l List) Cut(from, to int) List {
	var out List
	at := 0
	for _, p := range l {
		if a, b := max(from-at, 0), min(to-at, p.Len()); a < b {
			out = append(out, Part{p.Buffer, p.From + a, p.From + b})
		}
		at += p.Len()
	}
	return out
}

// Whole is the buffer whose n elements, and no others, the list is; size tells n. It is
// not ok if there is none.
func (l List) Whole(size func(buffer int) int) (buffer int, ok bool) {
	if len(l) != 1 || l[0].From != 0 || l[0].To != size(l[0].Buffer) {
		return 0, false
	}
	return l[0].Buffer, true
}

// Each calls visit with every element's buffer and its place there.
func (l List) Each(visit func(buffer, element int)) {
	for _, p := range l {
		for e := p.From; e < p.To; e++ {
			visit(p.Buffer, e)
		}
	}
}
