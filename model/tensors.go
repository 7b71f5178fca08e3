package model

// tensors are the layer's parameters, with names and shapes but no data except the
// starting values of a trainable polynomial, for an input of shape in and an output of
// shape out.
func (l Layer) tensors(in, out []int) (all Parameters) {
	add := func(name string, shape ...int) { all = append(all, Tensor{Name: l.Name + "." + name, Shape: shape}) }
	switch {
	case l.Weighted():
		w := l.WeightShape(in)
		add("weight", w...)
		add("bias", w[0])
	case l.Type == BatchNorm:
		for _, part := range []string{"weight", "bias", "mean", "variance"} {
			add(part, out[0])
		}
	case l.Trainable && l.Coefficients != nil:
		all = append(all, l.coefficientTensor())
	case l.Type == Embedding && l.Words > 0:
		add("weight", l.Words, l.Units)
	case l.Type == Projection:
		add("weight", l.Units, in[1])
	case l.Recurrent():
		rows := l.gateRows()
		add("input", rows, in[1])
		add("hidden", rows, l.Units)
		add("bias", rows)
		if l.Gates != nil {
			add("gates", gateCount, l.Gates.Degree+1)
		}
	}
	return all
}
