package policy

import (
	"testing"

	"callbox/signaling/cause"
)

// TestEveryCombination compares all rights, answers, directions and circumstances
// with a plain statement of what must be true.
func TestEveryCombination(t *testing.T) {
	answers := []Answer{"", AnswerRing, AnswerAuto}
	flags := []*bool{nil, no, yes}
	n := 0
	for bits := range 1 << len(all) {
		rights := []Right{}
		has := map[Right]bool{}
		for i, right := range all {
			if bits&(1<<i) != 0 {
				rights = append(rights, right)
				has[right] = true
			}
		}
		for where := range 3 { // who gives the rights: the contact, its group, the default
			for mode := range 3 * 3 * 3 * 3 {
				group, second, def, config := answers[mode%3], answers[mode/3%3], answers[mode/9%3], answers[mode/27]
				for state := range 2 * 2 * 2 * 3 {
					out, video, dnd, camera := state%2 == 1, state/2%2 == 1, state/4%2 == 1, flags[state/8]
					r := &Rules{
						Default: Rule{Answer: def}, Answer: config,
						Groups: []Group{{"a", Rule{Answer: group, Camera: camera}}, {"b", Rule{Answer: second}}},
					}
					// The contact's own answer must never count.
					q := Request{Contact: Contact{Name: "Anna", Groups: []string{"a", "b"}, Rule: Rule{Answer: AnswerAuto}}, Video: video, DND: DND{On: dnd}, Now: saturday(t)}
					if out {
						q.Direction = Outgoing
					}
					[]*Rule{&q.Contact.Rule, &r.Groups[1].Rule, &r.Default}[where].Rights = rights
					d := r.Decide(q)
					n++

					permitted := has[RightCall]
					if out {
						permitted = has[RightBeCalled]
					}
					allowed := permitted && (out || !dnd)
					wantCause := cause.Cause("")
					switch {
					case !permitted:
						wantCause = cause.Forbidden
					case !allowed:
						wantCause = cause.DND
					}
					answer := config
					if group != "" || second != "" {
						answer = AnswerAuto
						if group == AnswerRing || second == AnswerRing {
							answer = AnswerRing
						}
					} else if def != "" {
						answer = def
					}
					auto := allowed && !out && has[RightAuto] && answer == AnswerAuto
					sees := allowed && video && camera != no
					opens := allowed && has[RightUnlock]
					if d.Allowed != allowed || d.Cause != wantCause || d.Auto.Allowed != auto || d.Camera.Allowed != sees || d.Unlock.Allowed != opens {
						t.Fatalf("%+v, %+v gives %+v", r, q, d)
					}
					if d.Rule == "" || d.Auto.Rule == "" || d.Camera.Rule == "" || d.Unlock.Rule == "" {
						t.Fatalf("an answer names no rule: %+v", d)
					}
					if got := r.Unlock(q.Contact); got.Allowed != has[RightUnlock] || got.Rule == "" {
						t.Fatalf("Unlock = %+v with %v", got, rights)
					}
				}
			}
		}
	}
	if want := 16 * 3 * 81 * 24; n != want {
		t.Errorf("%d combinations were tried, want %d", n, want)
	}
}
