package vpx

/*
#cgo CFLAGS: -O2 -DNDEBUG
#cgo pkg-config: vpx
#include <stdlib.h>
#include <string.h>
#include <vpx/vpx_encoder.h>
#include <vpx/vp8cx.h>

typedef struct {
	vpx_codec_ctx_t ctx;
	vpx_codec_enc_cfg_t cfg;
	vpx_image_t img;
	vpx_codec_iter_t iter; // of the packets of one picture
	size_t len;            // of the packet that was returned last
	int key;
} callbox_encoder;

static vpx_codec_err_t callbox_encoder_new(callbox_encoder **out, unsigned w, unsigned h,
		unsigned kbits, unsigned threads) {
	*out = NULL;
	callbox_encoder *e = calloc(1, sizeof *e);
	if (!e) return VPX_CODEC_MEM_ERROR;
	vpx_codec_err_t err = vpx_codec_enc_config_default(vpx_codec_vp8_cx(), &e->cfg, 0);
	if (err) { free(e); return err; }
	e->cfg.g_w = w;
	e->cfg.g_h = h;
	e->cfg.g_threads = threads;
	e->cfg.g_timebase.num = 1;
	e->cfg.g_timebase.den = 90000;
	e->cfg.g_error_resilient = 0;
	e->cfg.g_lag_in_frames = 0;
	e->cfg.g_pass = VPX_RC_ONE_PASS;
	e->cfg.rc_end_usage = VPX_CBR;
	e->cfg.rc_target_bitrate = kbits;
	e->cfg.rc_min_quantizer = 2;
	e->cfg.rc_max_quantizer = 56;
	e->cfg.rc_undershoot_pct = 100;
	e->cfg.rc_overshoot_pct = 15;
	e->cfg.rc_buf_initial_sz = 500;
	e->cfg.rc_buf_optimal_sz = 600;
	e->cfg.rc_buf_sz = 1000;
	e->cfg.rc_dropframe_thresh = 0;
	e->cfg.rc_resize_allowed = 0;
	e->cfg.kf_mode = VPX_KF_DISABLED;
	err = vpx_codec_enc_init(&e->ctx, vpx_codec_vp8_cx(), &e->cfg, 0);
	if (err) { free(e); return err; }
	vpx_codec_control(&e->ctx, VP8E_SET_CPUUSED, -8);
	vpx_codec_control(&e->ctx, VP8E_SET_STATIC_THRESHOLD, 1);
	vpx_codec_control(&e->ctx, VP8E_SET_NOISE_SENSITIVITY, 0);
	vpx_codec_control(&e->ctx, VP8E_SET_TOKEN_PARTITIONS, VP8_ONE_TOKENPARTITION);
	// At most the bits of 9 frames for a keyframe: half of the optimal buffer.
	vpx_codec_control(&e->ctx, VP8E_SET_MAX_INTRA_BITRATE_PCT, 900);
	vpx_img_wrap(&e->img, VPX_IMG_FMT_I420, w, h, 1, (unsigned char *)e);
	*out = e;
	return VPX_CODEC_OK;
}

// The planes are arguments, not members of a struct, so that they may be Go
// memory; libvpx copies them before it returns.
static vpx_codec_err_t callbox_encoder_encode(callbox_encoder *e, unsigned char *y, unsigned char *u,
		unsigned char *v, int ystride, int cstride, int64_t pts, unsigned long duration, int key) {
	e->iter = NULL;
	e->img.planes[VPX_PLANE_Y] = y;
	e->img.planes[VPX_PLANE_U] = u;
	e->img.planes[VPX_PLANE_V] = v;
	e->img.stride[VPX_PLANE_Y] = ystride;
	e->img.stride[VPX_PLANE_U] = cstride;
	e->img.stride[VPX_PLANE_V] = cstride;
	vpx_codec_err_t err = vpx_codec_encode(&e->ctx, &e->img, pts, duration,
		key ? VPX_EFLAG_FORCE_KF : 0, VPX_DL_REALTIME);
	e->img.planes[VPX_PLANE_Y] = e->img.planes[VPX_PLANE_U] = e->img.planes[VPX_PLANE_V] = NULL;
	return err;
}

// callbox_encoder_packet returns the next part of the frame, NULL after the last. What
// is said of it stands in e: Go would allocate arguments.
static void *callbox_encoder_packet(callbox_encoder *e) {
	const vpx_codec_cx_pkt_t *p;
	while ((p = vpx_codec_get_cx_data(&e->ctx, &e->iter))) {
		if (p->kind != VPX_CODEC_CX_FRAME_PKT) continue;
		e->len = p->data.frame.sz;
		e->key = (p->data.frame.flags & VPX_FRAME_IS_KEY) != 0;
		return p->data.frame.buf;
	}
	return NULL;
}

static vpx_codec_err_t callbox_encoder_bitrate(callbox_encoder *e, unsigned kbits) {
	e->cfg.rc_target_bitrate = kbits;
	return vpx_codec_enc_config_set(&e->ctx, &e->cfg);
}

static void callbox_encoder_free(callbox_encoder *e) {
	vpx_codec_destroy(&e->ctx);
	free(e);
}
*/
import "C"

import (
	"errors"
	"fmt"
	"image"
	"runtime"
	"sync"
	"time"
	"unsafe"

	"callbox/media/codec/internal/heap"
	"callbox/media/codec/picture"
)

// Encoder is a picture.Encoder for VP8.
type Encoder struct {
	mu      sync.Mutex
	c       *C.callbox_encoder // nil after Close
	p       picture.Params
	buf     []byte
	keys    picture.Keys
	first   time.Duration
	lastPTS int64
}

// NewEncoder makes an encoder; its first picture is a keyframe.
func NewEncoder(p picture.Params) (*Encoder, error) {
	if err := p.Check("VP8", 16382); err != nil {
		return nil, err
	}
	heap.MapPictures()
	e := &Encoder{p: p, lastPTS: -1, keys: picture.Keys{Interval: p.KeyframeInterval}}
	var rc C.vpx_codec_err_t
	heap.Opening(func() {
		rc = C.callbox_encoder_new(&e.c, C.uint(p.Width), C.uint(p.Height), C.uint(p.Bitrate/1000), C.uint(threads(p.Width, p.Height)))
	})
	if rc != 0 {
		return nil, fmt.Errorf("cannot open the VP8 encoder: %w", codecError(rc))
	}
	return e, nil
}

// threads leaves a core to the rest; more threads than rows of work only wait.
func threads(w, h int) int {
	switch cores := runtime.NumCPU(); {
	case w*h > 1280*960 && cores >= 6:
		return 3
	case w*h > 640*480 && cores >= 3:
		return 2
	default:
		return 1
	}
}

// Encode implements picture.Encoder.
func (e *Encoder) Encode(img *image.YCbCr, captured time.Duration) (picture.Frame, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.c == nil {
		return picture.Frame{}, picture.ErrClosed
	}
	if err := picture.Fits(img, e.p.Width, e.p.Height); err != nil {
		return picture.Frame{}, err
	}
	key := e.keys.Due(captured)
	if e.lastPTS < 0 {
		e.first = captured
	}
	// libvpx wants pts that grow; two pictures of one instant do not happen, but
	// a driver's clock must not be able to stop the call.
	pts := max(int64((captured-e.first)*90/time.Millisecond), e.lastPTS+1)
	rc := C.callbox_encoder_encode(e.c,
		(*C.uchar)(unsafe.Pointer(&img.Y[0])), (*C.uchar)(unsafe.Pointer(&img.Cb[0])), (*C.uchar)(unsafe.Pointer(&img.Cr[0])),
		C.int(img.YStride), C.int(img.CStride), C.int64_t(pts), C.ulong(90000/e.p.FrameRate), cbool(key))
	if rc != 0 {
		return picture.Frame{}, fmt.Errorf("cannot encode a picture: %w", codecError(rc))
	}
	e.lastPTS = pts
	f := picture.Frame{Captured: captured, Encoder: "libvpx"}
	e.buf = e.buf[:0]
	for p := C.callbox_encoder_packet(e.c); p != nil; p = C.callbox_encoder_packet(e.c) {
		e.buf = append(e.buf, unsafe.Slice((*byte)(p), int(e.c.len))...)
		f.Key = f.Key || e.c.key != 0
	}
	f.Data = e.buf
	if f.Key {
		e.keys.Made(captured)
	}
	return f, nil
}

// ForceKeyFrame implements picture.Encoder.
func (e *Encoder) ForceKeyFrame() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.c == nil {
		return picture.ErrClosed
	}
	e.keys.Ask()
	return nil
}

// SetBitRate changes the rate that the encoder aims at, in bit/s.
func (e *Encoder) SetBitRate(bps int) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.c == nil {
		return picture.ErrClosed
	}
	if bps < 1000 {
		return fmt.Errorf("cannot encode at %d bit/s: at least 1 kbit/s", bps)
	}
	if rc := C.callbox_encoder_bitrate(e.c, C.uint(bps/1000)); rc != 0 {
		return fmt.Errorf("cannot change the bitrate to %d bit/s: %w", bps, codecError(rc))
	}
	return nil
}

// Close frees the encoder; it may be called twice.
func (e *Encoder) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.c != nil {
		C.callbox_encoder_free(e.c)
		heap.Trim()
		e.c = nil
	}
	return nil
}

func cbool(b bool) C.int {
	if b {
		return 1
	}
	return 0
}

// codecError turns libvpx' code into an error; the texts are static in libvpx.
func codecError(rc C.vpx_codec_err_t) error {
	return errors.New("libvpx: " + C.GoString(C.vpx_codec_err_to_string(rc)))
}
