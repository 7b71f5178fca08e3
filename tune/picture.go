package tune

import (
	"qtool/task"
	"qtool/tune/pareto"
	"qtool/tune/picture"
)

// draw draws error against predicted seconds.
func (r *Report) draw(path string) error {
	s := picture.Search{Recipe: r.Recipe, TestImages: r.Identity.TestImages, Images: r.Identity.Images, Noun: task.Named(r.Noun)}
	// An error of no image at all stands at half an image.
	least := 0.5 / float64(r.Identity.Images)
	failing := func(accuracy float64) float64 { return 100 * max(1-accuracy, least) }
	point := func(c pareto.Candidate) picture.Point {
		return picture.Point{Seconds: c.Cost * r.Machine.Factor / float64(r.Machine.Workers), Error: failing(c.Accuracy)}
	}
	var all []pareto.Candidate
	for i := range r.Candidates {
		if c := r.worth(&r.Candidates[i]); c.Feasible {
			all = append(all, c)
			s.Candidates = append(s.Candidates, point(c))
		}
	}
	for _, c := range pareto.Front(all) {
		s.Front = append(s.Front, point(c))
	}
	for _, c := range r.Front {
		if c.Needs != nil {
			t := picture.Point{Seconds: c.PredictedSeconds, Error: failing(c.Tuned)}
			if c.Best {
				t.Name = PointName(c.Point)
			}
			s.Tuned = append(s.Tuned, t)
		}
	}
	return s.Write(path)
}
