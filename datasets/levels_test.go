package datasets

import (
	"context"
	"io"
	"testing"

	"qtool/internal/samebits"
)

// The generated digits, and images that augmentation has moved.
func TestSameBits(t *testing.T) {
	samebits.Check(t, "300e2d89fc17d41e06b148279f99dff3a79e029ef3409d296e8935cc8a347834", func(w io.Writer) {
		d, err := Load(context.Background(), "digits", Options{})
		if err != nil {
			t.Fatal(err)
		}
		samebits.Write(w, d.Train.Images, d.Train.Labels, d.Test.Images, d.Test.Labels)
		a, moved := Augment{Rotation: 10, Scale: 0.1, Shear: 0.1, Shift: 2, Elastic: 1}, make([]float32, 28*28)
		for i := range 200 {
			a.Apply(moved, d.Train.Images[i*28*28:(i+1)*28*28], d.Train.Shape, 1, 2, i)
			samebits.Write(w, moved)
		}
	})
}
