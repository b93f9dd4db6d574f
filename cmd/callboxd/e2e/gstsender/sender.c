// gstsender is what callbox is compared with: one call of GStreamer's webrtcbin with a
// browser, in C, with the pictures, the encoders and their settings that callbox uses,
// and Opus both ways.
//
//	gstsender PICTURES vp8|h264 BITRATE THREADS
//
// It prints "offer BASE64" once all candidates are in it, reads "answer BASE64" from
// standard input, likewise complete, prints "connected", and ends when its input does.
#include "clip.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define GST_USE_UNSTABLE_API
#include <gst/app/gstappsrc.h>
#include <gst/gst.h>
#include <gst/sdp/sdp.h>
#include <gst/webrtc/webrtc.h>

// As media/codec/vpx, openh264 and opus have them.
#define VP8                                                                                         \
	"vp8enc deadline=1 cpu-used=-8 threads=%d target-bitrate=%d end-usage=cbr min-quantizer=2 "     \
	"max-quantizer=56 undershoot=100 overshoot=15 buffer-initial-size=500 buffer-optimal-size=600 " \
	"buffer-size=1000 keyframe-mode=disabled lag-in-frames=0 static-threshold=1 "                   \
	"max-intra-bitrate=900 ! rtpvp8pay picture-id-mode=15-bit mtu=1200 ! "                          \
	"application/x-rtp,media=video,encoding-name=VP8,payload=96 "
#define H264                                                                                        \
	"openh264enc complexity=low multi-thread=%d bitrate=%d rate-control=bitrate usage-type=camera " \
	"enable-frame-skip=true gop-size=0 adaptive-quantization=false scene-change-detection=false "   \
	"background-detection=true enable-denoise=false qp-min=12 qp-max=51 slice-mode=n-slices "       \
	"num-slices=1 ! video/x-h264,profile=constrained-baseline ! "                                   \
	"rtph264pay aggregate-mode=zero-latency config-interval=-1 mtu=1200 ! "                         \
	"application/x-rtp,media=video,encoding-name=H264,payload=96,packetization-mode=(string)1,"     \
	"profile-level-id=(string)42e01f "
#define OPUS                                                                                            \
	"audiotestsrc is-live=true wave=sine freq=440 volume=0.25 samplesperbuffer=480 ! "                  \
	"audio/x-raw,format=S16LE,rate=48000,channels=1 ! valve name=microphone ! "                         \
	"opusenc bitrate=32000 complexity=5 inband-fec=true packet-loss-percentage=10 dtx=true "            \
	"audio-type=voice frame-size=20 ! rtpopuspay mtu=1200 ! "                                           \
	"application/x-rtp,media=audio,encoding-name=OPUS,payload=97 "

typedef struct {
	GMainLoop *loop;
	GstElement *pipeline, *webrtc, *camera, *microphone;
	GstPromise *made; // of the offer
	gboolean offered, failed;

	clip clip;
	GThread *thread;
	GMutex mutex;
	GCond free; // the encoder has let go of the picture
	gboolean lent, stop;
} sender;

static void fail(sender *s, const char *why) {
	g_printerr("gstsender: %s\n", why);
	s->failed = TRUE;
	g_main_loop_quit(s->loop);
}

static void given_back(gpointer data) {
	sender *s = data;
	g_mutex_lock(&s->mutex);
	s->lent = FALSE;
	g_cond_signal(&s->free);
	g_mutex_unlock(&s->mutex);
}

// capture is the camera: a picture at each beat, none while the last is in use.
static gpointer capture(gpointer data) {
	sender *s = data;
	struct timespec next, boot;
	clock_gettime(CLOCK_MONOTONIC, &next);
	for (;;) {
		next.tv_nsec += 1000000000L / s->clip.rate;
		if (next.tv_nsec >= 1000000000L) {
			next.tv_nsec -= 1000000000L;
			next.tv_sec++;
		}
		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL) == EINTR) {
		}
		g_mutex_lock(&s->mutex);
		while (s->lent && !s->stop) g_cond_wait(&s->free, &s->mutex);
		gboolean stop = s->stop;
		s->lent = !stop;
		g_mutex_unlock(&s->mutex);
		if (stop) return NULL;
		clock_gettime(CLOCK_BOOTTIME, &boot);
		if (!clip_next(&s->clip)) {
			given_back(s);
			fail(s, "the camera has no more pictures");
			return NULL;
		}
		clip_stamp(&s->clip, (uint64_t)boot.tv_sec * 1000000 + boot.tv_nsec / 1000);
		GstBuffer *b = gst_buffer_new_wrapped_full(GST_MEMORY_FLAG_READONLY, s->clip.picture, s->clip.size, 0,
			s->clip.size, s, given_back);
		if (gst_app_src_push_buffer(GST_APP_SRC(s->camera), b) != GST_FLOW_OK) return NULL; // it ends
	}
}

static void on_gathered(GstElement *webrtc, GParamSpec *spec, gpointer data) {
	(void)spec;
	sender *s = data;
	GstWebRTCICEGatheringState state;
	g_object_get(webrtc, "ice-gathering-state", &state, NULL);
	if (state != GST_WEBRTC_ICE_GATHERING_STATE_COMPLETE || s->offered) return;
	s->offered = TRUE;
	GstWebRTCSessionDescription *local = NULL;
	g_object_get(webrtc, "local-description", &local, NULL);
	gchar *text = gst_sdp_message_as_text(local->sdp);
	gchar *coded = g_base64_encode((const guchar *)text, strlen(text));
	g_print("offer %s\n", coded);
	g_free(coded);
	g_free(text);
	gst_webrtc_session_description_free(local);
	// The test sound, unlike a microphone, makes up for the time in which it may not
	// flow; the browser would play it that much late, and the picture with it.
	g_object_set(s->microphone, "drop", TRUE, NULL);
}

static gboolean open_microphone(gpointer data) {
	sender *s = data;
	g_object_set(s->microphone, "drop", FALSE, NULL);
	return G_SOURCE_REMOVE;
}

static void on_connected(GstElement *webrtc, GParamSpec *spec, gpointer data) {
	(void)spec;
	GstWebRTCPeerConnectionState state;
	g_object_get(webrtc, "connection-state", &state, NULL);
	if (state == GST_WEBRTC_PEER_CONNECTION_STATE_CONNECTED) {
		g_timeout_add(200, open_microphone, data);
		g_print("connected\n");
	}
	if (state == GST_WEBRTC_PEER_CONNECTION_STATE_FAILED) fail(data, "cannot connect with the browser");
}

static void on_offer(GstPromise *promise, gpointer data) {
	sender *s = data;
	GstWebRTCSessionDescription *offer = NULL;
	gst_structure_get(gst_promise_get_reply(promise), "offer", GST_TYPE_WEBRTC_SESSION_DESCRIPTION, &offer, NULL);
	if (!offer) {
		fail(s, "cannot make an offer");
		return;
	}
	g_signal_emit_by_name(s->webrtc, "set-local-description", offer, NULL);
	gst_webrtc_session_description_free(offer);
}

static void on_negotiation(GstElement *webrtc, gpointer data) {
	sender *s = data;
	if (s->made) return; // one offer has it all
	s->made = gst_promise_new_with_change_func(on_offer, s, NULL);
	g_signal_emit_by_name(webrtc, "create-offer", NULL, s->made);
}

// on_pad takes what the browser sends: sound is decoded, pictures are not, as in a device
// without a display.
static void on_pad(GstElement *webrtc, GstPad *pad, gpointer data) {
	(void)webrtc;
	sender *s = data;
	if (GST_PAD_DIRECTION(pad) != GST_PAD_SRC) return;
	GstCaps *caps = gst_pad_get_current_caps(pad);
	if (!caps) caps = gst_pad_query_caps(pad, NULL);
	const gchar *media = gst_structure_get_string(gst_caps_get_structure(caps, 0), "media");
	const gchar *text = "fakesink sync=false async=false";
	if (g_strcmp0(media, "audio") == 0) text = "rtpopusdepay ! opusdec plc=true ! fakesink sync=true async=false";
	gst_caps_unref(caps);
	GError *err = NULL;
	GstElement *bin = gst_parse_bin_from_description(text, TRUE, &err);
	if (!bin) {
		fail(s, err->message);
		g_error_free(err);
		return;
	}
	gst_bin_add(GST_BIN(s->pipeline), bin);
	gst_element_sync_state_with_parent(bin);
	GstPad *sink = gst_element_get_static_pad(bin, "sink");
	if (gst_pad_link(pad, sink) != GST_PAD_LINK_OK) fail(s, "cannot take what the browser sends");
	gst_object_unref(sink);
}

static gboolean on_message(GstBus *bus, GstMessage *m, gpointer data) {
	(void)bus;
	if (GST_MESSAGE_TYPE(m) != GST_MESSAGE_ERROR) return G_SOURCE_CONTINUE;
	GError *err = NULL;
	gst_message_parse_error(m, &err, NULL);
	fail(data, err->message);
	g_error_free(err);
	return G_SOURCE_CONTINUE;
}

static gboolean take_answer(sender *s, const gchar *coded) {
	gsize n = 0;
	guchar *text = g_base64_decode(coded, &n);
	GstSDPMessage *sdp = NULL;
	gst_sdp_message_new(&sdp);
	gboolean ok = gst_sdp_message_parse_buffer(text, n, sdp) == GST_SDP_OK;
	g_free(text);
	if (!ok) {
		gst_sdp_message_free(sdp);
		return FALSE;
	}
	GstWebRTCSessionDescription *answer = gst_webrtc_session_description_new(GST_WEBRTC_SDP_TYPE_ANSWER, sdp);
	GstPromise *done = gst_promise_new();
	g_signal_emit_by_name(s->webrtc, "set-remote-description", answer, done);
	ok = gst_promise_wait(done) == GST_PROMISE_RESULT_REPLIED;
	gst_promise_unref(done);
	gst_webrtc_session_description_free(answer);
	return ok;
}

static gboolean on_input(GIOChannel *in, GIOCondition condition, gpointer data) {
	(void)condition;
	sender *s = data;
	gchar *line = NULL;
	if (g_io_channel_read_line(in, &line, NULL, NULL, NULL) != G_IO_STATUS_NORMAL) {
		g_main_loop_quit(s->loop);
		return G_SOURCE_REMOVE;
	}
	g_strchomp(line);
	if (!g_str_has_prefix(line, "answer ") || !take_answer(s, line + strlen("answer "))) fail(s, "cannot take the answer");
	g_free(line);
	return G_SOURCE_CONTINUE;
}

static gboolean build(sender *s, const char *codec, int bitrate, int threads) {
	gboolean vp8 = strcmp(codec, "vp8") == 0;
	gchar *video = vp8 ? g_strdup_printf(VP8, threads, bitrate) : g_strdup_printf(H264, threads, bitrate);
	gchar *text = g_strdup_printf("webrtcbin name=webrtc bundle-policy=max-bundle "
		"appsrc name=camera is-live=true do-timestamp=true format=time max-buffers=1 ! %s ! webrtc. " OPUS "! webrtc.", video);
	GError *err = NULL;
	s->pipeline = gst_parse_launch(text, &err);
	g_free(text);
	g_free(video);
	if (err) { // an element or a property is missing
		g_printerr("gstsender: cannot build the pipeline: %s; run .ci/setup bench\n", err->message);
		g_error_free(err);
		return FALSE;
	}
	s->webrtc = gst_bin_get_by_name(GST_BIN(s->pipeline), "webrtc");
	s->camera = gst_bin_get_by_name(GST_BIN(s->pipeline), "camera");
	s->microphone = gst_bin_get_by_name(GST_BIN(s->pipeline), "microphone");
	GstCaps *caps = gst_caps_new_simple("video/x-raw", "format", G_TYPE_STRING, "I420", "width", G_TYPE_INT, s->clip.width,
		"height", G_TYPE_INT, s->clip.height, "framerate", GST_TYPE_FRACTION, s->clip.rate, 1, "colorimetry", G_TYPE_STRING,
		"bt601", NULL);
	gst_app_src_set_caps(GST_APP_SRC(s->camera), caps);
	gst_caps_unref(caps);
	// What is lost is sent again. Not for sound: Chromium refuses its retransmissions.
	GstWebRTCRTPTransceiver *video_part = NULL;
	g_signal_emit_by_name(s->webrtc, "get-transceiver", 0, &video_part);
	if (video_part) {
		g_object_set(video_part, "do-nack", TRUE, NULL);
		gst_object_unref(video_part);
	}
	g_signal_connect(s->webrtc, "on-negotiation-needed", G_CALLBACK(on_negotiation), s);
	g_signal_connect(s->webrtc, "notify::ice-gathering-state", G_CALLBACK(on_gathered), s);
	g_signal_connect(s->webrtc, "notify::connection-state", G_CALLBACK(on_connected), s);
	g_signal_connect(s->webrtc, "pad-added", G_CALLBACK(on_pad), s);
	GstBus *bus = gst_element_get_bus(s->pipeline);
	gst_bus_add_watch(bus, on_message, s);
	gst_object_unref(bus);
	return TRUE;
}

int main(int argc, char **argv) {
	gst_init(&argc, &argv);
	int bitrate = argc == 5 ? atoi(argv[3]) : 0, threads = argc == 5 ? atoi(argv[4]) : 0;
	if (bitrate < 1000 || threads < 1 || (strcmp(argv[2], "vp8") && strcmp(argv[2], "h264"))) {
		g_printerr("usage: gstsender PICTURES vp8|h264 BITRATE THREADS\n");
		return 2;
	}
	sender s = {.loop = g_main_loop_new(NULL, FALSE)};
	g_mutex_init(&s.mutex);
	g_cond_init(&s.free);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!clip_open(&s.clip, argv[1]) || !build(&s, argv[2], bitrate, threads)) return 1;
	GIOChannel *in = g_io_channel_unix_new(0);
	g_io_add_watch(in, G_IO_IN | G_IO_HUP, on_input, &s);
	gst_element_set_state(s.pipeline, GST_STATE_PLAYING);
	s.thread = g_thread_new("camera", capture, &s);
	g_main_loop_run(s.loop);

	g_mutex_lock(&s.mutex);
	s.stop = TRUE;
	g_cond_signal(&s.free);
	g_mutex_unlock(&s.mutex);
	gst_element_set_state(s.pipeline, GST_STATE_NULL);
	g_thread_join(s.thread);
	if (s.made) gst_promise_unref(s.made);
	gst_object_unref(s.webrtc);
	gst_object_unref(s.camera);
	gst_object_unref(s.microphone);
	gst_object_unref(s.pipeline);
	g_io_channel_unref(in);
	clip_close(&s.clip);
	g_main_loop_unref(s.loop);
	return s.failed ? 1 : 0;
}
