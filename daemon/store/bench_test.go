package store

import (
	"fmt"
	"testing"

	"callbox/signaling/cause"
)

// BenchmarkCall is what one call costs: Begin and End, two durable transactions.
func BenchmarkCall(b *testing.B) {
	for _, kept := range []int{0, 10_000} {
		b.Run(fmt.Sprint(kept, " records"), func(b *testing.B) {
			s := filled(b, kept)
			for b.Loop() {
				r := begin(b, s, full("room"))
				r.Cause = cause.Hangup
				end(b, s, r)
			}
		})
	}
}

// BenchmarkCheckpoint is one Update of a talk with a budget.
func BenchmarkCheckpoint(b *testing.B) {
	s := filled(b, 1000)
	r := begin(b, s, full("room"))
	for b.Loop() {
		if err := s.UpdateWith(r, map[string]Budget{"contact:a": {UsedSeconds: 1}}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRecords(b *testing.B) {
	s := filled(b, 10_000)
	for name, q := range map[string]Query{
		"all": {}, "a page": {Limit: 50}, "the last page": {Limit: 50, After: 51}, "of a contact": {Contact: "Ben"},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				s.Records(q)
			}
		})
	}
}

// BenchmarkOpen reads and checks a file of 10,000 records.
func BenchmarkOpen(b *testing.B) {
	s := filled(b, 10_000)
	dir := s.Dir()
	crash(s)
	for b.Loop() {
		s, err := open(files{dir: dir}, Options{}, fixed, currentSchema())
		if err != nil {
			b.Fatal(err)
		}
		crash(s)
	}
}

// filled is a store with n records, in one write.
func filled(b *testing.B, n int) *Store {
	s := openWith(b, b.TempDir(), Options{Retention: Retention{Keep: max(n, 100)}})
	for i := range n {
		r := full(fmt.Sprint("room ", i))
		r.ID = s.next
		s.next++
		s.list = append(s.list, r)
	}
	s.file.anew = true
	if err := s.commit(); err != nil {
		b.Fatal(err)
	}
	return s
}
