#include "speex.h"

#include <stddef.h>

#include <speex/speex_echo.h>
#include <speex/speex_preprocess.h>

// Both handles are those of the library under another name: nothing is allocated
// beside them.

callbox_filter *callbox_filter_new(int taps) {
	SpeexEchoState *e = speex_echo_state_init(CALLBOX_SAMPLES, taps);
	int rate = 48000;
	if (e != NULL) speex_echo_ctl(e, SPEEX_ECHO_SET_SAMPLING_RATE, &rate);
	return (callbox_filter *)e;
}

void callbox_filter_process(callbox_filter *f, const int16_t *played, const int16_t *heard, int16_t *out) {
	speex_echo_cancellation((SpeexEchoState *)f, heard, played, out);
}

void callbox_filter_reset(callbox_filter *f) { speex_echo_state_reset((SpeexEchoState *)f); }

void callbox_filter_free(callbox_filter *f) {
	if (f != NULL) speex_echo_state_destroy((SpeexEchoState *)f);
}

callbox_denoiser *callbox_denoiser_new(void) {
	SpeexPreprocessState *p = speex_preprocess_state_init(CALLBOX_SAMPLES, 48000);
	int on = 1, decibels = -15;
	if (p != NULL) {
		speex_preprocess_ctl(p, SPEEX_PREPROCESS_SET_DENOISE, &on);
		speex_preprocess_ctl(p, SPEEX_PREPROCESS_SET_NOISE_SUPPRESS, &decibels);
	}
	return (callbox_denoiser *)p;
}

void callbox_denoiser_process(callbox_denoiser *d, int16_t *sound) {
	speex_preprocess_run((SpeexPreprocessState *)d, sound);
}

void callbox_denoiser_free(callbox_denoiser *d) {
	if (d != NULL) speex_preprocess_state_destroy((SpeexPreprocessState *)d);
}
