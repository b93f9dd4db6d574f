#include "plugin.h"

// callbox_avcodec_load opens the plugin, which stays open; NULL, and why in text.
const callbox_avcodec_plugin *callbox_avcodec_load(const char *path, char *text, int size);

// Go does not call functions by pointers.
int callbox_avcodec_open(const callbox_avcodec_plugin *l, const callbox_avcodec_params *p, callbox_avcodec_encoder **out, char *text, int size);
int callbox_avcodec_load_picture(const callbox_avcodec_plugin *l, callbox_avcodec_encoder *e, const uint8_t *y, const uint8_t *cb,
	const uint8_t *cr, int ystride, int cstride, char *text, int size);
int callbox_avcodec_encode(const callbox_avcodec_plugin *l, callbox_avcodec_encoder *e, int64_t pts, int key, callbox_avcodec_packet *out, char *text, int size);
int callbox_avcodec_bitrate(const callbox_avcodec_plugin *l, callbox_avcodec_encoder *e, int32_t bitrate);
void callbox_avcodec_close(const callbox_avcodec_plugin *l, callbox_avcodec_encoder *e);
