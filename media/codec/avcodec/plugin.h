// What stands between the daemon and callbox-avcodec.so, which is made for one release's
// libavcodec. Whoever changes anything here counts CALLBOX_AVCODEC_ABI up, and the package
// callbox-avcodec-abi-N in packaging/debian/control with it.
#include <stdint.h>

#define CALLBOX_AVCODEC_ABI 1
// The one name that the plugin exports; see callbox_avcodec_entry.
#define CALLBOX_AVCODEC_ENTRY "callbox_avcodec"

typedef struct callbox_avcodec_encoder callbox_avcodec_encoder;

typedef struct {
	const char *name;       // of the encoder in libavcodec
	int32_t width, height;  // pixels, even
	int32_t bitrate;        // bit/s
	int32_t millirate;      // pictures in 1000 s
	int32_t level;          // of H.264, ten times
} callbox_avcodec_params;

typedef struct {
	const uint8_t *data;  // Annex B, valid until the next encode or close; NULL: none came
	int32_t size;
	int64_t pts;          // of the picture that it is, as it was given
} callbox_avcodec_packet;

// Functions that can fail return 0, or 1 and why in text of size bytes. An encoder is
// used by one thread at a time.
typedef struct {
	uint32_t abi;
	const char *version; // of libavcodec, for people
	// open makes an encoder of constrained baseline without B pictures, whose first
	// picture is a keyframe. It may take long, or never return when a driver hangs;
	// so may encode and close.
	int (*open)(const callbox_avcodec_params *p, callbox_avcodec_encoder **out, char *text, int size);
	// load copies an I420 picture.
	int (*load)(callbox_avcodec_encoder *e, const uint8_t *y, const uint8_t *cb, const uint8_t *cr,
		int ystride, int cstride, char *text, int size);
	// encode encodes what was loaded. pts, in microseconds, grow. key makes it a keyframe.
	int (*encode)(callbox_avcodec_encoder *e, int64_t pts, int key, callbox_avcodec_packet *out, char *text, int size);
	// bitrate changes the rate from the next picture on; 0: this encoder cannot.
	int (*bitrate)(callbox_avcodec_encoder *e, int32_t bitrate);
	void (*close)(callbox_avcodec_encoder *e);
} callbox_avcodec_plugin;

typedef const callbox_avcodec_plugin *(*callbox_avcodec_entry)(void);
