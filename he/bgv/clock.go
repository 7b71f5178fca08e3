package bgv

import (
	"time"

	"qtool/he"
)

// startClocks begins to time the program's nodes.
func (s *evaluator) startClocks() {
	s.clocks = make([]clock, len(s.workers))
	for i := range s.clocks {
		s.clocks[i].nodes = make([]time.Duration, len(s.plan.program.Nodes))
	}
}

// nodeSeconds is the evaluation time of each node, summed over workers and
// scaled up from the tiles that were timed. Rescales belong to no node.
func (s *evaluator) nodeSeconds() he.NodeSeconds {
	seconds := make(he.NodeSeconds, len(s.plan.program.Nodes))
	blocks := s.plan.Slots() / block
	timed := (blocks + clockEvery - 1) / clockEvery
	for i := range s.clocks {
		for k, d := range s.clocks[i].nodes {
			seconds[k] += d.Seconds() * float64(blocks) / float64(timed)
		}
	}
	return seconds
}
