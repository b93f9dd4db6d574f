package pairing

import (
	"testing"
	"time"
)

func TestDesk(t *testing.T) {
	const start = time.Hour
	d := NewDesk("door-1", "dkt")
	if d.Known(start) {
		t.Error("a fresh desk knows a secret")
	}
	first := d.Open(start, DefaultLife)
	w := d.Open(start+time.Minute, DefaultLife)
	if len(w.Secret) < 16 || w.Until != start+time.Minute+DefaultLife {
		t.Fatalf("window = %d bytes until %v", len(w.Secret), w.Until)
	}
	mac := func(w Window, jkt string) string { return PhoneMAC(w.Secret, jkt, "dkt", "name") }
	judge := func(now time.Duration, jkt, mac string, want Verdict, wantFirst string) {
		t.Helper()
		if v, _, f := d.Judge(now, jkt, "name", mac); v != want || f != wantFirst {
			t.Errorf("Judge(%s) = %v, %q; want %v, %q", jkt, v, f, want, wantFirst)
		}
	}
	now := start + 2*time.Minute
	judge(now, "a", mac(first, "a"), Wrong, "") // replaced
	judge(now, "a", mac(w, "b"), Wrong, "")
	judge(now, "a", "", Wrong, "")
	judge(now, "a", mac(w, "a"), Right, "")
	judge(w.Until-1, "a", mac(w, "a"), Right, "")
	d.Use("a")
	judge(now, "a", mac(w, "a"), Again, "a")
	judge(now, "b", mac(w, "b"), Second, "a")
	judge(now, "a", mac(w, "a"), Suspended, "a") // with the second
	next := d.Open(now, DefaultLife)             // does not forget the one that was used
	judge(now, "b", mac(w, "b"), Suspended, "a")
	judge(now, "b", mac(next, "b"), Right, "")
	d.Close()
	judge(now, "b", mac(next, "b"), Wrong, "")
	judge(w.Until, "b", mac(w, "b"), Wrong, "")
	if d.Known(w.Until) {
		t.Error("a secret is kept for longer than its window")
	}
}

func TestWindowEnds(t *testing.T) {
	d := NewDesk("door-1", "dkt")
	w := d.Open(0, DefaultLife)
	if v, _, _ := d.Judge(DefaultLife, "a", "name", PhoneMAC(w.Secret, "a", "dkt", "name")); v != Wrong {
		t.Errorf("a right MAC after the window = %v, want Wrong", v)
	}
}

// FuzzJudge: a MAC is right when it is made with the secret for this key and name,
// and not otherwise; looking at it changes nothing.
func FuzzJudge(f *testing.F) {
	d := NewDesk("door-1", "device")
	w := d.Open(0, DefaultLife)
	f.Add("phone", "Anna", PhoneMAC(w.Secret, "phone", "device", "Anna"))
	f.Add("phone", "Bert", PhoneMAC(w.Secret, "phone", "device", "Anna"))
	f.Add("phoneA", "nna", PhoneMAC(w.Secret, "phone", "device", "Anna"))
	f.Add("phone", "Anna", DeviceMAC(w.Secret, "phone", "device", "Anna"))
	f.Add("", "", "")
	f.Fuzz(func(t *testing.T, jkt, name, mac string) {
		want := Wrong
		if mac == PhoneMAC(w.Secret, jkt, "device", name) {
			want = Right
		}
		for range 2 {
			if d.Holds(0, jkt, name, mac) != (want == Right) {
				t.Errorf("Holds(%q, %q, %q) = %v", jkt, name, mac, want != Right)
			}
			if v, secret, _ := d.Judge(0, jkt, name, mac); v != want || (secret != nil) != (want == Right) {
				t.Errorf("Judge(%q, %q, %q) = %v", jkt, name, mac, v)
			}
		}
	})
}
