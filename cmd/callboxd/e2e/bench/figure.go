package bench

import (
	"fmt"
	"math"
	"slices"
)

// Figure is what was measured of one thing.
type Figure struct {
	Value  float64 `json:"value"`          // the median of the rounds
	Low    float64 `json:"low"`            // the smallest of them
	High   float64 `json:"high"`           // the largest
	Rounds int     `json:"rounds"`         // how many there were
	Date   string  `json:"date,omitempty"` // when, if not in this run
}

// One makes a figure of a single value.
func One(v float64) Figure { return Figure{Value: v, Low: v, High: v, Rounds: 1} }

// Of makes a figure of the values of some rounds. No value makes none.
func Of(values []float64) (Figure, bool) {
	if len(values) == 0 || slices.ContainsFunc(values, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }) {
		return Figure{}, false
	}
	return Figure{Value: Quantile(values, 0.5), Low: slices.Min(values), High: slices.Max(values), Rounds: len(values)}, true
}

// Quantile returns the q-quantile (0 to 1) of some values, between two of them in
// proportion; NaN of none.
func Quantile(values []float64, q float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	sorted := slices.Sorted(slices.Values(values))
	at := min(max(q, 0), 1) * float64(len(sorted)-1)
	below := int(at)
	if below == len(sorted)-1 {
		return sorted[below]
	}
	return sorted[below] + (at-float64(below))*(sorted[below+1]-sorted[below])
}

// Set is all that was measured, by the keys of Rows. Own is of callbox, Peer of the peer,
// Ratio the first by the second, each round by itself.
type Set struct {
	Own, Peer, Ratio map[string]Figure
}

// NewSet makes an empty set.
func NewSet() *Set {
	return &Set{Own: map[string]Figure{}, Peer: map[string]Figure{}, Ratio: map[string]Figure{}}
}

// Add adds the rounds of one thing, as measured with callbox and, if it was, with the
// peer in the same rounds.
func (s *Set) Add(key string, own, peer []float64) error {
	f, ok := Of(own)
	if !ok {
		return fmt.Errorf("cannot use the figures of %s: %v", key, own)
	}
	s.Own[key] = f
	if peer == nil {
		return nil
	}
	p, ok := Of(peer)
	if !ok || len(peer) != len(own) {
		return fmt.Errorf("cannot compare the figures of %s: %v with those of the peer, %v", key, own, peer)
	}
	ratios := make([]float64, len(own))
	for i := range own {
		ratios[i] = own[i] / peer[i]
	}
	r, ok := Of(ratios)
	if !ok {
		return fmt.Errorf("cannot compare the figures of %s: %v with those of the peer, %v", key, own, peer)
	}
	s.Peer[key], s.Ratio[key] = p, r
	return nil
}
