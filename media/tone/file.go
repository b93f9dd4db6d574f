package tone

import (
	"errors"
	"fmt"
	"os"
	"time"

	"callbox/hal"
	"callbox/hal/wav"
)

// MaxLength is the longest sound that ReadFile takes.
const MaxLength = 30 * time.Second

// Why a file cannot be a sound, beside the errors of the operating system.
var (
	// ErrTooLong means that a file plays for more than MaxLength.
	ErrTooLong = errors.New("sound is too long")
	// ErrNoFile means that a path names a directory, a pipe or a device.
	ErrNoFile = errors.New("not a regular file")
	// ErrFormat means that a file is not a WAV file that wav.Decode understands.
	ErrFormat = wav.ErrFormat
)

// ReadFile reads a WAV file (16-bit PCM, 1 to 8 channels, 8 to 192 kHz) as mono
// samples at hal.SampleRate, at most MaxLength of them. Its level is the file's.
// Errors: ErrTooLong, ErrNoFile, ErrFormat, and those of os.Open.
func ReadFile(path string) ([]int16, error) {
	pcm, err := read(path)
	if err != nil {
		return nil, fmt.Errorf("cannot use %s as a sound: %w", path, err)
	}
	return pcm, nil
}

func read(path string) ([]int16, error) {
	info, err := os.Stat(path) // before it is opened: a pipe would wait for a writer
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, ErrNoFile
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	pcm, err := wav.Decode(f)
	if err != nil {
		return nil, err
	}
	if length := time.Duration(len(pcm)) * time.Second / hal.SampleRate; length > MaxLength {
		return nil, fmt.Errorf("%w: %.1f s; allowed: %.0f s", ErrTooLong, length.Seconds(), MaxLength.Seconds())
	}
	return pcm, nil
}
