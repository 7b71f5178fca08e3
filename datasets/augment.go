package datasets

import (
	"fmt"
	"math"

	"qtool/encode"
)

// Augment is how much images are moved at random for training. The zero value
// moves nothing.
type Augment struct {
	Rotation float64 `yaml:"rotation"` // largest angle, degrees, either way
	Scale    float64 `yaml:"scale"`    // largest change of size, as a fraction
	Shear    float64 `yaml:"shear"`    // largest sideways lean, as a fraction of the height
	Shift    float64 `yaml:"shift"`    // largest movement along each axis, pixels
	// Elastic is the largest movement of a knot of a smooth random field, pixels
	// along each axis: see [Field].
	Elastic float64 `yaml:"elastic,omitempty"`
}

// Validate reports a value outside of its limits.
func (a Augment) Validate() error {
	for _, v := range []struct {
		name  string
		value float64
		limit float64
	}{
		{"rotation", a.Rotation, 180},
		{"scale", a.Scale, 0.9},
		{"shear", a.Shear, 2},
		{"shift", a.Shift, 1024},
		{"elastic", a.Elastic, 1024},
	} {
		if !(v.value >= 0 && v.value <= v.limit) { // also catches NaN
			return fmt.Errorf("datasets: augment %s %v is not in [0, %v]", v.name, v.value, v.limit)
		}
	}
	return nil
}

// Apply writes img to dst as values in [0, 1], moved at random about its
// centre: see [Warp], [WarpElastic] and [Augment.Draw]. dst and img have shape [C, H, W].
// The movement depends only on a, seed, epoch and index, so images can be done
// in any order, in parallel, and again after a restart. It does not allocate.
// The zero Augment writes exactly float32(v)/255.
// It panics if lengths and shape disagree or a is not valid.
func (a Augment) Apply(dst []float32, img []uint8, shape []int, seed, epoch uint64, index int) {
	if a == (Augment{}) {
		if len(dst) != len(img) || len(img) != volume(shape) {
			panic(fmt.Sprintf("datasets: augment of %d values into %d with shape %v", len(img), len(dst), shape))
		}
		(*encode.Pixels)(nil).EncodeInto(dst, img)
		return
	}
	var r source
	r.seed(seed, streamAugment, epoch, uint64(index))
	m := a.draw(&r)
	if a.Elastic == 0 {
		Warp(dst, img, shape, m)
		return
	}
	var f Field
	f.draw(&r, a.Elastic)
	WarpElastic(dst, img, shape, m, &f)
}

// Draw returns the affine map that Apply uses. A point p (from the centre) is seen at
//
//	R(angle) * [1 lean; 0 1] * diag(sx, sy) * p + (tx, ty)
//
// with angle uniform in +-Rotation, sx and sy each uniform in 1+-Scale
// (independent, so proportions vary too), lean in +-Shear, tx and ty in
// +-Shift; the result is the inverse of that. Six draws are always made, so
// changing one amount leaves the others' movements alone; the draws of the elastic
// field come after these six.
func (a Augment) Draw(seed, epoch uint64, index int) Affine {
	var r source
	r.seed(seed, streamAugment, epoch, uint64(index))
	return a.draw(&r)
}

func (a Augment) draw(r *source) Affine {
	angle := r.between(-a.Rotation, a.Rotation)
	sx, sy := 1+r.between(-a.Scale, a.Scale), 1+r.between(-a.Scale, a.Scale)
	lean := r.between(-a.Shear, a.Shear)
	tx, ty := r.between(-a.Shift, a.Shift), r.between(-a.Shift, a.Shift)

	sin, cos := sincos(mul(angle, math.Pi/180))
	// diag(1/sx, 1/sy) * [1 -lean; 0 1] * R(-angle)
	m := Affine{
		XX: (cos + mul(lean, sin)) / sx, XY: (sin - mul(lean, cos)) / sx,
		YX: -sin / sy, YY: cos / sy,
	}
	m.X = -mul(m.XX, tx) - mul(m.XY, ty)
	m.Y = -mul(m.YX, tx) - mul(m.YY, ty)
	return m
}
