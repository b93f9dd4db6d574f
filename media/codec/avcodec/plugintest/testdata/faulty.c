// A plugin whose encoders are libavcodec's libx264 with the faults of drivers: each name
// is one.
#define callbox_avcodec sound_plugin
#include "../../plugin/callbox-avcodec.c"
#undef callbox_avcodec

#include <time.h>

static const char *const faults[] = {"sound", "shut", "stuck", "stuck for long", "fails", "green", "late", "later", "apart", "extended", "slow", "deaf", "dead",
	"fails in a call", "stuck in a call", "slow at first", "fixed"}; // the last has no fault but its bitrate, as all but the first

#define IN_A_CALL 40 // pictures: more than are tried before one

typedef struct {
	callbox_avcodec_encoder *sound;
	const char *fault;
	int encoded; // pictures
	int slow;    // it is the first that is slow at first
	// What was made and not given yet, oldest first; given is the memory of the one that
	// was given last.
	callbox_avcodec_packet held[8];
	int n;
	void *given;
} encoder;

static int is(const encoder *e, const char *fault) { return !strcmp(e->fault, fault); }

static void wait_ms(int ms) {
	struct timespec t = {ms / 1000, ms % 1000 * 1000000L};
	while (nanosleep(&t, &t)) {} // Go's signals wake it
}

static void hold(encoder *e, const uint8_t *data, int size, int64_t pts) {
	uint8_t *copied = malloc(size);
	memcpy(copied, data, size);
	e->held[e->n++] = (callbox_avcodec_packet){copied, size, pts};
}

static void give(encoder *e, callbox_avcodec_packet *out) {
	free(e->given);
	*out = e->held[0];
	e->given = (void *)out->data;
	memmove(e->held, e->held + 1, sizeof *e->held * --e->n);
}

static int faulty_open(const callbox_avcodec_params *p, callbox_avcodec_encoder **out, char *text, int size) {
	encoder *e = calloc(1, sizeof *e);
	callbox_avcodec_params sound = *p;
	sound.name = "libx264";
	for (unsigned i = 0; i < sizeof faults / sizeof *faults; i++)
		if (!strcmp(faults[i], p->name)) e->fault = faults[i];
	static int begun;
	if (e->fault && is(e, "slow at first")) e->slow = !begun++;
	int rc = 1;
	if (!e->fault) fail(text, size, "there is no such fault", 0);
	else if (is(e, "shut")) fail(text, size, "the device is busy", 0);
	else rc = open_encoder(&sound, &e->sound, text, size);
	if (rc) free(e);
	else *out = (callbox_avcodec_encoder *)e;
	return rc;
}

static int faulty_load(callbox_avcodec_encoder *opaque, const uint8_t *y, const uint8_t *cb, const uint8_t *cr,
		int ystride, int cstride, char *text, int size) {
	encoder *e = (encoder *)opaque;
	int rc = load_picture(e->sound, y, cb, cr, ystride, cstride, text, size);
	if (!rc && is(e, "green"))
		for (int i = 0; i < 3; i++) memset(e->sound->picture->data[i], 0, e->sound->picture->buf[i]->size);
	return rc;
}

// unit returns where the first NAL unit of a type begins, at its start code; -1: none.
static int unit(const callbox_avcodec_packet *p, int type) {
	for (int i = 0; i + 4 < p->size; i++)
		if (!p->data[i] && !p->data[i + 1] && p->data[i + 2] == 1 && (p->data[i + 3] & 31) == type) return i;
	return -1;
}

static int faulty_encode(callbox_avcodec_encoder *opaque, int64_t pts, int key, callbox_avcodec_packet *out, char *text, int size) {
	encoder *e = (encoder *)opaque;
	int n = e->encoded++;
	if ((is(e, "fails") && n == 5) || (is(e, "fails in a call") && n == IN_A_CALL)) return fail(text, size, "the device is gone", 0);
	if ((is(e, "stuck") && n == 5) || (is(e, "stuck in a call") && n == IN_A_CALL)) wait_ms(1300);
	if (is(e, "stuck for long") && n == 5) wait_ms(3000);
	if (is(e, "slow") || e->slow) wait_ms(60);
	int rc = encode(e->sound, pts, is(e, "deaf") ? 0 : key, out, text, size);
	if (rc || !out->data) return rc;
	int sps = unit(out, 7), slice = unit(out, 5);
	if (is(e, "dead")) {
		out->data = NULL;
	} else if (is(e, "extended") && sps >= 0) {
		((uint8_t *)out->data)[sps + 5] &= ~0x40; // constraint_set1_flag
	} else if (is(e, "late") || is(e, "later")) {
		hold(e, out->data, out->size, out->pts);
		out->data = NULL;
		if (e->n > (is(e, "late") ? 1 : 4)) give(e, out);
	} else if (is(e, "apart")) { // the parameter sets come once, by themselves
		if (n == 0) hold(e, out->data, slice, out->pts);
		int from = slice >= 0 ? slice : 0;
		hold(e, out->data + from, out->size - from, out->pts);
		give(e, out);
	}
	return 0;
}

static int faulty_bitrate(callbox_avcodec_encoder *opaque, int32_t bits) {
	encoder *e = (encoder *)opaque;
	return is(e, "sound") && bitrate(e->sound, bits);
}

static void faulty_close(callbox_avcodec_encoder *opaque) {
	encoder *e = (encoder *)opaque;
	callbox_avcodec_packet p;
	while (e->n) give(e, &p);
	free(e->given);
	close_encoder(e->sound);
	free(e);
}

__attribute__((visibility("default"))) const callbox_avcodec_plugin *callbox_avcodec(void) {
	static callbox_avcodec_plugin plugin;
	const callbox_avcodec_plugin *sound = sound_plugin();
	if (!sound) return NULL;
	plugin = *sound;
	plugin.open = faulty_open;
	plugin.load = faulty_load;
	plugin.encode = faulty_encode;
	plugin.bitrate = faulty_bitrate;
	plugin.close = faulty_close;
	return &plugin;
}
