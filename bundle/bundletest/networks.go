package bundletest

// The networks of the recipes, with inputs and weights of 4 bits.

// LeNet is LeNet-1 with squares.
func LeNet(seed uint64) *Builder {
	return New(seed, 4, 1, 28, 28).
		Conv(4, 5, 1, 0, 7).Square().Pool(2, 2).
		Conv(12, 5, 1, 0, 7).Square().Pool(2, 2).Dense(10, 7)
}

// CryptoNets is a convolution and two dense maps.
func CryptoNets(seed uint64) *Builder {
	return New(seed, 4, 1, 28, 28).
		Conv(5, 5, 2, 1, 7).Square().Dense(100, 7).Square().Dense(10, 7)
}
