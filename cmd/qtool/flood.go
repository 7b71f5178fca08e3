package main

import (
	"github.com/spf13/cobra"

	"qtool/bundle"
	"qtool/he"
)

// floodFlag is --flood: bits of noise over the error of approximate answers.
type floodFlag struct {
	bits  int
	given func() bool
}

// floodView says what noise was added, and what it proves of all answers together.
type floodView struct {
	Bits            int     `json:"bits"`
	StatisticalBits float64 `json:"statistical_security_bits"`
}

func (f *floodFlag) register(cmd *cobra.Command) {
	cmd.Flags().IntVar(&f.bits, "flood", 0, "add noise of 2^BITS times the error to approximate answers, 1..40 (default none)")
	f.given = func() bool { return cmd.Flags().Changed("flood") }
}

// client is c, with noise on its answers where that is asked for.
func (f *floodFlag) client(c he.Client) (he.Client, error) {
	if !f.given() {
		return c, nil
	}
	return he.Flooding(c, f.bits)
}

// view is of answers to so many samples, nil without noise.
func (f *floodFlag) view(spec *he.ClientSpec, samples int) *floodView {
	if !f.given() {
		return nil
	}
	return &floodView{f.bits, he.FloodedSecurity(f.bits, int64(max(1, samples)), int64(bundle.Size(spec.Output.Shape)))}
}
