package v4l2

import (
	"testing"

	"callbox/hal"
	"callbox/hal/v4l2/internal/uapi"
)

func TestChoose(t *testing.T) {
	const fhd, hd = 1080, 720
	want := hal.VideoMode{Width: 1280, Height: hd, FrameRate: 30}
	webcam := []mode{ // as a common USB camera enumerates
		{uapi.PixYUYV, 640, 480, 30},
		{uapi.PixYUYV, 1280, hd, 10},
		{uapi.PixMJPEG, 640, 480, 30},
		{uapi.PixMJPEG, 1280, hd, 30},
		{uapi.PixMJPEG, 1920, fhd, 30},
	}
	for name, tt := range map[string]struct {
		modes []mode
		want  hal.VideoMode
		get   mode
	}{
		"raw too slow: MJPEG": {webcam, want, mode{uapi.PixMJPEG, 1280, hd, 30}},
		"raw fast enough":     {webcam, hal.VideoMode{Width: 640, Height: 480, FrameRate: 30}, mode{uapi.PixYUYV, 640, 480, 30}},
		"raw at a low rate":   {webcam, hal.VideoMode{Width: 1280, Height: hd, FrameRate: 10}, mode{uapi.PixYUYV, 1280, hd, 10}},
		"cheapest of all": {[]mode{
			{uapi.PixMJPEG, 1280, hd, 30}, {uapi.PixYUYV, 1280, hd, 30}, {uapi.PixNV12, 1280, hd, 30}, {uapi.PixYU12, 1280, hd, 30},
		}, want, mode{uapi.PixYU12, 1280, hd, 30}},
		"29.97 is 30": {[]mode{{uapi.PixMJPEG, 1280, hd, 30}, {uapi.PixYUYV, 1280, hd, 29.97}}, want, mode{uapi.PixYUYV, 1280, hd, 29.97}},
		"unknown rate counts as reached": {[]mode{{uapi.PixMJPEG, 1280, hd, 30}, {uapi.PixYUYV, 1280, hd, 0}}, want,
			mode{uapi.PixYUYV, 1280, hd, 0}},
		"nearest size":                {webcam[2:4], hal.VideoMode{Width: 1920, Height: fhd, FrameRate: 30}, mode{uapi.PixMJPEG, 1280, hd, 30}},
		"smaller rather than a crawl": {[]mode{{uapi.PixYUYV, 1280, hd, 5}, {uapi.PixYUYV, 640, 360, 30}}, want, mode{uapi.PixYUYV, 640, 360, 30}},
		"same shape": {[]mode{{uapi.PixYUYV, 800, 600, 30}, {uapi.PixYUYV, 848, 480, 30}},
			hal.VideoMode{Width: 800, Height: 450, FrameRate: 30}, mode{uapi.PixYUYV, 848, 480, 30}},
		"the only one": {webcam[:1], want, webcam[0]},
	} {
		t.Run(name, func(t *testing.T) {
			if got := choose(tt.modes, tt.want); got != tt.get {
				t.Errorf("choose = %v, want %v", got, tt.get)
			}
		})
	}
}

func TestNearest(t *testing.T) {
	for _, tt := range []struct {
		want            int
		low, high, step uint32
		get             uint32
	}{
		{1280, 16, 4096, 2, 1280},
		{1280, 16, 1000, 2, 1000},
		{1280, 16, 1000, 48, 976},
		{8, 16, 1000, 2, 16},
		{721, 0, 2000, 16, 720},
		{640, 32, 3840, 0, 640},
		{-1, 32, 3840, 1, 32},
	} {
		if got := nearest(tt.want, tt.low, tt.high, tt.step); got != tt.get {
			t.Errorf("nearest(%d of %d to %d by %d) = %d, want %d", tt.want, tt.low, tt.high, tt.step, got, tt.get)
		}
	}
}

func TestRateAndInterval(t *testing.T) {
	for _, tt := range []struct {
		rate     float64
		interval uapi.Fract
	}{
		{30, uapi.Fract{Numerator: 1, Denominator: 30}},
		{29.97, uapi.Fract{Numerator: 1000, Denominator: 29970}},
		{12.5, uapi.Fract{Numerator: 1000, Denominator: 12500}},
	} {
		if got := interval(tt.rate); got != tt.interval {
			t.Errorf("interval(%v) = %v, want %v", tt.rate, got, tt.interval)
		}
		if got := rate(tt.interval); got != tt.rate {
			t.Errorf("rate(%v) = %v, want %v", tt.interval, got, tt.rate)
		}
	}
	if got := rate(uapi.Fract{Denominator: 30}); got != 0 {
		t.Errorf("rate of an interval of 0 = %v, want 0 for unknown", got)
	}
}
