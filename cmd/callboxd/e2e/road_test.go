//go:build e2e && network

package e2e

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// The two ends of a road: the phone's browser runs on this machine's network, the
// device in a network namespace of its own.
const (
	phoneEnd   = "10.213.7.1"
	deviceEnd  = "10.213.7.2"
	phoneNext  = "10.213.7.11" // when they move
	deviceNext = "10.213.7.12"
	roadPhone  = "cbxphone"
	roadHere   = "cbxdevice"
)

// weather is what a road does to packets, each way.
type roadWeather struct {
	rate   float64       // bit/s; 0: no limit
	queue  int           // bytes that wait at most
	delay  time.Duration // each way
	jitter time.Duration // more, at random, and with it another order
	loss   float64       // at random
	burst  float64       // chance that 100 ms begin in which half is lost
	down   bool
}

// road carries IP packets between two TUN devices, as a network would: the kernel of a
// test machine may have no netem.
type road struct {
	namespace string
	ends      [2]*os.File

	mu      sync.Mutex
	weather roadWeather
	ways    [2]*roadWay
	rand    *rand.Rand
	work    sync.WaitGroup
}

// roadWay is one direction.
type roadWay struct {
	out   *os.File
	busy  time.Time // the bottleneck is, until then
	bad   time.Time
	queue roadQueue
	wake  chan struct{}
	stop  chan struct{}
}

type roadPacket struct {
	at    time.Time
	order uint64
	data  []byte
}

type roadQueue []roadPacket

func (q roadQueue) Len() int { return len(q) }
func (q roadQueue) Less(i, j int) bool {
	return q[i].at.Before(q[j].at) || q[i].at.Equal(q[j].at) && q[i].order < q[j].order
}
func (q roadQueue) Swap(i, j int) { q[i], q[j] = q[j], q[i] }
func (q *roadQueue) Push(x any)   { *q = append(*q, x.(roadPacket)) } //nolint:forcetypeassert // container/heap
func (q *roadQueue) Pop() any {
	old := *q
	last := old[len(old)-1]
	*q = old[:len(old)-1]
	return last
}

// newRoad builds a road; it needs root.
func newRoad(t *testing.T, w roadWeather) *road {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("cannot build a network: run make test-network as root")
	}
	r := &road{namespace: fmt.Sprintf("cbx%d", os.Getpid()), weather: w, rand: rand.New(rand.NewPCG(1, 2))}
	run(t, "ip", "netns", "add", r.namespace)
	t.Cleanup(func() { run(t, "ip", "netns", "del", r.namespace) })
	run(t, "ip", "-n", r.namespace, "link", "set", "lo", "up")
	r.ends[0] = openTUN(t, "", roadPhone)
	r.ends[1] = openTUN(t, r.namespace, roadHere)
	run(t, "ip", "addr", "add", phoneEnd+"/24", "dev", roadPhone)
	run(t, "ip", "link", "set", roadPhone, "up")
	run(t, "ip", "-n", r.namespace, "addr", "add", deviceEnd+"/24", "dev", roadHere)
	run(t, "ip", "-n", r.namespace, "link", "set", roadHere, "up")
	for i := range r.ways {
		w := &roadWay{out: r.ends[1-i], wake: make(chan struct{}, 1), stop: make(chan struct{})}
		r.ways[i] = w
		r.work.Go(func() { r.read(r.ends[i], w) })
		r.work.Go(func() { r.deliver(w) })
	}
	t.Cleanup(func() {
		for i, w := range r.ways {
			close(w.stop)
			_ = r.ends[i].Close()
		}
		r.work.Wait()
	})
	return r
}

func (r *road) set(w roadWeather) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.weather = w
}

// read takes what one end sends.
func (r *road) read(from *os.File, w *roadWay) {
	buf := make([]byte, 1<<16)
	for order := uint64(0); ; order++ {
		n, err := from.Read(buf)
		if err != nil {
			return
		}
		r.mu.Lock()
		if at, ok := r.pass(w, n); ok {
			heap.Push(&w.queue, roadPacket{at, order, append([]byte(nil), buf[:n]...)})
		}
		r.mu.Unlock()
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// pass returns when a packet arrives; mu is held.
func (r *road) pass(w *roadWay, size int) (time.Time, bool) {
	now, is := time.Now(), r.weather
	if is.down || r.rand.Float64() < is.loss {
		return now, false
	}
	if is.burst > 0 {
		if r.rand.Float64() < is.burst {
			w.bad = now.Add(100 * time.Millisecond)
		}
		if now.Before(w.bad) && r.rand.Float64() < 0.5 {
			return now, false
		}
	}
	at := now
	if is.rate > 0 {
		if w.busy.After(now) {
			at = w.busy
		}
		if at.Sub(now).Seconds()*is.rate/8 > float64(is.queue) {
			return now, false
		}
		at = at.Add(time.Duration(float64(size*8) / is.rate * float64(time.Second)))
		w.busy = at
	}
	return at.Add(is.delay + time.Duration(r.rand.Float64()*float64(is.jitter))), true
}

func (r *road) deliver(w *roadWay) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		wait := time.Hour
		r.mu.Lock()
		for len(w.queue) > 0 {
			if wait = time.Until(w.queue[0].at); wait > 0 {
				break
			}
			wait = time.Hour
			p, _ := heap.Pop(&w.queue).(roadPacket)
			r.mu.Unlock()
			_, _ = w.out.Write(p.data) // an interface that is down takes nothing
			r.mu.Lock()
		}
		r.mu.Unlock()
		timer.Reset(wait)
		select {
		case <-w.stop:
			return
		case <-w.wake:
		case <-timer.C:
		}
	}
}

// openTUN makes a TUN device in a namespace; "": in this one.
func openTUN(t *testing.T, namespace, name string) *os.File {
	t.Helper()
	type result struct {
		file *os.File
		err  error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		f, err := tun(namespace, name)
		done <- result{f, err}
	}()
	got := <-done
	if got.err != nil {
		t.Fatalf("cannot make the TUN device %s: %v", name, got.err)
	}
	return got.file
}

func tun(namespace, name string) (*os.File, error) {
	if namespace != "" {
		ns, err := os.Open("/run/netns/" + namespace)
		if err != nil {
			return nil, err
		}
		defer func() { _ = ns.Close() }()
		if err := unix.Setns(int(ns.Fd()), unix.CLONE_NEWNET); err != nil {
			return nil, err
		}
	}
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	req, err := unix.NewIfreq(name)
	if err != nil {
		return nil, err
	}
	req.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, req); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), name), nil
}

func run(t *testing.T, words ...string) {
	t.Helper()
	if out, err := exec.Command(words[0], words[1:]...).CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(words, " "), err, out)
	}
}
