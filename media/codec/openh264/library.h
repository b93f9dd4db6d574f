// The part of OpenH264's library that is used. It is opened once and stays open.
#include <stdbool.h>
#include <wels/codec_api.h>
#include <wels/codec_ver.h>

// The soname of each version; from 2.6.0 on the structures are others.
#if OPENH264_MAJOR == 2 && OPENH264_MINOR >= 6
#define CALLBOX_OPENH264 "libopenh264.so.8"
#else
#define CALLBOX_OPENH264 "libopenh264.so.7"
#endif

// callbox_openh264_open opens the library; 0, or 1 and what is wrong in text of size
// bytes.
int callbox_openh264_open(const char *soname, char *text, int size);

// The functions below must not be called before it has returned 0.

typedef struct {
	ISVCEncoder *codec;
	SFrameBSInfo info;  // of the last picture
	int len;            // of the layer that was asked for last
	int key;            // whether the last picture is an IDR picture
	int width, height;
} callbox_openh264_encoder;

int callbox_openh264_encoder_new(callbox_openh264_encoder **out, int width, int height, float rate,
	int bitrate, int level, int threads);
int callbox_openh264_encode(callbox_openh264_encoder *e, unsigned char *y, unsigned char *cb, unsigned char *cr,
	int ystride, int cstride, long long ms, int key);
unsigned char *callbox_openh264_layer(callbox_openh264_encoder *e, int i);
int callbox_openh264_bitrate(callbox_openh264_encoder *e, int bitrate);
int callbox_openh264_rate(callbox_openh264_encoder *e, float rate);
void callbox_openh264_encoder_free(callbox_openh264_encoder *e);

typedef struct {
	ISVCDecoder *codec;
	unsigned char *planes[3]; // of the last picture
	int width, height, ystride, cstride;
} callbox_openh264_decoder;

int callbox_openh264_decoder_new(callbox_openh264_decoder **out);
// callbox_openh264_decode returns 1 with a picture, 0 without one, and else minus the
// library's state.
int callbox_openh264_decode(callbox_openh264_decoder *d, unsigned char *src, int len);
void callbox_openh264_decoder_free(callbox_openh264_decoder *d);
