// Package approx replaces an activation function by a polynomial on an
// interval: Taylor's, the interpolant at Chebyshev's nodes, the least-squares
// fit, and the minimax polynomial, whose worst error no other of its degree
// beats.
//
// Every fit states its worst error on the interval, of the very float64
// coefficients it returns. "Worst" is what a search finds, not an interval
// arithmetic proof: the error is evaluated on a dense grid (Chebyshev points
// between the kinks, and every 1/16 where the functions bend), and each local
// extremum of the grid is refined by golden sections. The minimax fit also
// states a lower bound that holds for every polynomial of its degree, so the two
// figures enclose what can be reached.
//
// Fitting is done in Chebyshev's basis on the interval mapped to [-1, 1]; only
// the last step, the change to powers of x, cancels, and is done in 512 bits and
// rounded once.
package approx
