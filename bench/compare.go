package bench

// Tolerance is how many times slower than the committed figure of its class of processors
// a figure is called slow: processors of one class differ by their clock and memory by
// less than that, and a build without its kernels by more.
const Tolerance = 1.5

// Comparison says what a result was compared with.
type Comparison struct {
	Class     string   `json:"class"` // level of the kernels in use
	Machine   *Machine `json:"machine"`
	Tolerance float64  `json:"tolerance"` // times
	Compared  int      `json:"compared"`  // figures that both have
	// Slow are the names of the figures that are slower than the committed ones by more
	// than the tolerance.
	Slow []string `json:"slow"`
}

// Reference is the committed figure beside a machine's own.
type Reference struct {
	Median float64 `json:"median"`
	// Ratio is how many times as fast as the committed figure this one is: less than 1
	// is slower.
	Ratio float64 `json:"ratio"`
}

// Compare puts the figures of another result beside those of r, where recipe, name and
// unit are the same and both were measured.
func (r *Result) Compare(with *Result) {
	type key struct {
		kind               Kind
		recipe, name, unit string
	}
	of := func(f *Figure) key { return key{f.Kind, f.Recipe, f.Name, f.Unit} }
	theirs := map[key]*Figure{}
	for i := range with.Figures {
		if f := &with.Figures[i]; f.Active != nil && f.Active.Median > 0 {
			theirs[of(f)] = f
		}
	}
	c := &Comparison{Class: with.Machine.Kernels, Machine: with.Machine, Tolerance: Tolerance, Slow: []string{}}
	for i := range r.Figures {
		f := &r.Figures[i]
		other, ok := theirs[of(f)]
		if !ok || f.Active == nil {
			continue
		}
		c.Compared++
		f.Committed = &Reference{Median: other.Active.Median, Ratio: f.faster(f.Active.Median, other.Active.Median)}
		if f.Committed.Ratio < 1/Tolerance {
			c.Slow = append(c.Slow, describe(f.Task, false))
		}
	}
	r.Comparison = c
}
