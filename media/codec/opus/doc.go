// Package opus encodes and decodes Opus (RFC 6716) with libopus: mono, 48 kHz,
// with in-band error correction and silence suppression.
//
// The encoder is a mediadevices codec builder. mediadevices has one of its own,
// but without error correction, silence suppression and use-after-close safety,
// and it has no decoder. Samples are int16; RTP time is in samples at 48 kHz (RFC
// 7587, 4.1).
package opus
