package signaling

// maxFrames is how many data frames a room remembers: of those that open something
// all of its life, of others the newest.
const maxFrames = maxSeen

// frameIDs are the ids of data frames that were handed to the daemon, with what
// became of each. One that comes again gets the same answer and has no second effect.
type frameIDs struct {
	answers map[string]*verdict
	plain   []string // ids that need no right, the oldest first
	rights  int      // how many need one
}

type verdict struct {
	given   bool
	errCode string
}

// full reports whether a frame that needs this right cannot be remembered: what opens
// a door is never forgotten in a room.
func (f *frameIDs) full(right Right) bool { return right != "" && f.rights >= maxFrames }

// note remembers the id of a frame that is handed on.
func (f *frameIDs) note(id string, right Right) {
	f.answers[id] = &verdict{}
	if right != "" {
		f.rights++
		return
	}
	if f.plain = append(f.plain, id); len(f.plain) > maxFrames {
		delete(f.answers, f.plain[0])
		f.plain = f.plain[1:]
	}
}

// answered remembers what the daemon said.
func (f *frameIDs) answered(id, errCode string) {
	if a := f.answers[id]; a != nil {
		a.given, a.errCode = true, errCode
	}
}
