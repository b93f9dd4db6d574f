// callbox-avcodec.so: H.264 encoders of libavcodec, those of the hardware first of all,
// behind the interface in plugin.h.
#include "../plugin.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libavcodec/avcodec.h>
#include <libavutil/hwcontext.h>
#include <libavutil/opt.h>

#ifndef AV_PROFILE_H264_CONSTRAINED_BASELINE // before libavcodec 60.30
#define AV_PROFILE_H264_CONSTRAINED_BASELINE FF_PROFILE_H264_CONSTRAINED_BASELINE
#endif

struct callbox_avcodec_encoder {
	AVCodecContext *codec;
	AVFrame *picture;  // in memory
	AVFrame *surface;  // on the device; NULL where the encoder takes pictures from memory
	AVPacket *packet;
	int live;          // the bitrate can be changed
};

// What libavcodec said last on this thread.
static _Thread_local char said[200];

static void listen(void *context, int level, const char *format, va_list args) {
	(void)context;
	if (level > AV_LOG_ERROR) return;
	vsnprintf(said, sizeof said, format, args);
	said[strcspn(said, "\n")] = 0;
}

static int fail(char *text, int size, const char *what, int err) {
	char reason[AV_ERROR_MAX_STRING_SIZE] = "";
	if (err) av_strerror(err, reason, sizeof reason);
	snprintf(text, size, "%s%s%s%s%s", what, err ? ": " : "", reason, said[0] ? ": " : "", said);
	said[0] = 0;
	return 1;
}

static void close_encoder(callbox_avcodec_encoder *e) {
	avcodec_free_context(&e->codec);
	av_frame_free(&e->picture);
	av_frame_free(&e->surface);
	av_packet_free(&e->packet);
	free(e);
}

// new_picture gives each plane a buffer of its own with room below: the encoders of V4L2
// copy whole buffers, as many as the driver wants, and as many lines as it has.
static int new_picture(AVFrame *f, enum AVPixelFormat format, int width, int height) {
	av_frame_unref(f);
	f->format = format;
	f->width = width;
	f->height = height;
	int stride = FFALIGN(width, 32), lines = FFALIGN(height, 32);
	for (int i = 0; i < (format == AV_PIX_FMT_NV12 ? 2 : 3); i++) {
		f->linesize[i] = i && format != AV_PIX_FMT_NV12 ? stride / 2 : stride;
		f->buf[i] = av_buffer_allocz(f->linesize[i] * (i ? lines / 2 : lines) + 64);
		if (!f->buf[i]) return AVERROR(ENOMEM);
		f->data[i] = f->buf[i]->data;
	}
	return 0;
}

// on_device makes the encoder take surfaces of a VA device.
static int on_device(callbox_avcodec_encoder *e, const char *path) {
	AVBufferRef *device = NULL, *frames = NULL;
	int err = av_hwdevice_ctx_create(&device, AV_HWDEVICE_TYPE_VAAPI, path, NULL, 0);
	if (err < 0) return err;
	frames = av_hwframe_ctx_alloc(device);
	av_buffer_unref(&device);
	if (!frames) return AVERROR(ENOMEM);
	AVHWFramesContext *c = (AVHWFramesContext *)frames->data;
	c->format = AV_PIX_FMT_VAAPI;
	c->sw_format = AV_PIX_FMT_NV12;
	c->width = e->codec->width;
	c->height = e->codec->height;
	c->initial_pool_size = 8;
	if ((err = av_hwframe_ctx_init(frames)) < 0) {
		av_buffer_unref(&frames);
		return err;
	}
	e->codec->pix_fmt = AV_PIX_FMT_VAAPI;
	e->codec->hw_frames_ctx = frames; // its own from now on
	e->surface = av_frame_alloc();
	return e->surface ? 0 : AVERROR(ENOMEM);
}

static void rate(AVCodecContext *c, int bitrate) {
	c->bit_rate = c->rc_max_rate = bitrate;
	c->rc_buffer_size = bitrate / 2; // half a second
}

// start opens one encoder in one way: a device for surfaces or NULL, a format in memory.
static int start(const AVCodec *codec, const callbox_avcodec_params *p, const char *device, enum AVPixelFormat format,
		const char *low_power, callbox_avcodec_encoder **out) {
	AVDictionary *options = NULL;
	callbox_avcodec_encoder *e = calloc(1, sizeof *e);
	if (!e) return AVERROR(ENOMEM);
	int err = AVERROR(ENOMEM);
	e->picture = av_frame_alloc();
	e->packet = av_packet_alloc();
	AVCodecContext *c = e->codec = avcodec_alloc_context3(codec);
	if (!c || !e->picture || !e->packet) goto failed;
	c->width = p->width;
	c->height = p->height;
	c->pix_fmt = format;
	c->time_base = (AVRational){1, 1000000};
	c->framerate = (AVRational){p->millirate, 1000};
	c->profile = AV_PROFILE_H264_CONSTRAINED_BASELINE;
	c->level = p->level;
	c->max_b_frames = 0;
	c->refs = 1;
	c->gop_size = 30000; // keyframes come when they are asked for
	c->thread_count = 1; // more of them hold pictures back
	c->flags |= AV_CODEC_FLAG_LOW_DELAY;
	c->color_range = AVCOL_RANGE_MPEG;
	rate(c, p->bitrate);
	if (!strcmp(codec->name, "libx264")) {
		e->live = 1;
		av_dict_set(&options, "preset", "superfast", 0);
		av_dict_set(&options, "tune", "zerolatency", 0);
		av_dict_set(&options, "profile", "baseline", 0);
		av_dict_set(&options, "forced-idr", "1", 0);
		av_dict_set(&options, "sc_threshold", "0", 0); // it makes keyframes that nobody asked for
		av_dict_set(&options, "x264-params", "force-cfr=1", 0); // bits by the rate that it is told, as the hardware does
	} else if (device) {
		av_dict_set(&options, "async_depth", "1", 0); // 2 would keep each picture until the next
		av_dict_set(&options, "coder", "cavlc", 0);
		av_dict_set(&options, "sei", "0", 0);
		av_dict_set(&options, "low_power", low_power, 0);
		if ((err = on_device(e, device)) < 0) goto failed;
	} else {
		av_dict_set(&options, "num_output_buffers", "6", 0);
	}
	if ((err = new_picture(e->picture, format, p->width, p->height)) < 0) goto failed;
	if ((err = avcodec_open2(c, codec, &options)) < 0) goto failed;
	av_dict_free(&options);
	*out = e;
	return 0;
failed:
	av_dict_free(&options);
	close_encoder(e);
	return err;
}

static int open_encoder(const callbox_avcodec_params *p, callbox_avcodec_encoder **out, char *text, int size) {
	said[0] = 0;
	*out = NULL;
	const AVCodec *codec = avcodec_find_encoder_by_name(p->name);
	if (!codec || codec->id != AV_CODEC_ID_H264) return fail(text, size, "this libavcodec has no such encoder of H.264", 0);
	int err = AVERROR(ENODEV);
	if (strstr(p->name, "_vaapi")) {
		for (int n = 128; n < 136; n++) {
			char path[32];
			snprintf(path, sizeof path, "/dev/dri/renderD%d", n);
			if (access(path, F_OK)) continue;
			if (access(path, R_OK | W_OK)) {
				err = AVERROR(errno);
				snprintf(said, sizeof said, "%s", path);
				continue;
			}
			// The fixed encoder of newer chips is there only as low power.
			for (int low = 0; low < 2; low++) {
				err = start(codec, p, path, AV_PIX_FMT_NV12, low ? "1" : "0", out);
				if (!err) return 0;
			}
		}
	} else if (strstr(p->name, "_v4l2m2m")) {
		if (!(err = start(codec, p, NULL, AV_PIX_FMT_NV12, NULL, out))) return 0;
		if (!(err = start(codec, p, NULL, AV_PIX_FMT_YUV420P, NULL, out))) return 0;
	} else if (!(err = start(codec, p, NULL, AV_PIX_FMT_YUV420P, NULL, out))) {
		return 0;
	}
	return fail(text, size, "cannot open it", err);
}

static void copy(uint8_t *to, int tostride, const uint8_t *from, int stride, int width, int height) {
	for (int y = 0; y < height; y++) memcpy(to + (ptrdiff_t)y * tostride, from + (ptrdiff_t)y * stride, width);
}

static int load_picture(callbox_avcodec_encoder *e, const uint8_t *y, const uint8_t *cb, const uint8_t *cr,
		int ystride, int cstride, char *text, int size) {
	AVFrame *f = e->picture;
	int w = e->codec->width, h = e->codec->height;
	if (!av_frame_is_writable(f)) { // the encoder still reads the one before
		int err = new_picture(f, f->format, w, h);
		if (err < 0) return fail(text, size, "no memory for a picture", err);
	}
	copy(f->data[0], f->linesize[0], y, ystride, w, h);
	if (f->format != AV_PIX_FMT_NV12) {
		copy(f->data[1], f->linesize[1], cb, cstride, w / 2, h / 2);
		copy(f->data[2], f->linesize[2], cr, cstride, w / 2, h / 2);
		return 0;
	}
	for (int row = 0; row < h / 2; row++) {
		uint8_t *restrict to = f->data[1] + (ptrdiff_t)row * f->linesize[1];
		const uint8_t *b = cb + (ptrdiff_t)row * cstride, *r = cr + (ptrdiff_t)row * cstride;
		for (int x = 0; x < w / 2; x++) {
			to[2 * x] = b[x];
			to[2 * x + 1] = r[x];
		}
	}
	return 0;
}

static int encode(callbox_avcodec_encoder *e, int64_t pts, int key, callbox_avcodec_packet *out, char *text, int size) {
	said[0] = 0;
	memset(out, 0, sizeof *out);
	AVFrame *f = e->picture;
	if (e->surface) {
		f = e->surface;
		av_frame_unref(f);
		int err = av_hwframe_get_buffer(e->codec->hw_frames_ctx, f, 0);
		if (!err) err = av_hwframe_transfer_data(f, e->picture, 0);
		if (err < 0) return fail(text, size, "cannot give it a picture", err);
	}
	f->pts = pts;
	f->pict_type = key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
	int err = avcodec_send_frame(e->codec, f);
	if (err < 0) return fail(text, size, "cannot give it a picture", err);
	av_packet_unref(e->packet);
	err = avcodec_receive_packet(e->codec, e->packet);
	if (err == AVERROR(EAGAIN)) return 0;
	if (err < 0) return fail(text, size, "cannot encode a picture", err);
	if (e->packet->flags & AV_PKT_FLAG_CORRUPT) return fail(text, size, "the driver says that a picture is damaged", 0);
	out->data = e->packet->data;
	out->size = e->packet->size;
	out->pts = e->packet->pts;
	return 0;
}

static int bitrate(callbox_avcodec_encoder *e, int32_t bits) {
	if (e->live) rate(e->codec, bits);
	return e->live;
}

__attribute__((visibility("default"))) const callbox_avcodec_plugin *callbox_avcodec(void) {
	static char version[32];
	static callbox_avcodec_plugin plugin = {
		CALLBOX_AVCODEC_ABI, version, open_encoder, load_picture, encode, bitrate, close_encoder,
	};
	unsigned v = avcodec_version();
	snprintf(version, sizeof version, "libavcodec %u.%u.%u", AV_VERSION_MAJOR(v), AV_VERSION_MINOR(v), AV_VERSION_MICRO(v));
	av_log_set_callback(listen);
	return v >> 16 == LIBAVCODEC_VERSION_MAJOR ? &plugin : NULL;
}
