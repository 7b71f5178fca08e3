package gate

import (
	"cmp"
	"slices"
)

// listFlips collects the images whose answer changed on some stage. The worst
// come first: lost images before those that were wrong anyway and those gained,
// and among them the largest margins, since the surer the integer stage is of its
// present answer, the less an accident of rounding explains the change.
func (c *checker) listFlips() {
	type key struct{ image, was, is int }
	at := map[key]int{}
	for _, r := range c.stages() {
		if r.was == nil {
			continue
		}
		for i, is := range r.now {
			if is == r.was[i] {
				continue
			}
			k := key{i, r.was[i], is}
			if j, ok := at[k]; ok {
				c.Flips[j].Stages = append(c.Flips[j].Stages, r.name)
				continue
			}
			at[k] = len(c.Flips)
			c.Flips = append(c.Flips, Flip{Image: i, Stages: []string{r.name}, Label: c.r.Answers.Labels[i], Was: r.was[i], Is: is, Margin: c.margin(i)})
		}
	}
	slices.SortStableFunc(c.Flips, func(a, b Flip) int {
		return cmp.Or(cmp.Compare(a.rank(), b.rank()), cmp.Compare(b.margin(), a.margin()), cmp.Compare(a.Image, b.Image))
	})
}

func (c *checker) margin(image int) *float32 {
	if len(c.r.Answers.Margins) == 0 {
		return nil
	}
	return &c.r.Answers.Margins[image]
}

func (f Flip) rank() int { return slices.Index([]string{lost, wrong, gained}, f.Effect()) }

func (f Flip) margin() float32 {
	if f.Margin == nil {
		return 0
	}
	return *f.Margin
}
