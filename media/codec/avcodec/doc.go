// Package avcodec encodes H.264 with the encoders of libavcodec, those of the hardware
// first of all: h264_v4l2m2m and h264_vaapi.
//
// The daemon does not know libavcodec: a shared object of ours, callbox-avcodec.so, stands
// between them (plugin.h; its source is in plugin/). It is made for the libavcodec of one
// release and comes in a package of its own; Open looks for it. Drivers hang: everything
// that waits for one has an end, after which the encoder is given up.
package avcodec
