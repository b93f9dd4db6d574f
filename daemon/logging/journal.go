package logging

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"
)

// journalSocket is where journald takes entries
// (https://systemd.io/JOURNAL_NATIVE_PROTOCOL).
const journalSocket = "/run/systemd/journal/socket"

// A writer waits so long for a journald that is behind, and then none does for a while:
// the loop writes, and a call must not wait for its log, however many lines it makes.
const (
	journalPatience = 100 * time.Millisecond
	journalRest     = 10 * time.Second
)

// journalWriter writes zerolog's lines as entries of the journal. It may be used from
// several goroutines.
type journalWriter struct {
	fd       int
	socket   string
	fallback io.Writer // where lines go that journald does not take
	lost     atomic.Int64
	start    time.Time
	patient  atomic.Int64 // ns after start, from when on a writer may wait
}

func newJournal(socket string, fallback io.Writer) (*journalWriter, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot make a socket for the journal: %w", err)
	}
	wait := unix.NsecToTimeval(journalPatience.Nanoseconds())
	err = unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_SNDTIMEO, &wait)
	if err == nil {
		err = unix.Access(socket, unix.W_OK)
	}
	if err != nil {
		_ = unix.Close(fd) // the error before it counts
		return nil, fmt.Errorf("cannot use the journal's socket %s: %w", socket, err)
	}
	return &journalWriter{fd: fd, socket: socket, fallback: fallback, start: time.Now()}, nil
}

// Write writes a line of no level.
func (j *journalWriter) Write(line []byte) (int, error) { return j.WriteLevel(zerolog.NoLevel, line) }

// WriteLevel writes a line, which is JSON. An entry that journald does not take in
// time is counted, and the count stands in the next one.
func (j *journalWriter) WriteLevel(level zerolog.Level, line []byte) (int, error) {
	e := newEntry(priority(level))
	e.line(line)
	lost := j.lost.Swap(0)
	if lost > 0 {
		e.field("CALLBOX_LOST_LINES", strconv.FormatInt(lost, 10))
	}
	data := e.datagram()
	err := j.send(data, unix.MSG_DONTWAIT)
	if errors.Is(err, unix.EAGAIN) && j.mayWait() {
		err = j.send(data, 0)
	}
	switch {
	case err == nil:
	case errors.Is(err, unix.EAGAIN):
		j.lost.Add(1 + lost)
	default: // journald is away: stderr waits in a buffer of systemd's
		if _, err := fmt.Fprintf(j.fallback, "<%d>%s\n", e.priority, e.message.String()); err != nil {
			j.lost.Add(1 + lost)
		}
	}
	return len(line), nil // zerolog would write about it to stderr
}

// mayWait lets one writer wait in each journalRest.
func (j *journalWriter) mayWait() bool {
	now, from := int64(time.Since(j.start)), j.patient.Load()
	return now >= from && j.patient.CompareAndSwap(from, now+int64(journalRest))
}

// send hands an entry to journald; one that is too large for a datagram in a sealed
// file. Without MSG_DONTWAIT among the flags it waits for journalPatience.
func (j *journalWriter) send(data []byte, flags int) error {
	to := &unix.SockaddrUnix{Name: j.socket} // each time: Sendto writes into it
	err := unix.Sendto(j.fd, data, flags|unix.MSG_NOSIGNAL, to)
	if !errors.Is(err, unix.EMSGSIZE) && !errors.Is(err, unix.ENOBUFS) {
		return err
	}
	file, err := unix.MemfdCreate("journal-entry", unix.MFD_CLOEXEC|unix.MFD_ALLOW_SEALING)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(file) }() // journald has its own
	for rest := data; len(rest) > 0; {
		n, err := unix.Write(file, rest)
		if err != nil {
			return err
		}
		rest = rest[n:]
	}
	const seals = unix.F_SEAL_SHRINK | unix.F_SEAL_GROW | unix.F_SEAL_WRITE | unix.F_SEAL_SEAL
	if _, err := unix.FcntlInt(uintptr(file), unix.F_ADD_SEALS, seals); err != nil {
		return err
	}
	return unix.Sendmsg(j.fd, nil, unix.UnixRights(file), to, flags|unix.MSG_NOSIGNAL)
}

// priority is that of syslog(3). Nothing is an emergency: journald would write it on
// every terminal.
func priority(level zerolog.Level) int {
	switch level {
	case zerolog.TraceLevel, zerolog.DebugLevel:
		return 7
	case zerolog.WarnLevel:
		return 4
	case zerolog.ErrorLevel:
		return 3
	case zerolog.FatalLevel, zerolog.PanicLevel:
		return 2
	case zerolog.InfoLevel, zerolog.NoLevel, zerolog.Disabled:
	}
	return 6
}

// entry is one entry of the journal.
type entry struct {
	priority int
	fields   strings.Builder
	message  strings.Builder
}

func newEntry(priority int) *entry {
	e := &entry{priority: priority}
	e.field("PRIORITY", strconv.Itoa(priority))
	e.field("SYSLOG_IDENTIFIER", "callboxd")
	return e
}

// journalNames are the fields that people ask for, and those that journald knows.
// Every other key becomes CALLBOX_KEY. A field may be there twice: a peer has a name
// and a thumbprint.
var journalNames = map[string]string{
	"room_id": "CALL_ROOM_ID", "cause": "CALL_CAUSE", "contact": "CALL_PEER", "phone": "CALL_PEER", "jkt": "CALL_PEER", "peer": "CALL_PEER",
	codeFile: "CODE_FILE", codeLine: "CODE_LINE", codeFunc: "CODE_FUNC",
}

// line takes zerolog's JSON apart. The message is the text with the keys behind it,
// in their order, as journalctl shows it.
func (e *entry) line(line []byte) {
	dec := json.NewDecoder(strings.NewReader(string(line)))
	dec.UseNumber()
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		e.message.WriteString(visible(strings.TrimSpace(string(line))))
		return
	}
	text, keys := "", ""
	for dec.More() {
		key, err := dec.Token()
		var raw json.RawMessage
		if err == nil {
			err = dec.Decode(&raw)
		}
		if err != nil {
			break // zerolog writes no such lines
		}
		name, value := fmt.Sprint(key), plain(raw)
		switch name {
		case zerolog.MessageFieldName:
			text = visible(value)
			continue
		case zerolog.LevelFieldName, zerolog.TimestampFieldName:
			continue
		}
		field, known := journalNames[name]
		if !known {
			field = "CALLBOX_" + fieldName(name)
		}
		e.field(field, value)
		if !strings.HasPrefix(field, "CODE_") {
			keys += " " + name + "=" + word(value)
		}
	}
	e.message.WriteString(strings.TrimSpace(text + keys))
}

// field adds one; a value with line ends is written with its length.
func (e *entry) field(name, value string) {
	if !strings.Contains(value, "\n") {
		e.fields.WriteString(name + "=" + value + "\n")
		return
	}
	e.fields.WriteString(name + "\n")
	for i := range 8 {
		e.fields.WriteByte(byte(uint64(len(value)) >> (8 * i)))
	}
	e.fields.WriteString(value + "\n")
}

func (e *entry) datagram() []byte {
	e.field("MESSAGE", e.message.String())
	return []byte(e.fields.String())
}

// plain is a JSON value as people write it: text without quotes.
func plain(raw json.RawMessage) string {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}

// word is a value that may contain blanks, so that the next key cannot be taken for a
// part of it.
func word(value string) string {
	if value == "" || strings.ContainsFunc(value, func(r rune) bool { return r == ' ' || r == '"' || r == '=' || !unicode.IsPrint(r) }) {
		return strconv.Quote(value)
	}
	return value
}

// visible is text in which nothing moves the cursor: names come from strangers.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '\uFFFD'
		}
		return r
	}, text)
}

// fieldName is a key in the letters that a field may have.
func fieldName(key string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z':
			return r - 'a' + 'A'
		case 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
			return r
		}
		return '_'
	}, key)
}
