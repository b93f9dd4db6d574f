// Package vpx encodes and decodes VP8 with libvpx, set for a call: no lookahead,
// no periodic keyframes, one pass at a constant bitrate.
//
// The encoder is a mediadevices codec builder (VP8). mediadevices has one of its
// own over the same library, but that never sets cpu-used, runs on one thread and
// gives pts in microseconds against a base of 1/1000 s: 16 pictures a second at
// 720p. Pictures are I420; times are on clock.Boot.
package vpx
