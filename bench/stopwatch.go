package bench

import "time"

// stopwatch is an instant, by the wall and by this process's processor time.
type stopwatch struct {
	wall time.Time
	cpu  time.Duration
}

func begin() stopwatch { return stopwatch{time.Now(), processorTime()} }

// until is the seconds from s to end, times factor.
func (s stopwatch) until(end stopwatch, factor float64) reading {
	return reading{wall: end.wall.Sub(s.wall).Seconds() * factor, cpu: (end.cpu - s.cpu).Seconds() * factor}
}
