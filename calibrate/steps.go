package calibrate

// stepQueue gives the scales at which falling magnitudes m round to the next
// integer, m/(k - 1/2) for k = 1..levels, from the largest on. They fall along the
// magnitudes for each k, so that it merges levels lists: a heap has the head of
// each one that has begun, and k begins behind k-1.
type stepQueue struct {
	magnitudes []float64 // falling
	levels     int
	heads      []stepHead // a heap: no head is above its parent
}

// stepHead is where magnitude i rounds to the integer to.
type stepHead struct {
	at    float64
	to, i int
}

func newStepQueue(magnitudes []float64, levels int) *stepQueue {
	q := &stepQueue{magnitudes: magnitudes, levels: levels, heads: make([]stepHead, 0, levels)}
	q.heads = append(q.heads, q.head(1, 0))
	return q
}

func (q *stepQueue) head(to, i int) stepHead {
	return stepHead{q.magnitudes[i] / (float64(to) - 0.5), to, i}
}

// next takes the first step: which magnitude becomes which integer.
func (q *stepQueue) next() (magnitude float64, to int) {
	top := q.heads[0]
	if top.i+1 < len(q.magnitudes) {
		q.sink(q.head(top.to, top.i+1))
	} else {
		last := len(q.heads) - 1
		end := q.heads[last]
		if q.heads = q.heads[:last]; last > 0 {
			q.sink(end)
		}
	}
	if top.i == 0 && top.to < q.levels {
		q.push(q.head(top.to+1, 0))
	}
	return q.magnitudes[top.i], top.to
}

// sink puts h in the place of the first head, and then where it belongs.
func (q *stepQueue) sink(h stepHead) {
	at, all := 0, q.heads
	for {
		child := 2*at + 1
		if child >= len(all) {
			break
		}
		if child+1 < len(all) && all[child+1].at > all[child].at {
			child++
		}
		if all[child].at <= h.at {
			break
		}
		all[at] = all[child]
		at = child
	}
	all[at] = h
}

// push adds h.
func (q *stepQueue) push(h stepHead) {
	q.heads = append(q.heads, h)
	at := len(q.heads) - 1
	for at > 0 {
		parent := (at - 1) / 2
		if q.heads[parent].at >= h.at {
			break
		}
		q.heads[at] = q.heads[parent]
		at = parent
	}
	q.heads[at] = h
}
