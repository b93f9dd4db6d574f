// The parts of WebRTC's audio processing module that callbox uses, for C, at
// 48 kHz mono.
#ifndef CALLBOX_APM_H
#define CALLBOX_APM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct callbox_apm callbox_apm;

// CALLBOX_APM_SAMPLES are 10 ms of mono sound at 48 kHz: one frame.
enum { CALLBOX_APM_SAMPLES = 480 };

// callbox_apm_new makes an echo canceller; noise turns noise suppression on. It
// returns NULL when there is no memory, or when the library refuses a setting.
callbox_apm *callbox_apm_new(int noise);

// callbox_apm_process takes a frame that was played and one that was heard, and
// writes what is left to out, which may be heard. It returns 0, or the library's
// error.
int callbox_apm_process(callbox_apm *a, const int16_t *played, const int16_t *heard, int16_t *out);

// callbox_apm_expect says how many milliseconds after it was given, as played, a
// sound is heard.
void callbox_apm_expect(callbox_apm *a, int milliseconds);

// callbox_apm_reset makes it forget what it has learned. It allocates.
void callbox_apm_reset(callbox_apm *a);

// callbox_apm_generation says which library was compiled in: 0 for 0.x, 1 for 1.x.
int callbox_apm_generation(void);

// callbox_apm_free takes NULL too.
void callbox_apm_free(callbox_apm *a);

#ifdef __cplusplus
}
#endif

#endif
