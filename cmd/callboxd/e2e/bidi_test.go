//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/coder/websocket"
)

// bidi is a connection to a browser in WebDriver BiDi (W3C): commands with a number,
// each answered once under that number, and events in between.
type bidi struct {
	conn  *websocket.Conn
	event func(method string, params json.RawMessage)

	mu      sync.Mutex
	last    int
	waiting map[int]chan<- bidiMessage
	broken  error         // why nothing is answered any more
	done    chan struct{} // reading has ended
}

// bidiMessage is an answer (type success or error) or an event (type event).
type bidiMessage struct {
	Type    string          `json:"type"`
	ID      int             `json:"id"`
	Result  json.RawMessage `json:"result"`
	Error   string          `json:"error"`
	Message string          `json:"message"`
	Method  string          `json:"method"`
	Params  json.RawMessage `json:"params"`
}

// errClosed means that this side has closed the connection.
var errClosed = errors.New("the connection to the browser is closed")

// dialBiDi connects and reads until close. event is called in turn for each event.
func dialBiDi(ctx context.Context, url string, event func(method string, params json.RawMessage)) (*bidi, error) {
	conn, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(64 << 20)
	b := &bidi{conn: conn, event: event, waiting: map[int]chan<- bidiMessage{}, done: make(chan struct{})}
	go b.read()
	return b, nil
}

func (b *bidi) read() {
	defer close(b.done)
	for {
		_, text, err := b.conn.Read(context.Background())
		if err != nil {
			b.fail(err)
			return
		}
		var m bidiMessage
		switch err := json.NewDecoder(bytes.NewReader(text)).Decode(&m); {
		case err != nil:
			b.fail(err)
			return
		case m.Type == "event":
			b.event(m.Method, m.Params)
		default:
			b.mu.Lock()
			answer := b.waiting[m.ID]
			delete(b.waiting, m.ID)
			b.mu.Unlock()
			if answer != nil {
				answer <- m
			}
		}
	}
}

// fail lets all who wait know that no answer will come.
func (b *bidi) fail(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken == nil {
		b.broken = err
	}
	for id, answer := range b.waiting {
		delete(b.waiting, id)
		close(answer)
	}
}

// send sends a command and decodes its result into result, unless that is nil.
func (b *bidi) send(ctx context.Context, method string, params, result any) error {
	answer := make(chan bidiMessage, 1)
	b.mu.Lock()
	if b.broken != nil {
		defer b.mu.Unlock()
		return fmt.Errorf("cannot send %s: %w", method, b.broken)
	}
	b.last++
	id := b.last
	b.waiting[id] = answer
	b.mu.Unlock()
	text, err := json.Marshal(map[string]any{"id": id, "method": method, "params": params})
	if err != nil {
		return err
	}
	if err := b.conn.Write(ctx, websocket.MessageText, text); err != nil {
		return fmt.Errorf("cannot send %s: %w", method, err)
	}
	select {
	case m, ok := <-answer:
		switch {
		case !ok:
			return fmt.Errorf("%s was not answered: the connection broke", method)
		case m.Type == "error":
			return fmt.Errorf("%s: %s: %s", method, m.Error, m.Message)
		case result == nil:
			return nil
		}
		return json.Unmarshal(m.Result, result)
	case <-ctx.Done():
		return fmt.Errorf("%s was not answered: %w", method, ctx.Err())
	}
}

// close ends the connection and waits for the reader.
func (b *bidi) close() {
	b.fail(errClosed)
	_ = b.conn.CloseNow() // the browser may be gone already
	<-b.done
}
