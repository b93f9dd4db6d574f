package daemon

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coder/websocket"

	"callbox/signaling/base64url"
	"callbox/signaling/message"
	"callbox/signaling/pairing"
	"callbox/signaling/signalingtest"
)

// handset is a phone with a line to the daemon: its WebSocket. It acknowledges
// what the device says, as every phone does.
type handset struct {
	*signalingtest.Phone
	h       *house
	contact bool
	sent    []string // everything but the hellos

	ws     *websocket.Conn
	reader sync.WaitGroup

	mu    sync.Mutex
	heard []*message.Message // and not waited for yet
	known map[string]bool    // ids: the device says some things again
}

// stranger is a phone with a new key, connected.
func (h *house) stranger() *handset {
	h.t.Helper()
	s := h.status()
	p := &handset{Phone: signalingtest.NewPhone(h.t, s.SN, s.Thumbprint), h: h, known: map[string]bool{}}
	h.all = append(h.all, p)
	p.connect()
	return p
}

// dial opens a WebSocket as a page of that origin would; "" is none.
func (h *house) dial(host, origin string) (*websocket.Conn, *http.Response, error) {
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	header := http.Header{}
	if origin != "" {
		header.Set("Origin", origin)
	}
	url := strings.Replace(h.status().Transports[0].URLs[0], "http", "ws", 1) + "signal"
	transport := &http.Transport{DisableKeepAlives: true}
	ws, response, err := websocket.Dial(ctx, url, &websocket.DialOptions{
		HTTPClient: &http.Client{Transport: transport}, Host: host, HTTPHeader: header, Subprotocols: []string{"callbox.v1"},
	})
	if ws != nil {
		ws.SetReadLimit(1 << 20)
	}
	return ws, response, err
}

// greeted opens a WebSocket and reads the device's hello.
func (h *house) greeted() (ws *websocket.Conn, greeting string) {
	h.t.Helper()
	ws, _, err := h.dial("", "")
	if err != nil {
		h.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(h.t.Context(), patience)
	defer cancel()
	_, text, err := ws.Read(ctx)
	if err != nil {
		h.t.Fatal(err)
	}
	return ws, string(text)
}

// connect opens the phone's line and proves its key on it.
func (p *handset) connect() {
	p.h.t.Helper()
	ws, greeting := p.h.greeted()
	p.ws = ws
	hello, err := p.Hello(greeting)
	if err != nil {
		p.h.t.Fatal(err)
	}
	p.write(hello)
	p.reader.Go(p.read)
}

// hangUpLine ends the connection.
func (p *handset) hangUpLine() {
	_ = p.ws.CloseNow()
	p.reader.Wait()
}

// reconnect opens a new line.
func (p *handset) reconnect() {
	p.h.t.Helper()
	p.hangUpLine()
	p.connect()
}

func (p *handset) read() {
	for {
		_, text, err := p.ws.Read(context.Background())
		if err != nil {
			return // either end has closed
		}
		m, err := p.Read(string(text))
		if err != nil {
			p.h.t.Errorf("the device said what no phone takes: %v", err)
			continue
		}
		p.hear(m)
	}
}

func (p *handset) hear(m *message.Message) {
	if p.contact && m.Type != message.TypeAck && m.Type != message.TypeChallenge {
		p.write(p.Ack(m.RoomID, m.ID))
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.known[m.ID] && words(m) != "ack" && m.Type != message.TypeCandidates {
		p.heard = append(p.heard, m)
	}
	p.known[m.ID] = true
}

// words is what a message says, in short.
func words(m *message.Message) string {
	all := []string{string(m.Type)}
	if b, ok := m.Body.(message.Reject); ok {
		all = append(all, string(b.Cause))
	}
	if b, ok := m.Body.(message.Bye); ok {
		all = append(all, string(b.Cause), string(b.Origin), string(b.Detail))
	}
	if b, ok := m.Body.(message.Ack); ok {
		all = append(all, b.Error)
	}
	return strings.Join(strings.Fields(strings.Join(all, " ")), " ")
}

// unread is what the device said and nobody has waited for.
func (p *handset) unread() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var all []string
	for _, m := range p.heard {
		all = append(all, words(m))
	}
	return all
}

// expect waits for the next word of the device, which must be this.
func (p *handset) expect(want string) *message.Message {
	p.h.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		p.mu.Lock()
		heard := p.heard
		if len(heard) > 0 {
			p.heard = heard[1:]
		}
		p.mu.Unlock()
		if len(heard) == 0 {
			continue
		}
		if got := words(heard[0]); got != want {
			p.h.t.Fatalf("the device said %q, want %q; refused %v", got, want, p.h.refused())
		}
		return heard[0]
	}
	p.h.t.Fatalf("the device never said %q; refused %v", want, p.h.refused())
	return nil
}

// say sends messages.
func (p *handset) say(texts ...string) {
	p.h.t.Helper()
	p.sent = append(p.sent, texts...)
	for _, text := range texts {
		p.write(text)
	}
}

// write sends one frame; a line that is closed shows in what is waited for.
func (p *handset) write(text string) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	_ = p.ws.Write(ctx, websocket.MessageText, []byte(text))
}

// pair sends a pair message with the code's secret.
func (p *handset) pair(link pairing.Link, name string, changes ...signalingtest.Change) {
	p.h.t.Helper()
	secret, err := base64url.Decode(link.Secret)
	if err != nil {
		p.h.t.Fatal(err)
	}
	p.say(p.Pair(message.NewID(), secret, name, changes...))
}

// challenged sends an invite and waits for its challenge.
func (p *handset) challenged(changes ...signalingtest.Change) (invite, nonce string) {
	p.h.t.Helper()
	invite = p.Invite(theRoom, changes...)
	p.say(invite)
	return invite, p.expect("challenge").Body.(message.Challenge).Nonce
}

// rings calls until the device rings, and returns the nonce for data.
func (p *handset) rings(changes ...signalingtest.Change) (nonce string) {
	p.h.t.Helper()
	invite, challenge := p.challenged(changes...)
	p.say(p.Offer(theRoom, challenge, invite, signalingtest.SDP{}.String()))
	return p.expect("ringing").Body.(message.Ringing).Nonce
}
