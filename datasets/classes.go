package datasets

// PerClass is how many images of s each of the classes 0..classes-1 has. It panics
// if a label is not among them.
func (s *Split) PerClass(classes int) []int {
	n := make([]int, classes)
	for _, l := range s.Labels {
		n[l]++
	}
	return n
}

// Missing are the classes among 0..classes-1 that have no image in s, in order.
func (s *Split) Missing(classes int) (empty []int) {
	for c, n := range s.PerClass(classes) {
		if n == 0 {
			empty = append(empty, c)
		}
	}
	return empty
}

// EmptyClasses are the classes without any sample, for training or for test, in
// order.
func (d *Dataset) EmptyClasses() (empty []int) {
	test := d.Test.PerClass(d.Classes)
	for _, c := range d.Train.Missing(d.Classes) {
		if test[c] == 0 {
			empty = append(empty, c)
		}
	}
	return empty
}
