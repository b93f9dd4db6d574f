package avcodec

/*
#include <stdlib.h>
#include "load.h"
*/
import "C"

import (
	"errors"
	"image"
	"time"
	"unsafe"

	"callbox/media/codec/h264"
	"callbox/media/codec/internal/heap"
	"callbox/media/codec/picture"
)

// ErrStuck means that a driver did not answer in time. Its encoder is given up: a thread
// and the encoder's memory stay with it until it answers.
var ErrStuck = errors.New("the driver does not answer")

// How long a driver may take.
const (
	openLimit   = 3 * time.Second // firmware may have to be loaded first
	encodeLimit = time.Second     // 30 pictures
	closeLimit  = 2 * time.Second
)

// worker is an open encoder of the plugin with a goroutine that waits for it. The caller
// touches c only while the goroutine has nothing to do.
type worker struct {
	lib   *Library
	todo  chan job
	done  chan error // one for each job; never waited for by the goroutine
	ended chan struct{}
	timer *time.Timer
	stuck bool

	c      *C.callbox_avcodec_encoder
	packet C.callbox_avcodec_packet // of the last job
	why    text
}

// job is a picture to encode; it was loaded before.
type job struct {
	pts int64
	key bool
}

// startWorker opens an encoder.
func startWorker(lib *Library, name string, p picture.Params, bitrate int) (*worker, error) {
	heap.MapPictures()
	w := &worker{
		lib: lib, todo: make(chan job), done: make(chan error, 1), ended: make(chan struct{}),
		timer: time.NewTimer(openLimit),
	}
	level := h264.Level(p.Width, p.Height, p.FrameRate, p.Bitrate)
	go w.run(name, p, bitrate, level)
	if err := w.wait(); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *worker) run(name string, p picture.Params, bitrate int, level byte) {
	defer close(w.ended)
	err := w.open(name, p, bitrate, level)
	w.done <- err
	for j := range w.todo {
		key := C.int(0)
		if j.key {
			key = 1
		}
		w.done <- w.failure(C.callbox_avcodec_encode(w.lib.c, w.c, C.int64_t(j.pts), key, &w.packet, w.why.c(), w.why.size()))
	}
	if err == nil {
		C.callbox_avcodec_close(w.lib.c, w.c)
		heap.Trim()
	}
}

func (w *worker) open(name string, p picture.Params, bitrate int, level byte) error {
	params := (*C.callbox_avcodec_params)(C.calloc(1, C.sizeof_callbox_avcodec_params))
	defer C.free(unsafe.Pointer(params))
	params.name = C.CString(name)
	defer C.free(unsafe.Pointer(params.name))
	params.width, params.height = C.int32_t(p.Width), C.int32_t(p.Height)
	params.bitrate, params.millirate, params.level = C.int32_t(bitrate), C.int32_t(p.FrameRate*1000), C.int32_t(level)
	return w.failure(C.callbox_avcodec_open(w.lib.c, params, &w.c, w.why.c(), w.why.size()))
}

func (w *worker) failure(rc C.int) error {
	if rc == 0 {
		return nil
	}
	return errors.New(w.why.String())
}

// wait waits for a job until the timer ends.
func (w *worker) wait() error {
	select {
	case err := <-w.done:
		return err
	case <-w.timer.C:
		w.stuck = true
		return ErrStuck
	}
}

// encode encodes a picture. The result may be an earlier one, and its data is valid until
// the next call; nil: none came.
func (w *worker) encode(img *image.YCbCr, pts int64, key bool) (data []byte, of int64, err error) {
	if w.stuck {
		return nil, 0, ErrStuck
	}
	if err := w.failure(C.callbox_avcodec_load_picture(w.lib.c, w.c,
		(*C.uint8_t)(unsafe.Pointer(&img.Y[0])), (*C.uint8_t)(unsafe.Pointer(&img.Cb[0])), (*C.uint8_t)(unsafe.Pointer(&img.Cr[0])),
		C.int(img.YStride), C.int(img.CStride), w.why.c(), w.why.size())); err != nil {
		return nil, 0, err
	}
	w.timer.Reset(encodeLimit)
	w.todo <- job{pts: pts, key: key}
	if err := w.wait(); err != nil {
		return nil, 0, err
	}
	if w.packet.data == nil {
		return nil, 0, nil
	}
	return unsafe.Slice((*byte)(w.packet.data), int(w.packet.size)), int64(w.packet.pts), nil
}

// bitrate changes the rate; false: this encoder cannot.
func (w *worker) bitrate(bps int) bool {
	return !w.stuck && C.callbox_avcodec_bitrate(w.lib.c, w.c, C.int32_t(bps)) != 0
}

// close frees the encoder, or leaves that to the goroutine of one that is stuck.
func (w *worker) close() {
	close(w.todo)
	defer w.timer.Stop()
	if w.stuck {
		return
	}
	w.timer.Reset(closeLimit)
	select {
	case <-w.ended:
	case <-w.timer.C:
	}
}
