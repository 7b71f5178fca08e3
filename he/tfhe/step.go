package tfhe

// A step of a blind rotation takes g = Group key bits together. With exponents e_b of Y
// for every pattern b that they may have, e_b being the sum of -mask_i over the bits that
// are 1 in b, and ring-GSW ciphertexts C_b of 1 for the key's pattern and of 0 for all
// others,
//
//	acc <- acc * sum_b Y^(e_b) C_b.
//
// Y^K = X, and accumulator j has the coefficients of Y^(j + K i) as a polynomial in X.
// Y^e with e = K f + d takes accumulator j to j + d times X^f or, where that passes K, to
// j + d - K times X^(f+1). Keys and digits are in X: there is one key for all K.
//
// Reference: Bourse, Minelli, Minihold, Paillier, "Fast homomorphic evaluation of deep
// discretized neural networks", 2018, for the sum over patterns; Lee and Yoon,
// "Discretization error reduction for high precision torus FHE", 2023, for K accumulators.

// rotateAll multiplies the accumulators of all look-ups by Y^-(sum mask_i s_i), step by
// step. stop, called now and then, ends it early.
func (r *rotator) rotateAll(cts []smallKey, stop func() error) error {
	for i := range r.params.groups() {
		if i%8 == 0 {
			if err := stop(); err != nil {
				return err
			}
		}
		r.step(cts, i)
	}
	return nil
}

// step is step i for all look-ups.
func (r *rotator) step(cts []smallKey, i int) {
	p := r.params
	m := 1 << p.LogAccumulators
	for a := range len(cts) * m {
		r.takeApart(a)
	}
	n := p.N()
	wide := min(n, blockOf)
	for from := 0; from < n; from += wide {
		for k, c := range cts {
			bits := c[i*p.Group:][:p.bitsOf(i)]
			if m == 1 {
				r.one(k, i, bits, from, from+wide)
			} else {
				r.several(k, i, bits, from, from+wide)
			}
		}
	}
	for _, acc := range r.accs[:len(cts)*m] {
		p.inverse(acc[0])
		p.inverse(acc[1])
	}
}

// takeApart makes the transformed digits of accumulator a.
func (r *rotator) takeApart(a int) {
	p := r.params
	rows, first := p.rows(), p.Ring[0].Levels
	digits := r.digits[a*rows : (a+1)*rows]
	p.gadgets[0].Split(digits[:first], r.accs[a][0], r.zeros, false)
	p.gadgets[1].Split(digits[first:], r.accs[a][1], r.zeros, false)
	for _, d := range digits {
		p.forward(d)
	}
	if r.turned == nil || a&(1<<p.LogAccumulators-1) == 0 { // the first is never past the last
		return
	}
	turn := p.monomials.Turn()
	for d, x := range digits {
		p.monomials.Multiply(r.turned[a*rows+d], x, turn)
	}
}

// exponent is that of Y for pattern b of mask words: minus the sum of its words modulo 2KN.
func (p *Parameters) exponent(mask smallKey, b int) int {
	sum := uint32(0)
	for i, a := range mask {
		sum += a * uint32(b>>i&1)
	}
	return int(-sum & uint32(2*p.positions()-1))
}

// one is words from..to-1 of the step of look-up k with its only accumulator: the keys are
// summed up first.
func (r *rotator) one(k, i int, mask smallKey, from, to int) {
	p, wide := r.params, to-from
	patterns, rows := 1<<len(mask), p.rows()
	for len(r.monomial) < patterns {
		r.monomial = append(r.monomial, make([]uint64, len(r.powers)))
	}
	for b := range patterns {
		p.monomials.Power(r.monomial[b][:wide], p.exponent(mask, b), from)
	}
	for row := range rows {
		for c := range r.rows {
			r.rows[c] = r.rows[c][:0]
			for b := range patterns {
				r.rows[c] = append(r.rows[c], r.keys.row(i, b, row, c)[from:to])
			}
		}
		p.monomials.Pair(r.block[row][0][:wide], r.block[row][1][:wide], r.monomial[:patterns], r.rows[0], r.rows[1], 0, 0)
	}
	for c := range r.rows {
		r.rows[c] = r.rows[c][:0]
		for row := range rows {
			r.rows[c] = append(r.rows[c], r.block[row][c])
		}
	}
	p.monomials.Pair(r.accs[k][0][from:to], r.accs[k][1][from:to], r.digits[k*rows:(k+1)*rows], r.rows[0], r.rows[1], from, 0)
}

// several is one with K accumulators: the keys of every pattern are multiplied by its power of X,
// and every accumulator receives from each pattern another one's digits.
func (r *rotator) several(k, i int, mask smallKey, from, to int) {
	p, wide := r.params, to-from
	patterns, rows, m := 1<<len(mask), p.rows(), 1<<p.LogAccumulators
	r.shifts = r.shifts[:0]
	for c := range r.rows {
		r.rows[c] = r.rows[c][:0]
	}
	for b := range patterns {
		e := p.exponent(mask, b)
		r.shifts = append(r.shifts, e&(m-1))
		p.monomials.Power(r.powers[:wide], e>>p.LogAccumulators, from)
		for row := range rows {
			at := b*rows + row
			for c := range r.rows {
				dst := r.block[at][c][:wide]
				p.monomials.Multiply(dst, r.powers[:wide], r.keys.row(i, b, row, c)[from:to])
				r.rows[c] = append(r.rows[c], dst)
			}
		}
	}
	all := r.accumulators(k)
	for j, acc := range all {
		r.x = r.x[:0]
		for b := range patterns {
			source, digits := j-r.shifts[b], r.digits
			if source < 0 {
				source, digits = source+m, r.turned
			}
			a := k*m + source
			r.x = append(r.x, digits[a*rows:(a+1)*rows]...)
		}
		p.monomials.Pair(acc[0][from:to], acc[1][from:to], r.x, r.rows[0], r.rows[1], from, 0)
	}
}
