package daemon

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"callbox/daemon/call"
	"callbox/daemon/control"
	"callbox/daemon/policy"
	"callbox/daemon/store"
	"callbox/hal/clock"
	"callbox/hal/devices"
	"callbox/media"
	"callbox/signaling"
	"callbox/signaling/cause"
	"callbox/signaling/mqtt"
)

// stage is a loop between fakes that write down, in order, what it does.
type stage struct {
	t       *testing.T
	loop    *loop
	clock   clock.Clock
	backend *backend
	stop    context.CancelFunc
	done    chan struct{}

	mu               sync.Mutex
	lines            []string
	emit             func(media.Event) // of the newest session
	with             string            // its name
	answer           func(context.Context) (string, error)
	records, updates []store.Record
	budgets          map[string]store.Budget
	contacts         []signaling.Contact
	stats            media.Stats // of every session, set before there is one
	cameraDevice     string      // that is shown
	restartErr       error
	sentID           string        // of the last data that was sent
	rung             []string      // rooms of the phones that were rung
	disk             time.Duration // how long it takes to write that a call begins
	// manualStart leaves it to the test to say that media has started.
	manualStart bool
	missing     devices.Kind // what is not there; set before the loop looks
}

func (s *stage) note(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lines = append(s.lines, fmt.Sprintf(format, args...))
}

// took returns what was written down since the last call.
func (s *stage) took() string {
	synctest.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	text := strings.Join(s.lines, "; ")
	for _, room := range s.rung { // their names are random
		text = strings.ReplaceAll(text, room, "ROOM")
	}
	s.lines = nil
	return text
}

func (s *stage) want(want string) {
	s.t.Helper()
	if got := s.took(); got != want {
		s.t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func newStage(t *testing.T, change func(*settings)) *stage {
	s := &stage{t: t, clock: clock.Go(), done: make(chan struct{}), budgets: map[string]store.Budget{}}
	s.answer = func(context.Context) (string, error) { return "our SDP", nil }
	events := control.NewEvents(time.Now)
	s.loop = &loop{
		log: zerolog.Nop(), clock: s.clock, wall: time.Now, signaling: fakeSignaling{s},
		records: newJournal(fakeRecords{s}, zerolog.Nop()), sounds: fakeSounds{s}, has: hardware{camera: true, microphone: true, speaker: true},
		missing: func(k devices.Kind) bool { return s.missing == k },
		absent: func(camera string) string {
			if camera == "usb-none" {
				return camera + " is not there"
			}
			return ""
		},
		revoke:   func(jkt string) error { s.note("revoke %s", jkt); return nil },
		presence: func(mqtt.State) {},
		room:     new(inRoom),
		beat:     func() {}, status: func(string) {}, made: func() string { return "" }, paired: func() {},
		events: events, box: newMailbox(), state: call.New(), refused: map[string]uint64{},
		contacts: fakeContacts{s}, allowances: budgets{fakeRecords{s}}, trusted: func() bool { return true }, bootID: "boot",
		dndStop: func() bool { return true },
		settings: settings{
			rules:      &policy.Rules{LongestCall: policy.Limit{Set: true, Duration: 10 * time.Minute}},
			deviceName: "Front door", ring: time.Minute, connect: 20 * time.Second, reconnect: 30 * time.Second,
			preconnect: media.PreconnectNetwork,
			warnings:   [call.MaxWarnings]time.Duration{30 * time.Second, 10 * time.Second},
		},
		open: func(cfg media.SessionConfig) (mediaSession, error) {
			s.mu.Lock()
			s.emit, s.with = cfg.Emit, cfg.Name
			s.mu.Unlock()
			return fakeSession{s}, nil
		},
	}
	if change != nil {
		change(&s.loop.settings)
	}
	s.backend = &backend{loop: s.loop}
	ctx, stop := context.WithCancel(t.Context())
	s.stop = stop
	go func() { defer close(s.done); s.loop.run(ctx) }()
	return s
}

// inLoop changes what belongs to the loop's goroutine.
func (s *stage) inLoop(change func()) {
	s.t.Helper()
	if _, err := ask(s.t.Context(), s.loop, func() (struct{}, error) { change(); return struct{}{}, nil }); err != nil {
		s.t.Fatal(err)
	}
}

// emitter is the newest session's.
func (s *stage) emitter() func(media.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.emit
}

// end stops the loop and waits for it.
func (s *stage) end() {
	s.stop()
	<-s.done
	if err := s.loop.records.close(context.Background()); err != nil {
		s.t.Error(err)
	}
}

type fakeSignaling struct{ s *stage }

func limitText(l signaling.Limit) string {
	if !l.Set {
		return "no limit"
	}
	return l.Duration.String()
}

func (f fakeSignaling) Ringing(room signaling.RoomKey, sdp string, ring time.Duration) {
	f.s.note("ringing %s %q %v", room.ID, sdp, ring)
}
func (f fakeSignaling) Accept(_ signaling.RoomKey, sdp string, l signaling.Limit) []byte {
	f.s.note("accept %q %s", sdp, limitText(l))
	return []byte("accept frame")
}
func (f fakeSignaling) Start(_ signaling.RoomKey, l signaling.Limit) []byte {
	f.s.note("start %s", limitText(l))
	return []byte("start frame")
}
func (f fakeSignaling) Reject(room signaling.RoomKey, c cause.Cause) {
	f.s.note("reject %s %s", room.ID, c)
}
func (f fakeSignaling) Bye(room signaling.RoomKey, e cause.End) []byte {
	f.s.note("bye %s %s%s%s", room.ID, e.Cause, e.Origin, e.Detail)
	return []byte("bye frame")
}
func (f fakeSignaling) Candidates(_ signaling.RoomKey, list [][]byte, end bool) {
	f.s.note("%d candidates %v", len(list), end)
}
func (f fakeSignaling) NeedRestart(_ signaling.RoomKey, generation int) {
	f.s.note("needRestart %d", generation)
}
func (f fakeSignaling) Restarted(_ signaling.RoomKey, generation int, sdp string) {
	f.s.note("restarted %d %q", generation, sdp)
}
func (f fakeSignaling) RestartFailed(_ signaling.RoomKey, generation int) {
	f.s.note("restart %d failed", generation)
}
func (f fakeSignaling) AnswerData(_ signaling.RoomKey, id, code string) []byte {
	f.s.note("answer data %s %q", id, code)
	return nil
}
func (f fakeSignaling) SendData(room signaling.RoomKey, id string, payload []byte) ([]byte, error) {
	f.s.note("data %s %s", room.ID, payload)
	f.s.mu.Lock()
	f.s.sentID = id
	f.s.mu.Unlock()
	return []byte("data frame"), nil
}
func (f fakeSignaling) Ring(r signaling.RingRequest) error {
	f.s.mu.Lock()
	f.s.rung = append(f.s.rung, r.RoomID)
	f.s.mu.Unlock()
	f.s.note("ring %s %s %s %v", r.RoomID, r.Phone, r.RoomType, r.Life)
	return nil
}
func (f fakeSignaling) CancelRing(room signaling.RoomKey, c cause.Cause) {
	f.s.note("cancel %s %s", room.ID, c)
}
func (f fakeSignaling) ReceiveFrame(signaling.RoomKey, []byte) []byte { return nil }
func (f fakeSignaling) End(room signaling.RoomKey)                    { f.s.note("end %s", room.ID) }

type fakeRecords struct{ s *stage }

func (f fakeRecords) Begin(store.Record) (uint64, error) {
	time.Sleep(f.s.disk)
	return 7, nil
}
func (f fakeRecords) UpdateWith(r store.Record, budgets map[string]store.Budget) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.s.updates = append(f.s.updates, r)
	maps.Copy(f.s.budgets, budgets)
	return nil
}
func (f fakeRecords) EndWith(r store.Record, budgets map[string]store.Budget) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	maps.Copy(f.s.budgets, budgets)
	f.s.records = append(f.s.records, r)
	return nil
}

func (f fakeRecords) LoadBudget(key string) (store.Budget, bool) {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	b, ok := f.s.budgets[key]
	return b, ok
}
func (f fakeRecords) SaveBudget(key string, b store.Budget) error {
	f.s.mu.Lock()
	defer f.s.mu.Unlock()
	f.s.budgets[key] = b
	return nil
}
func (f fakeRecords) SetSetting(name string, v any) error { f.s.note("set %s %v", name, v); return nil }

// fakeContacts are those of stage.contacts.
type fakeContacts struct{ s *stage }

func (f fakeContacts) List() []signaling.Contact { return f.s.contacts }
func (f fakeContacts) Contact(jkt string) (signaling.Contact, bool) {
	for _, c := range f.s.contacts {
		if c.JKT == jkt {
			return c, true
		}
	}
	return signaling.Contact{}, false
}

type fakeSounds struct{ s *stage }

func (f fakeSounds) Announce(ctx context.Context) error {
	f.s.note("announce")
	select {
	case <-time.After(1500 * time.Millisecond):
		return nil
	case <-ctx.Done():
		f.s.note("announcement stopped")
		return ctx.Err()
	}
}

func (f fakeSounds) Tone(ctx context.Context, what sound) error {
	f.s.note("sound %s", what)
	_, again := what.samples()
	if again {
		<-ctx.Done()
		f.s.note("no sound %s", what)
	}
	return ctx.Err()
}

type fakeSession struct{ s *stage }

func (f fakeSession) Answer(ctx context.Context, _ string) (string, error) { return f.s.answer(ctx) }
func (f fakeSession) AddCandidates(c []media.Candidate) error {
	f.s.note("add %d candidates", len(c))
	return nil
}
func (f fakeSession) Restart(context.Context, int, string) (string, error) {
	return "restarted SDP", f.s.restartErr
}
func (f fakeSession) Prepare() { f.s.note("prepare") }
func (f fakeSession) Accept(l media.Limit) {
	f.s.note("media accepted")
	if f.s.manualStart {
		return
	}
	go func() {
		s := media.Started{At: f.s.clock.Now()}
		if l.Set {
			s.Deadline = s.At + l.Duration
		}
		f.s.emit(s)
	}()
}
func (f fakeSession) SetMicrophone(on bool) { f.s.note("microphone %v", on) }
func (f fakeSession) SetCamera(bool)        {}
func (f fakeSession) Camera() string        { return "Door" }
func (f fakeSession) View() string          { return "" }
func (f fakeSession) CameraDevice() string  { return f.s.cameraDevice }
func (f fakeSession) SwitchCamera(name string) (string, error) {
	if name == "Cellar" {
		return "", media.ErrUnknownCamera
	}
	f.s.note("switch %q", name)
	return "Yard", nil
}
func (f fakeSession) Play(pcm []int16)           { f.s.note("tone") }
func (f fakeSession) SendData(text []byte) error { f.s.note("frame %s", text); return nil }
func (f fakeSession) Stats() media.Stats         { return f.s.stats }
func (f fakeSession) Shut()                      { f.s.note("shut") }
func (f fakeSession) Close() error               { f.s.note("close"); return nil }

func theOffer(room string) signaling.Offer {
	return signaling.Offer{
		Room: signaling.RoomKey{ID: room, Phone: "anna"}, RoomType: signaling.Video, SDP: "their SDP",
		Contact: signaling.Contact{JKT: "anna", Name: "Anna", Rights: []signaling.Right{signaling.RightCall}},
	}
}

func (s *stage) receive(ev signaling.Event) { s.loop.box.put(fromSignaling{ev}) }

// talk brings the stage to a talk in room "r".
func (s *stage) talk() {
	s.t.Helper()
	s.receive(theOffer("r"))
	synctest.Wait()
	if err := s.backend.Answer(s.t.Context(), ""); err != nil {
		s.t.Fatal(err)
	}
	if got := s.took(); !strings.Contains(got, "start 10m0s") {
		s.t.Fatalf("there is no talk: %s", got)
	}
}
