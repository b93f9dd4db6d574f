package call

import (
	"fmt"
	"strings"

	"callbox/signaling/cause"
)

// describe writes a phase and effects the way the table does.
func describe(p Phase, effects []Effect) string {
	words := make([]string, len(effects))
	for i, e := range effects {
		words[i] = word(e)
	}
	return string(p) + ": " + strings.Join(words, ", ")
}

func word(e Effect) string {
	name := strings.TrimPrefix(fmt.Sprintf("%T", e), "call.")
	switch e := e.(type) {
	case StartTimer:
		return fmt.Sprintf("%s{%s %v}", name, e.Timer, e.After)
	case StopTimer:
		return fmt.Sprintf("%s{%s}", name, e.Timer)
	case SendRinging:
		if e.WithSDP {
			return name + "{with SDP}"
		}
	case SendAccept:
		return fmt.Sprintf("%s{%s}", name, limitWord(e.Limit))
	case AcceptMedia:
		return fmt.Sprintf("%s{%s}", name, limitWord(e.Limit))
	case SendStart:
		return fmt.Sprintf("%s{%s}", name, limitWord(e.Limit))
	case Reconnect:
		return name + map[bool]string{true: "{back}", false: "{lost}"}[e.Back]
	case SendReject:
		return fmt.Sprintf("%s{%s}", name, e.Cause)
	case SendBye:
		return fmt.Sprintf("%s{%s}", name, endWord(e.End))
	case Finish:
		return fmt.Sprintf("%s{%s by %s}", name, endWord(e.End), e.By)
	case Refuse:
		return fmt.Sprintf("%s{%v %s}", name, e.Room, e.Cause)
	case SendRing:
		return fmt.Sprintf("%s{%s}", name, e.Room.ID)
	case Alert:
		return fmt.Sprintf("%s{%s}", name, e.Room.ID)
	case Join:
		return fmt.Sprintf("%s{%s}", name, e.Room.ID)
	case RingTaken:
		if e.By != e.Room {
			return fmt.Sprintf("%s{%s by %s}", name, e.Room.ID, e.By.ID)
		}
		return fmt.Sprintf("%s{%s}", name, e.Room.ID)
	case CancelRing:
		return fmt.Sprintf("%s{%s %s}", name, e.Room.ID, e.Cause)
	case RingOver:
		return fmt.Sprintf("%s{%s %s}", name, e.Room.ID, endWord(e.End))
	case Warn:
		return fmt.Sprintf("%s{%v}", name, e.Left)
	case BeginRecord, Ring, Announce, StopAnnouncing, OpenMedia, Talk, Tick, StopTimers, SendNeedRestart,
		ShutMedia, DropMedia, CloseMedia:
	}
	return name
}

func limitWord(l Limit) string {
	if !l.Set {
		return "none"
	}
	return l.Duration.String()
}

func endWord(e cause.End) string {
	return strings.Join(strings.Fields(fmt.Sprint(e.Cause, " ", e.Origin, " ", e.Detail)), " ")
}
