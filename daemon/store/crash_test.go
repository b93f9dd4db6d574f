package store

import (
	"bufio"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"callbox/signaling"
	"callbox/signaling/cause"
)

// helperEnv makes the test binary a process that a test may kill or starve.
const helperEnv = "CALLBOX_STORE_HELPER"

func TestMain(m *testing.M) {
	helpers := map[string]func(dir string) error{"write": writeForEver, "step": dieAtStep, "full": fillDisk}
	if f := helpers[os.Getenv(helperEnv)]; f != nil {
		if err := f(os.Getenv(helperEnv + "_DIR")); err != nil {
			panic(err)
		}
		return
	}
	m.Run()
}

func helper(t *testing.T, name, dir string, env ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), helperEnv+"="+name, helperEnv+"_DIR="+dir)
	cmd.Env = append(cmd.Env, env...)
	return cmd
}

// writeForEver records calls as fast as it can and says on stdout what is durable:
// "begin ID", "update ID talkSeconds", "end ID".
func writeForEver(dir string) error {
	s, err := Open(dir, Options{Retention: Retention{Keep: 50}})
	if err != nil {
		return err
	}
	for _, p := range s.Problems() {
		return errors.New(p.Text)
	}
	for n := 0; ; n++ {
		r := full(fmt.Sprint("room ", n))
		r.TalkSeconds = 0
		if r.ID, err = s.Begin(r); err != nil {
			return err
		}
		fmt.Fprintln(os.Stdout, "begin", r.ID)
		for i := 1; i < 3; i++ {
			r.TalkSeconds = float64(r.ID) + float64(i)/10
			err := s.UpdateWith(r, map[string]Budget{"contact:a": {UsedSeconds: r.TalkSeconds}})
			if err != nil {
				return err
			}
			fmt.Fprintln(os.Stdout, "update", r.ID, r.TalkSeconds)
		}
		if err := s.End(r); err != nil {
			return err
		}
		fmt.Fprintln(os.Stdout, "end", r.ID)
	}
}

// TestKilled kills a process that writes, again and again at random moments: what it
// said to be durable is there, whole, and the budget is never behind the record.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))
	total, inside := 0, 0
	for range 36 {
		cmd := helper(t, "write", dir)
		var stderr strings.Builder
		cmd.Stderr = &stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// Killed after a random number of changes, and a random bit later.
		after, later := rnd.IntN(40), time.Duration(rnd.IntN(3_000_000))
		last := ""
		for lines := bufio.NewScanner(out); lines.Scan(); {
			last = lines.Text()
			if total++; after == 0 {
				time.AfterFunc(later, func() { _ = cmd.Process.Kill() })
			}
			after--
		}
		if err := cmd.Wait(); cmd.ProcessState.ExitCode() != -1 || stderr.Len() > 0 {
			t.Fatalf("the process was not killed: %v, %s", err, stderr.String())
		}
		s := mustOpen(t, dir)
		if p := s.Problems(); len(p) != 0 {
			t.Fatalf("killed after %q: %+v", last, p)
		}
		inside += s.Restarted()
		checkDurable(t, s, last)
		crash(s)
	}
	t.Logf("%d changes, %d of 36 kills inside a call", total, inside)
	if inside < 5 {
		t.Errorf("only %d kills hit a running call", inside)
	}
}

// checkDurable compares the newest records with the last line of the process. The
// disk may be one change ahead of what it could still say.
func checkDurable(t *testing.T, s *Store, last string) {
	t.Helper()
	words := strings.Fields(last)
	id, err := strconv.ParseUint(words[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	records := s.Records(Query{})
	newest := records[0]
	if newest.ID != id && newest.ID != id+1 {
		t.Fatalf("after %q the newest record is %d", last, newest.ID)
	}
	talked := 0.0
	for i, r := range records {
		if r.ID != newest.ID-uint64(i) {
			t.Fatalf("after %q record %d is missing", last, newest.ID-uint64(i))
		}
		want := full(r.RoomID)
		whole := r.Contact == want.Contact && len(r.Rings) == 3 && r.Started.Equal(want.Started) && !r.Ended.IsZero()
		hungUp := r.Cause == cause.Hangup && math.Abs(r.TalkSeconds-float64(r.ID)-0.2) < 0.01
		killed := r.Cause == cause.Aborted && r.Detail == cause.Restarted
		if !whole || !hungUp && !killed {
			t.Fatalf("after %q record %d is not whole: %+v", last, r.ID, r)
		}
		talked = max(talked, r.TalkSeconds)
	}
	r := records[newest.ID-id]
	switch words[0] {
	case "update":
		if said, err := strconv.ParseFloat(words[2], 64); err != nil || r.TalkSeconds < said {
			t.Fatalf("after %q the record says %v s (%v)", last, r.TalkSeconds, err)
		}
	case "end":
		if r.Cause != cause.Hangup {
			t.Fatalf("after %q the record ended %s", last, r.Cause)
		}
	}
	if b, _ := s.LoadBudget("contact:a"); b.UsedSeconds < talked {
		t.Fatalf("after %q the records have %v s and the budget %v s", last, talked, b.UsedSeconds)
	}
}

// dieAtStep starts and pairs a phone, and kills itself before step N of its writes.
func dieAtStep(dir string) error {
	at, err := strconv.Atoi(os.Getenv(helperEnv + "_STEP"))
	if err != nil {
		return err
	}
	n := 0
	s, err := open(files{dir: dir, crash: func(string) error {
		if n++; n == at {
			return syscall.Kill(os.Getpid(), syscall.SIGKILL)
		}
		return nil
	}}, Options{}, time.Now, currentSchema())
	if err != nil {
		return err
	}
	anna := stepPhone()
	if _, _, err := s.Pair(anna); err != nil {
		return err
	}
	os.Stdout.WriteString("paired\n")
	id, err := s.Begin(Record{RoomID: "room"})
	if err != nil {
		return err
	}
	os.Stdout.WriteString("begun\n")
	if err := s.End(Record{ID: id, RoomID: "room", Cause: cause.Hangup}); err != nil {
		return err
	}
	if _, err := s.Redact(); err != nil {
		return err
	}
	os.Stdout.WriteString("ended\n")
	return nil
}

func stepPhone() signaling.Contact {
	jwk := signaling.JWK{Kty: "EC", Crv: "P-256", X: "8q0u6PQMrnf9hsyT4Q3nnm7BJGPc3czVyXdesIIq5mE", Y: "Ne1GVmJpgz_vjN8yUhPnQRni2Nv2bE_eiC4U5unfOtc"}
	return signaling.Contact{JKT: thumbprint(jwk), JWK: jwk, Name: "Anna"}
}

// TestCrashPoints kills the process at every step of every write that a first start,
// a pairing, a call and a new file make, and starts again.
func TestCrashPoints(t *testing.T) {
	for at := 1; ; at++ {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS("testdata/version1")); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(dir, contactsFile)); err != nil {
			t.Fatal(err)
		}
		write(t, dir, identityFile, newKey(t))
		cmd := helper(t, "step", dir, fmt.Sprint(helperEnv, "_STEP=", at))
		out, err := cmd.Output()
		said := string(out)
		if err == nil {
			if at < 14 {
				t.Fatalf("only %d steps were seen", at-1)
			}
			return
		}
		if cmd.ProcessState.ExitCode() != -1 {
			t.Fatalf("step %d: %v", at, err)
		}
		s := mustOpen(t, dir) // must work after every crash
		if p := s.Problems(); len(p) != 0 {
			t.Errorf("step %d: %+v", at, p)
		}
		if _, ok := s.Contact(stepPhone().JKT); !ok && strings.Contains(said, "paired") {
			t.Errorf("step %d: Pair had returned, but the contact is lost", at)
		}
		got := s.Records(Query{})
		if r := rooms(got); !strings.HasSuffix(r, "sample-room-4 sample-room-3 sample-room-2 sample-room-1") || strings.Count(r, "sample") != 4 {
			t.Errorf("step %d: records of version 1: %q", at, r)
		}
		if strings.Contains(said, "begun") && got[0].RoomID != "room" || strings.Contains(said, "ended") && got[0].Cause != cause.Hangup {
			t.Errorf("step %d: it said %q, the record is %+v", at, said, got[0])
		}
		if left, _ := filepath.Glob(filepath.Join(dir, "*.tmp")); len(left) > 0 {
			t.Errorf("step %d: left over: %v", at, left)
		}
		crash(s)
	}
}

// fillDisk runs on a disk that is full: no file may grow beyond what calls.db has.
func fillDisk(dir string) error {
	s, err := Open(dir, Options{})
	if err != nil {
		return err
	}
	if _, err := s.Begin(Record{RoomID: "before"}); err != nil {
		return err
	}
	info, err := os.Stat(filepath.Join(dir, callsName))
	if err != nil {
		return err
	}
	signal.Ignore(syscall.SIGXFSZ) // the write fails instead
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		return err
	}
	limit := syscall.Rlimit{Cur: uint64(info.Size()), Max: old.Max}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		return err
	}
	failed, last := 0, uint64(0)
	for n := 0; failed < 20; n++ {
		if n > 2000 {
			return errors.New("the disk does not get full")
		}
		id, err := s.Begin(full(fmt.Sprint("full ", n)))
		if id <= last {
			return fmt.Errorf("number %d follows %d", id, last)
		}
		last = id
		switch {
		case err != nil && !errors.Is(err, syscall.EFBIG) && !strings.Contains(err.Error(), "file too large"):
			return fmt.Errorf("another error: %w", err)
		case err != nil:
			failed++
		}
		if got := s.Records(Query{Limit: 1}); got[0].ID != id {
			return fmt.Errorf("memory does not have record %d", id)
		}
		r := full(fmt.Sprint("full ", n))
		r.ID = id
		_ = s.EndWith(r, map[string]Budget{"contact:a": {UsedSeconds: float64(n)}})
	}
	// A change that needs no more room than there is gets through in between.
	if p := s.Problems(); len(p) == 0 || !p[len(p)-1].Over.IsZero() {
		return fmt.Errorf("problems: %+v", p)
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		return err
	}
	if _, err := s.Begin(Record{RoomID: "room again"}); err != nil {
		return fmt.Errorf("there is room again: %w", err)
	}
	for _, p := range s.Problems() {
		if p.Over.IsZero() || p.Moved != "" {
			return fmt.Errorf("a problem after it: %+v", p)
		}
	}
	os.Stdout.WriteString(strconv.FormatUint(last+1, 10))
	return syscall.Kill(os.Getpid(), syscall.SIGKILL)
}

func TestDiskFull(t *testing.T) {
	dir := t.TempDir()
	cmd := helper(t, "full", dir)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err == nil || stderr.Len() > 0 {
		t.Fatalf("the process: %v, %s", err, stderr.String())
	}
	last, err := strconv.ParseUint(string(out), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, dir)
	got := s.Records(Query{})
	if uint64(len(got)) != last || got[0].RoomID != "room again" || len(s.Problems()) != 0 {
		t.Errorf("%d records, want %d; problems %+v", len(got), last, s.Problems())
	}
	if b, _ := s.LoadBudget("contact:a"); b.UsedSeconds != float64(last-3) {
		t.Errorf("the budget has %v s, want %d", b.UsedSeconds, last-3)
	}
}
