package logging

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/sys/unix"

	"callbox/daemon/config"
)

// journald takes entries on a socket of its own.
type journald struct {
	t    *testing.T
	fd   int
	path string
}

func newJournald(t *testing.T) *journald {
	t.Helper()
	dir, err := os.MkdirTemp("", "callbox") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	j := &journald{t: t, path: filepath.Join(dir, "journal")}
	if j.fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(j.fd) })
	if err := unix.Bind(j.fd, &unix.SockaddrUnix{Name: j.path}); err != nil {
		t.Fatal(err)
	}
	return j
}

// take returns the next entry, nil for none.
func (j *journald) take() map[string][]string {
	j.t.Helper()
	data, control := make([]byte, 1<<20), make([]byte, 128)
	n, nc, _, _, err := unix.Recvmsg(j.fd, data, control, unix.MSG_CMSG_CLOEXEC)
	if errors.Is(err, unix.EAGAIN) {
		return nil
	}
	if err != nil {
		j.t.Fatal(err)
	}
	data = data[:n]
	if nc > 0 {
		data = j.file(control[:nc])
	}
	return parse(j.t, data)
}

// file reads an entry that came as a file.
func (j *journald) file(control []byte) []byte {
	j.t.Helper()
	messages, err := unix.ParseSocketControlMessage(control)
	if err != nil {
		j.t.Fatal(err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil {
		j.t.Fatal(err)
	}
	f := os.NewFile(uintptr(fds[0]), "entry")
	defer f.Close()
	if seals, err := unix.FcntlInt(f.Fd(), unix.F_GET_SEALS, 0); err != nil || seals&unix.F_SEAL_WRITE == 0 {
		j.t.Errorf("the file can still be written: %x %v", seals, err)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		j.t.Fatal(err)
	}
	data, err := io.ReadAll(f)
	if err != nil {
		j.t.Fatal(err)
	}
	return data
}

func parse(t *testing.T, data []byte) map[string][]string {
	t.Helper()
	fields := map[string][]string{}
	for len(data) > 0 {
		line, rest, ok := bytes.Cut(data, []byte("\n"))
		if !ok {
			t.Fatalf("an entry ends within a line: %q", data)
		}
		name, value, short := bytes.Cut(line, []byte("="))
		if !short {
			n := binary.LittleEndian.Uint64(rest)
			value, rest = rest[8:8+n], rest[8+n+1:]
		}
		fields[string(name)] = append(fields[string(name)], string(value))
		data = rest
	}
	return fields
}

func (j *journald) logger(fallback io.Writer) zerolog.Logger {
	j.t.Helper()
	w, err := newJournal(j.path, fallback)
	if err != nil {
		j.t.Fatal(err)
	}
	j.t.Cleanup(func() { unix.Close(w.fd) })
	return zerolog.New(w).Hook(codeHook{})
}

// TestFields: what an entry has for what is logged.
func TestFields(t *testing.T) {
	j := newJournald(t)
	log := j.logger(io.Discard)
	call := log.With().Str("room_id", "kR3v9").Str("contact", "Anna").Logger()
	for name, tt := range map[string]struct {
		do   func()
		want map[string][]string
	}{
		"the end of a call": {
			func() {
				call.Info().Str("from", "talking").Str("to", "ended").Str("cause", "timeLimit").Msg("call state")
			},
			map[string][]string{
				"PRIORITY": {"6"}, "CALL_ROOM_ID": {"kR3v9"}, "CALL_PEER": {"Anna"}, "CALL_CAUSE": {"timeLimit"},
				"CALLBOX_FROM": {"talking"}, "CALLBOX_TO": {"ended"},
				"MESSAGE": {"call state room_id=kR3v9 contact=Anna from=talking to=ended cause=timeLimit"},
			},
		},
		"a name and a thumbprint": {
			func() {
				log.Warn().Str("contact", "Anna Müller").Str("jkt", "L3cB").Bool("fresh", true).Int("n", 12).Msg("paired")
			},
			map[string][]string{
				"PRIORITY": {"4"}, "CALL_PEER": {"Anna Müller", "L3cB"}, "CALLBOX_FRESH": {"true"}, "CALLBOX_N": {"12"},
				"MESSAGE": {`paired contact="Anna Müller" jkt=L3cB fresh=true n=12`},
			},
		},
		"an error in two lines": {
			func() { log.Error().Err(errors.New("first\nsecond")).Msg("cannot") },
			map[string][]string{"PRIORITY": {"3"}, "CALLBOX_ERROR": {"first\nsecond"}, "MESSAGE": {`cannot error="first\nsecond"`}},
		},
		"a name that would be a field, and move the cursor": {
			func() { log.Debug().Str("contact", "x\nPRIORITY=0\x1b[2J").Msg("rings\x1b[2J") },
			map[string][]string{
				"PRIORITY": {"7"}, "CALL_PEER": {"x\nPRIORITY=0\x1b[2J"}, "MESSAGE": {`rings` + "\uFFFD" + `[2J contact="x\nPRIORITY=0\x1b[2J"`},
			},
		},
		"a list, and a key with other letters": {
			func() { log.Info().Strs("call-ids", []string{"a", "b"}).Msg("") },
			map[string][]string{"PRIORITY": {"6"}, "CALLBOX_CALL_IDS": {`["a","b"]`}, "MESSAGE": {`call-ids="[\"a\",\"b\"]"`}},
		},
		"no level": {
			func() { log.Log().Msg("plain") },
			map[string][]string{"PRIORITY": {"6"}, "MESSAGE": {"plain"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			zerolog.SetGlobalLevel(zerolog.DebugLevel)
			tt.do()
			got := j.take()
			if file := got["CODE_FILE"]; len(file) != 1 || !strings.HasSuffix(file[0], "daemon/logging/journal_test.go") {
				t.Errorf("CODE_FILE is %q", file)
			}
			if f := got["CODE_FUNC"]; len(f) != 1 || !strings.HasPrefix(f[0], "callbox/daemon/logging.TestFields.") {
				t.Errorf("CODE_FUNC is %q", f)
			}
			if line := got["CODE_LINE"]; len(line) != 1 || line[0] == "0" {
				t.Errorf("CODE_LINE is %q", line)
			}
			for _, name := range []string{"CODE_FILE", "CODE_FUNC", "CODE_LINE"} {
				delete(got, name)
			}
			tt.want["SYSLOG_IDENTIFIER"] = []string{"callboxd"}
			if !reflect.DeepEqual(got, tt.want) {
				t.Errorf("the entry is\n%q, want\n%q", got, tt.want)
			}
		})
	}
}

// TestLargeEntry: what no datagram holds comes as a file, whole.
func TestLargeEntry(t *testing.T) {
	j := newJournald(t)
	log := j.logger(io.Discard)
	text := strings.Repeat("goroutine 1\n", 100_000)
	log.Error().Str("stack", text).Msg("large")
	if got := j.take(); got == nil || got["CALLBOX_STACK"][0] != text {
		t.Errorf("the stack has not come")
	}
}

// TestJournalIsBehind: a journald that takes nothing costs lines, not the daemon's
// time; the next entry says how many.
func TestJournalIsBehind(t *testing.T) {
	j := newJournald(t)
	var left bytes.Buffer
	log := j.logger(&left)
	sent := 0
	w := func() *journalWriter { w, _ := newJournal(j.path, &left); return w }()
	t.Cleanup(func() { unix.Close(w.fd) })
	for w.lost.Load() == 0 && sent < 10_000 { // until the queue is full
		if _, err := w.WriteLevel(zerolog.InfoLevel, fmt.Appendf(nil, `{"n":%d}`, sent)); err != nil {
			t.Fatal(err)
		}
		sent++
	}
	if w.lost.Load() != 1 {
		t.Fatalf("%d lines are lost of %d", w.lost.Load(), sent)
	}
	took := func(lines int) time.Duration {
		started := time.Now()
		for range lines {
			if _, err := w.WriteLevel(zerolog.InfoLevel, []byte(`{"message":"a line"}`)); err != nil {
				t.Fatal(err)
			}
		}
		return time.Since(started)
	}
	if d := took(100); d > time.Second { // 10 s, if each of them waited
		t.Errorf("100 lines take %v", d)
	}
	w.patient.Store(0) // later
	if d := took(1); d < journalPatience {
		t.Errorf("after a rest a line takes %v: journald has no time to catch up", d)
	}
	for j.take() != nil { // it is back
	}
	if _, err := w.WriteLevel(zerolog.InfoLevel, []byte(`{"message":"again"}`)); err != nil {
		t.Fatal(err)
	}
	if got := j.take(); got["CALLBOX_LOST_LINES"] == nil || got["CALLBOX_LOST_LINES"][0] != "102" || left.Len() > 0 {
		t.Errorf("the entry after it is %q, and stderr has %q", got, &left)
	}
	log.Info().Msg("another")
	if got := j.take(); got["CALLBOX_LOST_LINES"] != nil {
		t.Errorf("the loss is told twice: %q", got)
	}
}

// TestJournalIsAway: while it restarts the lines go to stderr, with their priority.
func TestJournalIsAway(t *testing.T) {
	j := newJournald(t)
	var stderr bytes.Buffer
	log := j.logger(&stderr)
	if err := os.Remove(j.path); err != nil {
		t.Fatal(err)
	}
	log.Warn().Str("contact", "Anna").Msg("rings")
	if got := stderr.String(); got != "<4>rings contact=Anna\n" {
		t.Errorf("stderr has %q", got)
	}
	if _, err := newJournal(j.path, io.Discard); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a socket: %v", err)
	}
}

// TestManyWriters: entries do not mix. It is for the race detector, too.
func TestManyWriters(t *testing.T) {
	j := newJournald(t)
	log := j.logger(io.Discard)
	var done sync.WaitGroup
	for i := range 4 {
		done.Go(func() {
			for range 2 {
				log.Info().Int("i", i).Msg(fmt.Sprint("line ", i))
			}
		})
	}
	done.Wait()
	for range 8 {
		got := j.take()
		if want := fmt.Sprintf("line %s i=%s", got["CALLBOX_I"][0], got["CALLBOX_I"][0]); got["MESSAGE"][0] != want {
			t.Errorf("an entry is %q", got)
		}
	}
}

// TestPriorities: nothing is so urgent that journald writes it on every terminal.
func TestPriorities(t *testing.T) {
	for level := zerolog.TraceLevel; level <= zerolog.Disabled; level++ {
		if p := priority(level); p < 2 || p > 7 {
			t.Errorf("%v is %d", level, p)
		}
	}
}

// TestFormats: which form the log has.
func TestFormats(t *testing.T) {
	var stat unix.Stat_t
	if err := unix.Fstat(int(os.Stderr.Fd()), &stat); err != nil {
		t.Fatal(err)
	}
	stream := fmt.Sprintf("%d:%d", stat.Dev, stat.Ino)
	for name, tt := range map[string]struct {
		format config.LogFormat
		stream string
		want   string
	}{
		"elsewhere":                         {config.FormatAuto, "", `{"level":"info"`},
		"of another program's stream":       {config.FormatAuto, "1:1", `{"level":"info"`},
		"for people, where it is asked for": {config.FormatConsole, "", "INF hello"},
		"JSON under systemd":                {config.FormatJSON, stream, `{"level":"info"`},
		"for people under systemd":          {config.FormatConsole, stream, "INF hello"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("JOURNAL_STREAM", tt.stream)
			var out bytes.Buffer
			log := New(config.Log{Level: config.LevelInfo, Format: tt.format}, &out)
			log.Info().Msg("hello")
			log.Debug().Msg("too much")
			if got := out.String(); !strings.Contains(got, tt.want) || strings.Count(got, "\n") != 1 {
				t.Errorf("it writes %q, want %q", got, tt.want)
			}
		})
	}
	t.Setenv("JOURNAL_STREAM", stream)
	if !UnderJournal() {
		t.Error("stderr is not known as systemd's stream")
	}
}
