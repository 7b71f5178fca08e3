package train

import (
	"context"
	"errors"
)

// score ends an epoch with its line in the history and keeps it if it is the best. Where
// parameters are averaged it scores the average, for which the scales are chosen anew, and
// puts the parameters and scales of training back.
func (f *fitter) score(ctx context.Context) error {
	q, averaged := f.quantizer(), f.task.Config.Average > 0
	if q == nil || !averaged {
		return f.scored(ctx)
	}
	trained := f.scales.Clone()
	if err := q.Refresh(f.average); err != nil {
		return err
	}
	err := f.scored(ctx)
	copyParams(f.scales, trained)
	return errors.Join(err, q.Refresh(f.params))
}

// scored is score of the average, whatever that is.
func (f *fitter) scored(ctx context.Context) error {
	score := 0.0
	if v := f.task.Validation; v != nil && v.Len() > 0 {
		var err error
		if score, err = f.accuracy.Accuracy(ctx, v); err != nil {
			return err
		}
	}
	n := float64(f.trained())
	f.History = append(f.History, Epoch{f.Epoch + 1, f.LossSum / n, float64(f.Correct) / n, score, f.delayed()})
	f.Epoch++
	f.Step, f.LossSum, f.Correct = 0, 0, 0
	if f.Best == 0 || score > f.BestScore {
		f.Best, f.BestScore = f.Epoch, score
		copyParams(f.best, f.average)
		copyParams(f.bestScales, f.scales)
	}
	return nil
}
