package integer

import (
	"math"

	"qtool/bundle"
	"qtool/he"
)

// domains are the extremes of values in the Domain nodes of a program. One
// goroutine's.
type domains struct {
	at  map[[2]int]int // program node and body node
	all he.Domains
}

// newDomains is nil for a program without domains.
func newDomains(p *bundle.Program) *domains {
	d := &domains{at: map[[2]int]int{}}
	for i := range p.Nodes {
		r, ok := p.Nodes[i].Op.(*bundle.Recurrent)
		if !ok {
			continue
		}
		for k := range r.Body {
			n := &r.Body[k]
			op, ok := n.Op.(*bundle.Domain)
			if !ok {
				continue
			}
			d.at[[2]int{i, k}] = len(d.all)
			s := n.Scale[0]
			lo, hi := s*float64(op.Lo), s*float64(op.Hi)
			d.all = append(d.all, he.Domain{
				Layer: p.Nodes[i].Name, Node: n.Name, Lo: min(lo, hi), Hi: max(lo, hi),
				SeenLo: math.Inf(1), SeenHi: math.Inf(-1),
			})
		}
	}
	if len(d.all) == 0 {
		return nil
	}
	return d
}

// see is called with the tensors of body nodes.
func (d *domains) see(p *bundle.Program) func(node, step, body int, out bundle.Vec) {
	if d == nil {
		return nil
	}
	return func(node, _, body int, out bundle.Vec) {
		at, ok := d.at[[2]int{node, body}]
		if !ok {
			return
		}
		n := &p.Nodes[node].Op.(*bundle.Recurrent).Body[body]
		for i := range out.Len() {
			x := n.Real(out, i)
			d.all[at].SeenLo, d.all[at].SeenHi = min(d.all[at].SeenLo, x), max(d.all[at].SeenHi, x)
		}
	}
}

// merge adds another goroutine's.
func (d *domains) merge(o *domains) {
	for i := range d.all {
		d.all[i].SeenLo, d.all[i].SeenHi = min(d.all[i].SeenLo, o.all[i].SeenLo), max(d.all[i].SeenHi, o.all[i].SeenHi)
	}
}
