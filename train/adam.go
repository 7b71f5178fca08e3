package train

import (
	"fmt"
	"math"

	G "gorgonia.org/gorgonia"

	"qtool/internal/elementary"
	"qtool/kernel/f32"
)

// Adam is a gorgonia.Solver with clipping of the global gradient norm:
//
//	g <- g * min(1, Clip/|g|)
//	m <- b1 m + (1-b1) g,   v <- b2 v + (1-b2) g^2
//	w <- w - Rate * (m/(1-b1^t)) / (sqrt(v/(1-b2^t)) + Epsilon)
//
// The last Relative tensors of the model take relative steps instead, with
// gradients that are relative too, of at most a half:
//
//	w <- w - w * Rate * ...
//
// Its moments are in order of the model it is stepped with, so that a
// checkpoint can hold them.
//
// Reference: Kingma and Ba, arXiv 1412.6980, algorithm 1.
type Adam struct {
	Rate, Beta1, Beta2, Epsilon float64
	Clip                        float64 // 0: no clipping
	// Decay shrinks every weight by Rate*Decay of itself at a step, before it.
	Decay float64
	// Elsewhere is the sum of the squares of gradients that another optimiser steps
	// with, under the same clip; Scale is the factor that the last step's clip was.
	Elsewhere, Scale float64
	Relative, Frozen int // Frozen: the last tensors stay as they are
	Steps            int
	M, V             [][]float32
}

// NewAdam has the paper's defaults: b1 0.9, b2 0.999, epsilon 1e-8.
func NewAdam(rate, clip float64) *Adam {
	return &Adam{Rate: rate, Beta1: 0.9, Beta2: 0.999, Epsilon: 1e-8, Clip: clip}
}

// Step implements gorgonia.Solver. It returns an error, and changes nothing, if
// a gradient is not finite.
func (a *Adam) Step(model []G.ValueGrad) error {
	grads := make([][]float32, len(model))
	weights := make([][]float32, len(model))
	norm := a.Elsewhere
	for i, p := range model {
		g, err := p.Grad()
		if err != nil {
			return err
		}
		grads[i], weights[i] = g.Data().([]float32), p.Value().Data().([]float32)
		norm += f32.SumSquares(grads[i])
	}
	norm = math.Sqrt(norm)
	if math.IsNaN(norm) || math.IsInf(norm, 0) {
		return fmt.Errorf("gradient norm is %v at step %d: lower the learning rate or set a clip", norm, a.Steps+1)
	}
	scale := 1.0
	if a.Clip > 0 && norm > a.Clip {
		scale = a.Clip / norm
	}
	a.Scale = scale
	if a.M == nil {
		a.M, a.V = zerosLike(weights), zerosLike(weights)
	}
	a.Steps++
	step := a.kernel(a.Rate)
	trained := len(weights) - a.Frozen
	for i, w := range weights[:trained] {
		if i >= trained-a.Relative {
			step.ApplyRelative(w, a.M[i], a.V[i], grads[i])
			continue
		}
		if a.Decay > 0 {
			f32.Affine(w, w, 1-float64(a.Rate*a.Decay), 0)
		}
		step.Apply(w, a.M[i], a.V[i], grads[i])
	}
	return nil
}

// kernel is the step at hand, number Steps, with a learning rate.
func (a *Adam) kernel(rate float64) f32.AdamStep {
	c1 := 1 - elementary.Pow(a.Beta1, float64(a.Steps))
	c2 := 1 - elementary.Pow(a.Beta2, float64(a.Steps))
	return f32.AdamStep{
		Rate:  float32(rate / c1),
		Beta1: float32(a.Beta1), Rest1: float32(1 - a.Beta1),
		Beta2: float32(a.Beta2), Rest2: float32(1 - a.Beta2),
		Root: float32(1 / math.Sqrt(c2)), Epsilon: float32(a.Epsilon), Scale: float32(a.Scale),
	}
}

func zerosLike(ws [][]float32) [][]float32 {
	z := make([][]float32, len(ws))
	for i, w := range ws {
		z[i] = make([]float32, len(w))
	}
	return z
}
