// Package bench measures how fast this machine trains and evaluates under
// encryption, beside the portable twins of its kernels.
//
// Two processes of the same program measure in turn, one with the kernels in use
// and one with portable Go (QTOOL_CPU=portable), so that both see the same state
// of the machine, and nothing of one is warm for the other. Every figure is the
// median of its rounds; the spread, (largest - smallest) / median, says how much
// other work disturbed them.
//
// Kernels run on one core, and each round's figure is its fastest run: they are
// held against what the same core does in registers alone, or copying memory. All
// else is time on the wall, on all cores.
package bench
