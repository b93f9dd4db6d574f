// Debian 12 has libwebrtc-audio-processing 0.3, Debian 13 has 1.3: the same class
// with other headers, other ownership, and another way to set it up.
#include "apm.h"

#include <cmath>
#include <new>

#if __has_include(<modules/audio_processing/include/audio_processing.h>)
#define CALLBOX_APM_GENERATION 1
#include <modules/audio_processing/include/audio_processing.h>
#else
#define CALLBOX_APM_GENERATION 0
#include <webrtc/modules/audio_processing/include/audio_processing.h>
#endif

namespace {

constexpr int kRate = 48000;

// The high-pass filter stays off: it would turn the phase of deep voices.
#if CALLBOX_APM_GENERATION == 1

using Module = rtc::scoped_refptr<webrtc::AudioProcessing>;

bool make(Module &m, bool noise) {
	m = webrtc::AudioProcessingBuilder().Create();
	if (!m) return false;
	webrtc::AudioProcessing::Config c;
	c.pipeline.maximum_internal_processing_rate = kRate;
	c.echo_canceller.enabled = true;
	c.echo_canceller.enforce_high_pass_filtering = false;
	c.noise_suppression.enabled = noise;
	c.noise_suppression.level = webrtc::AudioProcessing::Config::NoiseSuppression::kModerate;
	m->ApplyConfig(c);
	return true;
}

#else

// Module deletes what it holds.
struct Module {
	webrtc::AudioProcessing *p = nullptr;
	Module() = default;
	Module(const Module &) = delete;
	Module &operator=(const Module &) = delete;
	~Module() { delete p; }
	webrtc::AudioProcessing *operator->() const { return p; }
};

bool make(Module &m, bool noise) {
	// Its extended filter and its search for the delay stay off: told the right
	// delay, it learns faster and better without them.
	m.p = webrtc::AudioProcessing::Create();
	if (!m.p) return false;
	// The higher levels cut the person at the device off when both talk.
	webrtc::EchoCancellation *e = m->echo_cancellation();
	webrtc::NoiseSuppression *n = m->noise_suppression();
	return e->set_suppression_level(webrtc::EchoCancellation::kLowSuppression) == 0 &&
		e->enable_drift_compensation(false) == 0 && e->Enable(true) == 0 &&
		n->set_level(webrtc::NoiseSuppression::kModerate) == 0 && n->Enable(noise) == 0;
}

#endif

void to_float(const int16_t *in, float *out) {
	for (int i = 0; i < CALLBOX_APM_SAMPLES; i++) out[i] = in[i] / 32768.0f;
}

void to_int16(const float *in, int16_t *out) {
	for (int i = 0; i < CALLBOX_APM_SAMPLES; i++) {
		float v = std::nearbyint(in[i] * 32768.0f);
		out[i] = v > 32767.0f ? 32767 : v > -32768.0f ? (int16_t)v : -32768; // not a number is -32768
	}
}

}  // namespace

struct callbox_apm {
	Module module;
	webrtc::StreamConfig format{kRate, 1};
	int delay = 0;  // ms
	float played[CALLBOX_APM_SAMPLES];
	float heard[CALLBOX_APM_SAMPLES];
};

callbox_apm *callbox_apm_new(int noise) {
	callbox_apm *a = new (std::nothrow) callbox_apm;
	if (a && !make(a->module, noise != 0)) {
		delete a;
		return nullptr;
	}
	return a;
}

int callbox_apm_process(callbox_apm *a, const int16_t *played, const int16_t *heard, int16_t *out) {
	float *p = a->played, *h = a->heard;
	to_float(played, p);
	to_float(heard, h);
	if (int err = a->module->ProcessReverseStream(&p, a->format, a->format, &p)) return err;
	if (int err = a->module->set_stream_delay_ms(a->delay)) return err;
	if (int err = a->module->ProcessStream(&h, a->format, a->format, &h)) return err;
	to_int16(h, out);
	return 0;
}

void callbox_apm_expect(callbox_apm *a, int milliseconds) { a->delay = milliseconds; }

void callbox_apm_reset(callbox_apm *a) { a->module->Initialize(); }

int callbox_apm_generation(void) { return CALLBOX_APM_GENERATION; }

void callbox_apm_free(callbox_apm *a) { delete a; }
