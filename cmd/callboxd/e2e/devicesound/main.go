//go:build device

// Devicesound is a person at the device, in the virtual machine of make
// test-device: it beeps into the microphone and hears what the speaker plays, over the
// other ends of a loopback card. It prints when it began to beep and when it heard a beep
// begin, in seconds on the boot clock: "spoke 12.345", "heard 12.678". aplay and arecord
// are started again when the card is gone.
//
//	devicesound every long
//
// says how long it is from beep to beep, and how long one is.
package main

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	rate  = 48000
	chunk = rate / 100      // samples that are written or read at a time: 10 ms
	hz    = 997             // of a beep
	loud  = 3000            // of a sample that belongs to one
	pause = rate * 15 / 100 // samples of quiet after which a beep is another one
	again = 100 * time.Millisecond
)

// pipeSize keeps what lies between us and the card short and of one length:
// aplay begins with a full buffer also after an underrun, and we always have more.
const pipeSize = 4096

// card are the arguments of aplay and arecord.
var card = []string{"-q", "-t", "raw", "-D", "plughw:Loopback,1,0", "-f", "S16_LE", "-c", "1", "-r", "48000", "-B", "200000", "-F", "20000"}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "devicesound:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("cannot beep: %d arguments, want how long from beep to beep, and how long one is", len(args))
	}
	every, err := time.ParseDuration(args[0])
	if err != nil {
		return fmt.Errorf("cannot beep: %w", err)
	}
	long, err := time.ParseDuration(args[1])
	if err != nil {
		return fmt.Errorf("cannot beep: %w", err)
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	var ends sync.WaitGroup
	ends.Go(func() { repeat(ctx, func() error { return speak(ctx, samples(every), samples(long)) }) })
	ends.Go(func() { repeat(ctx, func() error { return hear(ctx) }) })
	ends.Wait()
	return nil
}

func samples(d time.Duration) int { return int(d * rate / time.Second) }

// repeat does it again until ctx ends.
func repeat(ctx context.Context, do func() error) {
	for ctx.Err() == nil {
		if err := do(); err != nil && ctx.Err() == nil {
			fmt.Fprintln(os.Stderr, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(again):
		}
	}
}

// boot is CLOCK_BOOTTIME in seconds.
func boot() float64 {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &t); err != nil {
		panic(err) // the kernel is older than the clock
	}
	return float64(t.Nano()) / 1e9
}

// speak beeps until the card is gone.
func speak(ctx context.Context, every, long int) error {
	r, w, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("cannot speak: %w", err)
	}
	defer w.Close()
	if _, err := unix.FcntlInt(w.Fd(), unix.F_SETPIPE_SZ, pipeSize); err != nil {
		return fmt.Errorf("cannot speak: %w", err)
	}
	play := exec.CommandContext(ctx, "aplay", card...)
	play.Stdin, play.Stderr = r, os.Stderr
	if err := play.Start(); err != nil {
		return fmt.Errorf("cannot speak: %w", err)
	}
	_ = r.Close()
	pcm := make([]byte, 2*chunk)
	for at := 0; ; at = (at + chunk) % every {
		for i := range chunk {
			v := 0.0
			if at+i < long {
				v = 10000 * math.Sin(2*math.Pi*hz*float64(at+i)/rate)
			}
			binary.LittleEndian.PutUint16(pcm[2*i:], uint16(int16(v)))
		}
		if _, err := w.Write(pcm); err != nil {
			break // aplay says why
		}
		if at == 0 {
			fmt.Printf("spoke %.3f\n", boot())
		}
	}
	return play.Wait()
}

// hear listens until the card is gone.
func hear(ctx context.Context) error {
	record := exec.CommandContext(ctx, "arecord", card...)
	record.Stderr = os.Stderr
	out, err := record.StdoutPipe()
	if err != nil {
		return fmt.Errorf("cannot hear: %w", err)
	}
	if err := record.Start(); err != nil {
		return fmt.Errorf("cannot hear: %w", err)
	}
	pcm := make([]byte, 2*chunk)
	for quiet := pause; ; {
		if _, err := io.ReadFull(out, pcm); err != nil {
			break // arecord says why
		}
		now := boot()
		for i := range chunk {
			quiet++
			if v := int16(binary.LittleEndian.Uint16(pcm[2*i:])); v < loud {
				continue
			}
			if quiet > pause {
				fmt.Printf("heard %.3f\n", now-float64(chunk-i)/rate)
			}
			quiet = 0
		}
	}
	return record.Wait()
}
