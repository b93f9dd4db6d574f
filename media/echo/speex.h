// The parts of speexdsp that callbox uses, at 48 kHz mono.
#ifndef CALLBOX_SPEEX_H
#define CALLBOX_SPEEX_H

#include <stdint.h>

typedef struct callbox_filter callbox_filter;
typedef struct callbox_denoiser callbox_denoiser;

// CALLBOX_SAMPLES are 10 ms of mono sound at 48 kHz: one frame.
enum { CALLBOX_SAMPLES = 480 };

// callbox_filter_new makes a linear echo canceller with a filter of so many
// samples; NULL when there is no memory.
callbox_filter *callbox_filter_new(int taps);

// callbox_filter_process takes a frame that was played and one that was heard,
// and writes what is left to out, which must be another one.
void callbox_filter_process(callbox_filter *f, const int16_t *played, const int16_t *heard, int16_t *out);

// callbox_filter_reset makes it forget what it has learned.
void callbox_filter_reset(callbox_filter *f);

// callbox_filter_free takes NULL too.
void callbox_filter_free(callbox_filter *f);

// callbox_denoiser_new makes a noise suppressor; NULL when there is no memory.
callbox_denoiser *callbox_denoiser_new(void);

// callbox_denoiser_process lowers noise in a frame, and delays it by 10 ms.
void callbox_denoiser_process(callbox_denoiser *d, int16_t *sound);

// callbox_denoiser_free takes NULL too.
void callbox_denoiser_free(callbox_denoiser *d);

#endif
