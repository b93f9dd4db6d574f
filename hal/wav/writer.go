package wav

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"

	"callbox/hal"
)

const headerBytes = 44

// Writer writes mono 16-bit samples at hal.SampleRate into a WAV file. The
// header on the disk is right after every Flush, so that a crash costs only what
// came after it. One goroutine at a time.
type Writer struct {
	file    *os.File
	pending []byte
	samples int64 // in the file, without pending
}

// Create makes the file, or empties it.
func Create(path string) (*Writer, error) { return open(path, os.O_CREATE|os.O_TRUNC) }

// Append goes on at the end of a file that Create began.
func Append(path string) (*Writer, error) { return open(path, 0) }

func open(path string, flag int) (_ *Writer, err error) {
	f, err := os.OpenFile(path, os.O_RDWR|flag, 0o644)
	if err != nil {
		return nil, fmt.Errorf("cannot write WAV file: %w", err)
	}
	defer func() {
		if err != nil {
			f.Close()
		}
	}()
	w := &Writer{file: f}
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("cannot write WAV file: %w", err)
	}
	if info.Size() == 0 {
		return w, w.Flush()
	}
	var head [headerBytes]byte
	if _, err := f.ReadAt(head[:], 0); err != nil || head != header(int64(binary.LittleEndian.Uint32(head[40:]))/2) {
		return nil, fmt.Errorf("cannot append to %s: %w: it was not written by callbox; move it away", path, ErrFormat)
	}
	w.samples = (info.Size() - headerBytes) / 2
	return w, nil
}

// Write adds samples; they reach the file with the next Flush or Close.
func (w *Writer) Write(samples []int16) {
	for _, s := range samples {
		w.pending = binary.LittleEndian.AppendUint16(w.pending, uint16(s))
	}
}

// Flush writes what is pending and the header for it. The size in the header
// stops at the 4 GiB that it can hold.
func (w *Writer) Flush() error {
	if _, err := w.file.WriteAt(w.pending, headerBytes+2*w.samples); err != nil {
		return fmt.Errorf("cannot write WAV file: %w", err)
	}
	w.samples += int64(len(w.pending) / 2)
	w.pending = w.pending[:0]
	head := header(w.samples)
	if _, err := w.file.WriteAt(head[:], 0); err != nil {
		return fmt.Errorf("cannot write WAV file: %w", err)
	}
	return nil
}

// Close flushes and closes the file.
func (w *Writer) Close() error { return errors.Join(w.Flush(), w.file.Close()) }

// header returns the 44 bytes before the data of a file with that many samples.
func header(samples int64) (h [headerBytes]byte) {
	data := uint32(min(2*samples, math.MaxUint32-headerBytes) &^ 1)
	le := binary.LittleEndian
	copy(h[0:], "RIFF")
	le.PutUint32(h[4:], data+headerBytes-8)
	copy(h[8:], "WAVEfmt ")
	le.PutUint32(h[16:], 16)
	le.PutUint16(h[20:], tagPCM)
	le.PutUint16(h[22:], 1)
	le.PutUint32(h[24:], hal.SampleRate)
	le.PutUint32(h[28:], 2*hal.SampleRate)
	le.PutUint16(h[32:], 2)
	le.PutUint16(h[34:], 16)
	copy(h[36:], "data")
	le.PutUint32(h[40:], data)
	return h
}
