#include "library.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct library {
	int (*new_encoder)(ISVCEncoder **);
	void (*free_encoder)(ISVCEncoder *);
	long (*new_decoder)(ISVCDecoder **);
	void (*free_decoder)(ISVCDecoder *);
} library;

int callbox_openh264_open(const char *soname, char *text, int size) {
	void *lib = dlopen(soname, RTLD_NOW | RTLD_LOCAL);
	if (!lib) {
		snprintf(text, size, "%s", dlerror());
		return 1;
	}
	struct library found;
	void (*version)(OpenH264Version *);
	*(void **)&version = dlsym(lib, "WelsGetCodecVersionEx");
	*(void **)&found.new_encoder = dlsym(lib, "WelsCreateSVCEncoder");
	*(void **)&found.free_encoder = dlsym(lib, "WelsDestroySVCEncoder");
	*(void **)&found.new_decoder = dlsym(lib, "WelsCreateDecoder");
	*(void **)&found.free_decoder = dlsym(lib, "WelsDestroyDecoder");
	if (!version || !found.new_encoder || !found.free_encoder || !found.new_decoder || !found.free_decoder) {
		snprintf(text, size, "%s is not OpenH264", soname);
		return 1;
	}
	OpenH264Version v = {0};
	version(&v);
	if (v.uMajor != OPENH264_MAJOR || v.uMinor != OPENH264_MINOR) {
		snprintf(text, size, "%s is version %u.%u, want %d.%d", soname, v.uMajor, v.uMinor, OPENH264_MAJOR, OPENH264_MINOR);
		return 1;
	}
	library = found;
	return 0;
}

static const int quiet = WELS_LOG_QUIET;

int callbox_openh264_encoder_new(callbox_openh264_encoder **out, int width, int height, float rate,
		int bitrate, int level, int threads) {
	callbox_openh264_encoder *e = calloc(1, sizeof *e);
	*out = NULL;
	if (!e) return cmMallocMemeError;
	e->width = width;
	e->height = height;
	int err = library.new_encoder(&e->codec);
	if (err) { free(e); return err; }
	(*e->codec)->SetOption(e->codec, ENCODER_OPTION_TRACE_LEVEL, (void *)&quiet);
	SEncParamExt p;
	memset(&p, 0, sizeof p);
	(*e->codec)->GetDefaultParams(e->codec, &p);
	p.iUsageType = CAMERA_VIDEO_REAL_TIME;
	p.iPicWidth = width;
	p.iPicHeight = height;
	p.iTargetBitrate = bitrate;
	p.iMaxBitrate = UNSPECIFIED_BIT_RATE;
	p.iRCMode = RC_BITRATE_MODE;
	p.fMaxFrameRate = rate;
	p.bEnableFrameSkip = true;
	p.iComplexityMode = LOW_COMPLEXITY;
	p.uiIntraPeriod = 0;
	p.eSpsPpsIdStrategy = CONSTANT_ID;
	p.iEntropyCodingModeFlag = 0;
	p.iMultipleThreadIdc = threads;
	p.iMaxQp = 51;
	p.iMinQp = 12;
	p.bEnableDenoise = false;
	p.bEnableBackgroundDetection = true;
	p.bEnableAdaptiveQuant = false;
	p.bEnableFrameCroppingFlag = true;
	p.bEnableSceneChangeDetect = false; // it makes keyframes that nobody asked for
	p.bEnableLongTermReference = false;
	p.iSpatialLayerNum = p.iTemporalLayerNum = 1;
	SSpatialLayerConfig *l = &p.sSpatialLayers[0];
	l->iVideoWidth = width;
	l->iVideoHeight = height;
	l->fFrameRate = rate;
	l->iSpatialBitrate = bitrate;
	l->iMaxSpatialBitrate = UNSPECIFIED_BIT_RATE;
	l->uiProfileIdc = PRO_BASELINE;
	l->uiLevelIdc = level;
	l->sSliceArgument.uiSliceMode = threads > 1 ? SM_FIXEDSLCNUM_SLICE : SM_SINGLE_SLICE;
	l->sSliceArgument.uiSliceNum = threads;
	err = (*e->codec)->InitializeExt(e->codec, &p);
	if (!err) {
		int format = videoFormatI420;
		err = (*e->codec)->SetOption(e->codec, ENCODER_OPTION_DATAFORMAT, &format);
	}
	if (err) { callbox_openh264_encoder_free(e); return err; }
	*out = e;
	return 0;
}

// The planes are arguments, not members of a struct, so that they may be Go memory;
// the library copies them before it returns.
int callbox_openh264_encode(callbox_openh264_encoder *e, unsigned char *y, unsigned char *cb, unsigned char *cr,
		int ystride, int cstride, long long ms, int key) {
	SSourcePicture p;
	memset(&p, 0, sizeof p);
	p.iColorFormat = videoFormatI420;
	p.iPicWidth = e->width;
	p.iPicHeight = e->height;
	p.pData[0] = y;
	p.pData[1] = cb;
	p.pData[2] = cr;
	p.iStride[0] = ystride;
	p.iStride[1] = p.iStride[2] = cstride;
	p.uiTimeStamp = ms;
	if (key) {
		int err = (*e->codec)->ForceIntraFrame(e->codec, true);
		if (err) return err;
	}
	memset(&e->info, 0, sizeof e->info);
	int err = (*e->codec)->EncodeFrame(e->codec, &p, &e->info);
	if (err) e->info.iLayerNum = 0;
	e->key = e->info.eFrameType == videoFrameTypeIDR;
	if (e->info.eFrameType == videoFrameTypeSkip) e->info.iLayerNum = 0;
	return err;
}

// callbox_openh264_layer returns layer i of the last picture, NULL after the last.
unsigned char *callbox_openh264_layer(callbox_openh264_encoder *e, int i) {
	if (i >= e->info.iLayerNum) return NULL;
	SLayerBSInfo *l = &e->info.sLayerInfo[i];
	e->len = 0;
	for (int n = 0; n < l->iNalCount; n++) e->len += l->pNalLengthInByte[n];
	return l->pBsBuf;
}

int callbox_openh264_bitrate(callbox_openh264_encoder *e, int bitrate) {
	SBitrateInfo info = {SPATIAL_LAYER_ALL, bitrate};
	return (*e->codec)->SetOption(e->codec, ENCODER_OPTION_BITRATE, &info);
}

int callbox_openh264_rate(callbox_openh264_encoder *e, float rate) {
	return (*e->codec)->SetOption(e->codec, ENCODER_OPTION_FRAME_RATE, &rate);
}

void callbox_openh264_encoder_free(callbox_openh264_encoder *e) {
	(*e->codec)->Uninitialize(e->codec);
	library.free_encoder(e->codec);
	free(e);
}

int callbox_openh264_decoder_new(callbox_openh264_decoder **out) {
	callbox_openh264_decoder *d = calloc(1, sizeof *d);
	*out = NULL;
	if (!d) return dsOutOfMemory;
	if (library.new_decoder(&d->codec)) { free(d); return dsOutOfMemory; }
	(*d->codec)->SetOption(d->codec, DECODER_OPTION_TRACE_LEVEL, (void *)&quiet);
	SDecodingParam p;
	memset(&p, 0, sizeof p);
	p.eEcActiveIdc = ERROR_CON_DISABLE; // damage is told, not painted over
	p.sVideoProperty.size = sizeof p.sVideoProperty;
	p.sVideoProperty.eVideoBsType = VIDEO_BITSTREAM_AVC;
	long err = (*d->codec)->Initialize(d->codec, &p);
	if (err) { callbox_openh264_decoder_free(d); return (int)err; }
	*out = d;
	return 0;
}

int callbox_openh264_decode(callbox_openh264_decoder *d, unsigned char *src, int len) {
	SBufferInfo info;
	memset(&info, 0, sizeof info);
	d->planes[0] = d->planes[1] = d->planes[2] = NULL;
	DECODING_STATE s = (*d->codec)->DecodeFrameNoDelay(d->codec, src, len, d->planes, &info);
	if (s) return -(int)s;
	if (info.iBufferStatus != 1) return 0;
	d->width = info.UsrData.sSystemBuffer.iWidth;
	d->height = info.UsrData.sSystemBuffer.iHeight;
	d->ystride = info.UsrData.sSystemBuffer.iStride[0];
	d->cstride = info.UsrData.sSystemBuffer.iStride[1];
	return d->planes[0] && d->planes[1] && d->planes[2];
}

void callbox_openh264_decoder_free(callbox_openh264_decoder *d) {
	(*d->codec)->Uninitialize(d->codec);
	library.free_decoder(d->codec);
	free(d);
}
