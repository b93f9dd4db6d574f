// Package echo takes the sound of the device's speaker out of that of its
// microphone, and the noise of the place.
//
// A Canceller sees both directions of one full-duplex sound device, frame by
// frame: what is played, after tones and volume, and what is heard. It finds by
// itself how long the way from one to the other is (finder), delays the played
// sound by that, and gives both to an engine: speexdsp with a suppressor of our
// own behind it, or WebRTC's audio processing. docs/decisions/0016-echo.md has
// the measurements that chose the default.
//
// Frames are hal.FrameSamples mono signed 16-bit samples, 10 ms at 48 kHz.
// Levels in dBFS are against full scale. The signals have the letters of the
// literature: x is played (far), d is heard (microphone), y the estimated echo,
// e = d - y what is left.
package echo
