package tune

import (
	"qtool/task"
	"qtool/tune/pareto"
	"qtool/tune/picture"
)

// draw draws loss against predicted seconds.
func (r *Report) draw(path string) error {
	s := picture.Search{Recipe: r.Recipe, TestImages: r.Identity.TestImages, Images: r.Identity.Images, Noun: task.Named(r.Noun)}
	if m := r.Judge(); m != task.Accuracy {
		s.Metric = m.Title
	}
	point := func(c pareto.Candidate) picture.Point {
		return picture.Point{Seconds: c.Cost * r.Machine.Factor / float64(r.Machine.Workers), Error: r.drawn(c.Loss)}
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
			t := picture.Point{Seconds: c.PredictedSeconds, Error: r.drawn(r.loss(c.Tuned))}
			if c.Best {
				t.Name = PointName(c.Point)
			}
			s.Tuned = append(s.Tuned, t)
		}
	}
	return s.Write(path)
}

// drawn is a loss as the picture has it, above 0: percent of wrong answers, where none
// stands at half a sample, or percent of the float network's error.
func (r *Report) drawn(loss float64) float64 {
	return 100 * max(loss, 0.5/float64(r.Identity.Images))
}
