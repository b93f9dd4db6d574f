// Package openh264 encodes and decodes H.264 with Cisco's OpenH264, set for a call:
// constrained baseline, no periodic keyframes, one pass at a constant bitrate.
//
// The library is looked for when it is first needed (dlopen), not linked: a device
// without it works with VP8. Available says whether it is there. Structures of its
// interface have changed within one soname, so only the version that the package was
// built with (major and minor) is taken.
package openh264
