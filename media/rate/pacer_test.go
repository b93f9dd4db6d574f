package rate

import (
	"slices"
	"testing"
	"time"
)

// TestPacerKeepsOrder while its memory is used again, and gives back what it forgets.
func TestPacerKeepsOrder(t *testing.T) {
	var p Pacer[int]
	p.SetRate(8_000_000) // 1 ms for 1000 bytes
	now, pushed, next := time.Hour, 0, 0
	push := func(n int) {
		for range n {
			p.Push(1000, pushed)
			pushed++
		}
	}
	pop := func(n int) {
		for range n {
			now += time.Millisecond
			item, pad, ok, _ := p.Next(now)
			if !ok || pad != 0 || item.Value != next || item.Size != 1000 {
				t.Fatalf("%+v, %d, %v, want packet %d", item, pad, ok, next)
			}
			next++
		}
	}
	push(7)
	for range 50 { // there is always something in the queue
		push(3)
		pop(2)
		push(1)
		pop(2)
	}
	if n := testing.AllocsPerRun(100, func() { push(5); pop(5) }); n != 0 {
		t.Errorf("5 packets allocate %v times", n)
	}
	if want := 7 * time.Millisecond; p.Backlog() != want {
		t.Errorf("Backlog = %v, want %v", p.Backlog(), want)
	}
	var gone []int
	p.Drop(func(v int) { gone = append(gone, v) })
	if want := []int{next, next + 1, next + 2, next + 3, next + 4, next + 5, next + 6}; !slices.Equal(gone, want) || p.Backlog() != 0 {
		t.Errorf("forgot %v, want %v; backlog %v", gone, want, p.Backlog())
	}
	if _, _, ok, wait := p.Next(now + time.Second); ok || wait != 0 {
		t.Error("there is something left")
	}
	next = pushed
	push(2)
	pop(2)
}
