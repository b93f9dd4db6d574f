package policy

import (
	"testing"
	"time"

	"callbox/signaling/cause"
)

// TestSelftest: a test of the owner's is above what phones may do, and not above what
// protects people near the device.
func TestSelftest(t *testing.T) {
	for name, tt := range map[string]struct {
		rules   Rules
		request Request
		want    cause.Cause // "": allowed
		limit   time.Duration
		from    LimitFrom
	}{
		"nobody may call":           {Rules{Default: Rule{Rights: []Right{}}}, Request{}, "", 0, ""},
		"outside of the hours":      {Rules{Default: Rule{Hours: windows(t, "Mon-Fri 08:00-20:00")}}, Request{}, "", 0, ""},
		"the switch is on":          {Rules{}, Request{DND: DND{On: true}}, cause.DND, 0, ""},
		"a time of quiet":           {Rules{DoNotDisturb: windows(t, "Sat 00:00-24:00")}, Request{}, cause.DND, 0, ""},
		"its own limit":             {Rules{LongestCall: *limit(time.Minute)}, Request{Wish: *limit(time.Second)}, "", time.Second, FromInvite},
		"the configuration's limit": {Rules{LongestCall: *limit(time.Second)}, Request{Wish: *limit(time.Minute)}, "", time.Second, FromConfiguration},
	} {
		t.Run(name, func(t *testing.T) {
			tt.request.Now, tt.request.Video = saturday(t), true
			d := tt.rules.Selftest(tt.request)
			if d.Allowed != (tt.want == "") || d.Cause != tt.want || d.Rule == "" {
				t.Fatalf("decision = %+v, want the cause %q", d, tt.want)
			}
			if d.Auto.Allowed != d.Allowed || d.Camera.Allowed != d.Allowed || d.Unlock.Allowed {
				t.Errorf("auto, camera, unlock = %v, %v, %v; want %v, %v, false", d.Auto, d.Camera, d.Unlock, d.Allowed, d.Allowed)
			}
			if d.Limit.Duration != tt.limit || d.LimitFrom != tt.from {
				t.Errorf("limit = %v of %q, want %v of %q", d.Limit, d.LimitFrom, tt.limit, tt.from)
			}
		})
	}
	if d := (&Rules{}).Selftest(Request{Now: saturday(t)}); d.Camera.Allowed {
		t.Error("a voice call shows the camera")
	}
}
