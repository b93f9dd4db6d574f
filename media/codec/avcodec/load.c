#include "load.h"

#include <dlfcn.h>
#include <stdio.h>

const callbox_avcodec_plugin *callbox_avcodec_load(const char *path, char *text, int size) {
	void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!lib) {
		snprintf(text, size, "%s", dlerror());
		return NULL;
	}
	callbox_avcodec_entry entry;
	*(void **)&entry = dlsym(lib, CALLBOX_AVCODEC_ENTRY);
	const callbox_avcodec_plugin *plugin = entry ? entry() : NULL;
	if (!plugin || plugin->abi != CALLBOX_AVCODEC_ABI) {
		snprintf(text, size, "%s is of another version of callbox or libavcodec", path);
		dlclose(lib);
		return NULL;
	}
	return plugin;
}

int callbox_avcodec_open(const callbox_avcodec_plugin *l, const callbox_avcodec_params *p, callbox_avcodec_encoder **out, char *text, int size) {
	return l->open(p, out, text, size);
}

int callbox_avcodec_load_picture(const callbox_avcodec_plugin *l, callbox_avcodec_encoder *e, const uint8_t *y, const uint8_t *cb,
		const uint8_t *cr, int ystride, int cstride, char *text, int size) {
	return l->load(e, y, cb, cr, ystride, cstride, text, size);
}

int callbox_avcodec_encode(const callbox_avcodec_plugin *l, callbox_avcodec_encoder *e, int64_t pts, int key, callbox_avcodec_packet *out, char *text, int size) {
	return l->encode(e, pts, key, out, text, size);
}

int callbox_avcodec_bitrate(const callbox_avcodec_plugin *l, callbox_avcodec_encoder *e, int32_t bitrate) {
	return l->bitrate(e, bitrate);
}

void callbox_avcodec_close(const callbox_avcodec_plugin *l, callbox_avcodec_encoder *e) {
	l->close(e);
}
