package store

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"syscall"
	"time"

	"callbox/signaling"
	"callbox/signaling/cause"
)

const (
	recordsFile = "calls.jsonl"
	maxRecords  = 1000 // the newest are kept
	// compactAt bounds the file: each call writes two or three lines.
	compactAt = 4 * maxRecords
)

// Direction says who began a call.
type Direction string

// The directions, seen from the device.
const (
	Incoming Direction = "in"
	Outgoing Direction = "out"
)

// Record is one call for people and statistics. Times are of the wall clock and
// may be wrong on a device whose clock is; lengths are measured on the boot-time
// clock.
type Record struct {
	RoomID       string             `json:"roomId"`
	Peer         string             `json:"peer"`             // jkt of the phone's key
	Contact      string             `json:"contact,omitzero"` // its name at that time
	RoomType     signaling.RoomType `json:"roomType"`
	Direction    Direction          `json:"direction"`
	Started      time.Time          `json:"started"`
	Answered     time.Time          `json:"answered,omitzero"`
	Ended        time.Time          `json:"ended,omitzero"` // zero: the call is running
	RingSeconds  float64            `json:"ringSeconds"`
	TalkSeconds  float64            `json:"talkSeconds"`
	LimitSeconds float64            `json:"limitSeconds,omitzero"` // 0: none
	Cause        cause.Cause        `json:"cause,omitzero"`
	Origin       cause.Origin       `json:"origin,omitzero"`
	Detail       cause.Detail       `json:"detail,omitzero"`
}

// entry is one line of the file: the state of one record. The last line of a
// record counts.
type entry struct {
	Begin *Record `json:"begin,omitempty"`
	End   *Record `json:"end,omitempty"`
}

type header struct {
	Version int    `json:"version"`
	Kind    string `json:"kind"`
}

// journal is the append-only file of the records.
type journal struct {
	file    *os.File
	size    int64    // of what is known to be whole
	lines   int      // without the header
	records []Record // in the order in which they began
}

// Begin writes down that a call began. A second Begin for the same room and peer
// before its End brings it up to date (answered).
func (s *Store) Begin(r Record) error {
	s.recordsMu.Lock()
	defer s.recordsMu.Unlock()
	return s.append(entry{Begin: &r})
}

// End writes down how a call ended. r is the whole record; its Cause must be in
// the registry.
func (s *Store) End(r Record) error {
	if !r.Cause.Valid() {
		return fmt.Errorf("cannot end the record of room %s: %q is no cause", r.RoomID, r.Cause)
	}
	if r.Ended.IsZero() {
		r.Ended = s.now().UTC()
	}
	s.recordsMu.Lock()
	defer s.recordsMu.Unlock()
	return s.append(entry{End: &r})
}

// Records returns the newest calls, the newest first; limit <= 0 means all that
// are kept (1000).
func (s *Store) Records(limit int) []Record {
	s.recordsMu.Lock()
	defer s.recordsMu.Unlock()
	out := slices.Clone(s.journal.records)
	slices.Reverse(out)
	if limit > 0 && limit < len(out) {
		out = out[:limit]
	}
	return out
}

func (s *Store) append(e entry) error {
	j := &s.journal
	line, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("cannot write a call record: %w", err)
	}
	line = append(line, '\n')
	if _, err = j.file.WriteAt(line, j.size); err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		// Half a line in the middle would be damage; take it away.
		return fmt.Errorf("cannot write a call record to %s: %w; is the disk full?",
			s.files.path(recordsFile), errors.Join(err, j.file.Truncate(j.size)))
	}
	j.size += int64(len(line))
	j.lines++
	j.apply(e)
	if j.lines >= compactAt {
		return s.compact()
	}
	return nil
}

// apply brings the list of records up to date.
func (j *journal) apply(e entry) {
	r := e.Begin
	if r == nil {
		r = e.End
	}
	for i := len(j.records) - 1; i >= 0; i-- {
		if old := j.records[i]; old.RoomID == r.RoomID && old.Peer == r.Peer && old.Ended.IsZero() {
			j.records[i] = *r
			return
		}
	}
	j.records = append(j.records, *r)
	if over := len(j.records) - maxRecords; over > 0 {
		j.records = slices.Delete(j.records, 0, over)
	}
}

// openJournal reads the file and closes what a crash left open.
func (s *Store) openJournal() error {
	const remedy = "remove it to start with no call records"
	data, err := os.ReadFile(s.files.path(recordsFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("cannot read the call records: %w", err)
	}
	// A last line without its end was being written when the power went: nobody
	// was told that it is safe, so it does not count. It is no damage.
	data = data[:bytes.LastIndexByte(data, '\n')+1]
	for n, line := range bytes.Split(data, []byte("\n")) {
		if len(line) == 0 && n > 0 || len(data) == 0 {
			continue
		}
		if err := s.journal.read(n, line); errors.Is(err, ErrNewer) {
			return fmt.Errorf("cannot use %s: %w; install that version again, or %s", s.files.path(recordsFile), err, remedy)
		} else if err != nil {
			return s.files.damaged(recordsFile, fmt.Errorf("line %d: %w", n+1, err), remedy)
		}
	}
	for i := range s.journal.records {
		if r := &s.journal.records[i]; r.Ended.IsZero() {
			r.Ended = s.now().UTC()
			r.Cause, r.Detail = cause.Aborted, cause.Restarted
		}
	}
	return s.compact()
}

func (j *journal) read(n int, line []byte) error {
	if n == 0 {
		var h header
		if err := decode(line, &h); err != nil {
			return err
		}
		if h.Kind != "calls" {
			return fmt.Errorf("it is of the kind %q", h.Kind)
		}
		return nil
	}
	var e entry
	if err := strict(line, &e); err != nil {
		return err
	}
	if (e.Begin == nil) == (e.End == nil) {
		return errors.New("it is neither a begin nor an end")
	}
	if e.End != nil && (e.End.Ended.IsZero() || !e.End.Cause.Valid()) {
		return errors.New("it is an end without a cause or a time")
	}
	j.apply(e)
	return nil
}

// compact writes the file anew, one line a record, and opens it to append.
func (s *Store) compact() error {
	j := &s.journal
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	err := enc.Encode(header{version, "calls"})
	for i := range j.records {
		e := entry{End: &j.records[i]}
		if j.records[i].Ended.IsZero() {
			e = entry{Begin: &j.records[i]}
		}
		err = errors.Join(err, enc.Encode(e))
	}
	if err != nil {
		return fmt.Errorf("cannot write the call records: %w", err)
	}
	if err := s.files.replace(recordsFile, b.Bytes()); err != nil {
		return err
	}
	f, err := os.OpenFile(s.files.path(recordsFile), os.O_WRONLY|syscall.O_NOFOLLOW, 0)
	if err != nil {
		return fmt.Errorf("cannot open the call records: %w", err)
	}
	if err := j.close(); err != nil {
		return errors.Join(err, f.Close())
	}
	j.file, j.size, j.lines = f, int64(b.Len()), len(j.records)
	return nil
}

func (j *journal) close() error {
	if j.file == nil {
		return nil
	}
	err := j.file.Close()
	j.file = nil
	return err
}
