package daemon

import (
	"reflect"
	"testing"
	"time"

	"callbox/daemon/policy"
	"callbox/signaling"
)

func TestPolicyContact(t *testing.T) {
	camera := false
	weekdays, err := policy.ParseSchedule([]string{"Mon-Fri 08:00-20:00"})
	if err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		in   signaling.Contact
		want policy.Contact
	}{
		"nothing said": {signaling.Contact{Name: "Anna"}, policy.Contact{Name: "Anna"}},
		"no rights at all": {signaling.Contact{Rights: []signaling.Right{}, Hours: []string{}},
			policy.Contact{Rule: policy.Rule{Rights: []policy.Right{}}}},
		"all": {
			signaling.Contact{
				Name: "Anna", Groups: []string{"family"}, Rights: []signaling.Right{signaling.RightCall, signaling.RightUnlock},
				MaxSeconds: 1.5, DaySeconds: 60, Hours: []string{"Mon-Fri 08:00-20:00"}, Camera: &camera,
			},
			policy.Contact{Name: "Anna", Groups: []string{"family"}, Rule: policy.Rule{
				Rights: []policy.Right{policy.RightCall, policy.RightUnlock}, Hours: weekdays, Camera: &camera,
				LongestCall: &policy.Limit{Set: true, Duration: 1500 * time.Millisecond}, TalkADay: &policy.Limit{Set: true, Duration: time.Minute},
			}},
		},
		"hours that cannot be read never hold": {signaling.Contact{Hours: []string{"Mon-Fri 08:00-20:00", "8-20"}},
			policy.Contact{Rule: policy.Rule{Hours: policy.Schedule{policy.Window{}}}}},
	} {
		if got := policyContact(tt.in); !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %+v, want %+v", name, got, tt.want)
		}
	}
}
