// Package sequence fits networks that read sentences: float, with polynomial
// gates, and with tables through fake quantization. The vectors of words are no
// part of the graph: each step's are summed into its input, and the input's
// gradient goes back to the rows of the words that were there.
package sequence
