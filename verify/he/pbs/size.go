package pbs

// size is the bytes of an input on the wire.
func (in *Input) size() int64 {
	n := int64(0)
	for _, part := range in.parts {
		n += int64(len(part[0])+len(part[1])) * 8
	}
	return n
}

// size is the bytes of an output on the wire.
func (out *Output) size() int64 {
	n := int64(0)
	for _, c := range out.logits {
		n += int64(len(c)) * 4
	}
	return n
}
