//go:build packaged

package packaged

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"callbox/signaling/cause"
	"callbox/signaling/message"
	"callbox/signaling/phonepeer"
)

func asExit(err error, exit **exec.ExitError) bool { return errors.As(err, exit) }

// phoneVariable makes this test a phone that obeys its standard input.
const phoneVariable = "CALLBOX_PACKAGED_PHONE"

func TestMain(m *testing.M) {
	if os.Getenv(phoneVariable) != "" {
		if err := bePhone(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stdout, "failed:", err)
		}
		return
	}
	m.Run()
}

// bePhone is a phone for the lines "pair LINK", "call" and "hangup"; it writes what
// comes of them.
func bePhone(in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute)
	defer cancel()
	p, err := phonepeer.New(phonepeer.Options{Name: "Anna", Loopback: true, InsecureTLS: true})
	if err != nil {
		return err
	}
	defer p.Close()
	var c *phonepeer.Call
	for lines := bufio.NewScanner(in); lines.Scan(); {
		verb, arg, _ := strings.Cut(lines.Text(), " ")
		switch verb {
		case "pair":
			if _, err := p.Pair(ctx, arg); err != nil {
				return err
			}
			if err := p.Connect(ctx); err != nil {
				return err
			}
			fmt.Fprintln(out, "paired")
		case "call":
			if c, err = p.Call(ctx, phonepeer.CallOptions{RoomType: message.Voice}); err != nil {
				return err
			}
			go follow(ctx, c, out)
		case "hangup":
			c.HangUp(cause.Manual)
		}
	}
	return nil
}

func follow(ctx context.Context, c *phonepeer.Call, out io.Writer) {
	if _, err := phonepeer.Await[phonepeer.Ringing](ctx, c); err == nil {
		fmt.Fprintln(out, "ringing", c.Room)
		if _, err := phonepeer.Await[phonepeer.Started](ctx, c); err == nil {
			fmt.Fprintln(out, "started")
		}
	}
	ended, err := c.Wait(ctx)
	if err != nil {
		fmt.Fprintln(out, "failed:", err)
		return
	}
	fmt.Fprintf(out, "ended %s %s\n", ended.End.Cause, ended.End.Detail)
}

// phone is such a phone in the network of the machine.
type phone struct {
	m     *machine
	to    io.Writer
	lines chan string
	room  string
}

// startPhone starts one that lives as long as t.
func startPhone(t *testing.T, m *machine) *phone {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "nsenter", "-t", strconv.Itoa(m.pid), "-n", "--", self)
	cmd.Env = append(os.Environ(), phoneVariable+"=1")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &phone{m: m, to: in, lines: make(chan string, 100)}
	go func() {
		defer close(p.lines)
		for scan := bufio.NewScanner(out); scan.Scan(); {
			p.lines <- scan.Text()
		}
	}()
	t.Cleanup(func() { in.Close(); _ = cmd.Wait() })
	return p
}

func (p *phone) say(line string) {
	p.m.t.Helper()
	if _, err := fmt.Fprintln(p.to, line); err != nil {
		p.m.t.Fatal(err)
	}
}

// hears waits for a line that begins so, and returns the rest.
func (p *phone) hears(begin string) string {
	p.m.t.Helper()
	late := time.After(patience)
	for {
		select {
		case line, ok := <-p.lines:
			if rest, is := strings.CutPrefix(line, begin); is {
				return strings.TrimSpace(rest)
			}
			if !ok || strings.HasPrefix(line, "failed") || strings.HasPrefix(line, "ended") {
				p.m.t.Fatalf("the phone says %q and should say %q", line, begin)
			}
		case <-late:
			p.m.t.Fatalf("the phone never says %q", begin)
		}
	}
}

// talk calls and is answered.
func (p *phone) talk() {
	p.m.t.Helper()
	p.say("call")
	p.room = p.hears("ringing")
	p.m.run("callboxctl", "answer", "--", p.room)
	p.hears("started")
}
