package task

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// AccuracyOf is the share of answers that are the label. It panics if the lengths
// differ, and is NaN for none.
func AccuracyOf(labels, answers []int) float64 {
	same(len(labels), len(answers))
	right := 0
	for i, l := range labels {
		if answers[i] == l {
			right++
		}
	}
	return float64(right) / float64(len(labels))
}

// AUCOf is the area under the curve of the receiver operating characteristic of two
// classes: the chance that a sample of label 1 has a larger score than one of label 0,
// where equal scores count half. It is
//
//	(sum of the ranks of label 1 - n1 (n1+1)/2) / (n0 n1)
//
// with mean ranks for equal scores, computed in integers but for the division. It
// returns an error if a class has no sample or a score is not a number. It panics if the
// lengths differ.
//
// Reference: Hanley and McNeil, "The meaning and use of the area under a receiver
// operating characteristic (ROC) curve", Radiology 143 (1982).
func AUCOf(labels []int, scores []float32) (float64, error) {
	same(len(labels), len(scores))
	var count [2]int64
	for i, l := range labels {
		if l != 0 && l != 1 {
			return 0, fmt.Errorf("task: AUC: label %d of sample %d is neither 0 nor 1", l, i)
		}
		if scores[i] != scores[i] {
			return 0, fmt.Errorf("task: AUC: the score of sample %d is not a number", i)
		}
		count[l]++
	}
	for l, n := range count {
		if n == 0 {
			return 0, fmt.Errorf("task: AUC: no sample has label %d", l)
		}
	}
	order := make([]int, len(scores))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(scores[a], scores[b]) })
	twice := int64(0) // pairs that are in order, twice; equal ones once
	below := int64(0) // samples of label 0 with smaller scores
	for from := 0; from < len(order); {
		to := from
		var equal [2]int64
		for to < len(order) && scores[order[to]] == scores[order[from]] {
			equal[labels[order[to]]]++
			to++
		}
		twice += equal[1] * (2*below + equal[0])
		below += equal[0]
		from = to
	}
	return float64(twice) / float64(2*count[0]*count[1]), nil
}

// RegressionOf are the metrics of numbers: want and got have targets of them a sample,
// one sample after the other. Of a target with errors e = got - want over n samples
//
//	RMSE = sqrt(sum e^2 / n)
//	MAE  = sum |e| / n
//	R2   = 1 - sum e^2 / sum (want - mean of want)^2
//
// and of several targets the mean of theirs. The R2 of a target that is constant is 1
// where all errors are 0, and 0 else, as scikit-learn has it. It panics if the lengths
// differ or do not divide into targets; for no sample all are NaN.
func RegressionOf(want, got []float32, targets int) (rmse, mae, r2 float64) {
	same(len(want), len(got))
	if targets < 1 || len(want)%targets != 0 {
		panic(fmt.Sprintf("task: %d numbers for %d targets", len(want), targets))
	}
	n := float64(len(want) / targets)
	for t := range targets {
		sum := 0.0
		for i := t; i < len(want); i += targets {
			sum += float64(want[i])
		}
		mean := sum / n
		square, magnitude, spread := 0.0, 0.0, 0.0
		for i := t; i < len(want); i += targets {
			e, d := float64(got[i])-float64(want[i]), float64(want[i])-mean
			square += float64(e * e)
			magnitude += math.Abs(e)
			spread += float64(d * d)
		}
		rmse += math.Sqrt(square / n)
		mae += magnitude / n
		switch {
		case spread > 0:
			r2 += 1 - square/spread
		case square == 0:
			r2++
		}
	}
	k := float64(targets)
	if n == 0 {
		return math.NaN(), math.NaN(), math.NaN()
	}
	return rmse / k, mae / k, r2 / k
}

func same(a, b int) {
	if a != b {
		panic(fmt.Sprintf("task: %d answers for %d samples", b, a))
	}
}
