package control

import "context"

// Backend is what the server asks; the daemon implements it. Errors are those of
// this package, or anything else for what is the daemon's fault. Methods are called
// from several goroutines; each has a few seconds.
type Backend interface {
	// Status describes the device. Its Seq must be the number of the newest event
	// that it includes: take it where events are published, in the loop.
	Status(ctx context.Context) (Status, error)
	Version() Version
	CallControl
	ContactBook
	Hardware
	Relay
	Upkeep
}

// Relay is the part of a Backend that carries messages of phones over a channel of
// the maker's. ErrNotSupported when the configuration has it off.
type Relay interface {
	// RelayIn takes one message that a phone has sent. ErrBadRequest when it cannot
	// be one; whether it is one of that phone's is not known when it returns.
	RelayIn(ctx context.Context, m RelayIn) error
	// RelayOut returns the messages to phones, until stop is called or the channel is
	// closed because the reader fell too far behind or the daemon ends.
	RelayOut() (messages <-chan RelayOut, stop func(), err error)
}

// CallControl is the part of a Backend that concerns calls. id is a room's or a group's;
// "" is the current call.
type CallControl interface {
	// Call rings the phones of r, which the server has checked for form. Errors:
	// ErrNoContact; ErrNotAllowed with the rule; ErrBusy while a call is running.
	// A phone that is offline is none. Idempotency is the server's.
	Call(ctx context.Context, r CallRequest) (CallStarted, error)
	Answer(ctx context.Context, id string) error
	Reject(ctx context.Context, id string) error
	HangUp(ctx context.Context, id string) error
	SetMicrophone(ctx context.Context, on bool) error
	SetCamera(ctx context.Context, on bool) error
	// SwitchCamera shows another camera in the running call, by its label or name, ""
	// the next one, and returns which, and whether it is not there now. ErrNoDevice when there is none of that name.
	SwitchCamera(ctx context.Context, camera string) (CameraChoice, error)
	// SendData sends the maker's message to the phone of the running call and waits
	// for its answer, 5 s at most (DataResult.Error "timeout"). r.ID is never "".
	// Errors: ErrNoCall.
	SendData(ctx context.Context, r DataRequest) (DataResult, error)
	// AnswerData answers a data or unlock event that still waits, else
	// ErrNoData. Events.Handlers says whether somebody has promised to.
	AnswerData(ctx context.Context, a DataAnswer) error
	// Calls returns records, newest first.
	Calls(ctx context.Context, q CallQuery) ([]Record, error)
	DND(ctx context.Context) (DND, error)
	// SetDND turns do-not-disturb on or off and returns what holds then.
	SetDND(ctx context.Context, d DND) (DND, error)
}

// ContactBook is the part of a Backend that concerns who may call. who is a name or a
// thumbprint; ErrNoContact when there is none. ErrBadRequest says what of a
// contact cannot be, ErrExists that a name or a key is taken.
type ContactBook interface {
	OpenPairing(ctx context.Context, r PairRequest) (PairWindow, error)
	ClosePairing(ctx context.Context) error
	Contacts(ctx context.Context) ([]Contact, error)
	AddContact(ctx context.Context, c NewContact) (Contact, error)
	ChangeContact(ctx context.Context, who string, c ContactChange) (Contact, error)
	// ReplaceContact puts another key in the place of a contact's: name, rights, groups
	// and limits stay, the old key is refused, and a running call of it ends. ErrExists
	// when the new key is a contact's already.
	ReplaceContact(ctx context.Context, who string, k NewKey) (Contact, error)
	// Revoke takes the trust away; the key stays known and refused.
	Revoke(ctx context.Context, who string) (Contact, error)
	// Forget removes the contact, and ends its trust with it.
	Forget(ctx context.Context, who string) (Contact, error)
	ExplainPolicy(ctx context.Context, q PolicyQuery) (PolicyExplanation, error)
	Issuers(ctx context.Context) (Issuers, error)
	// Deny refuses the call tokens that d names from now on, and ends a running call
	// that began with one. Denying twice is no error.
	Deny(ctx context.Context, d Denial) (Denial, error)
	// Allow takes that back. ErrNoDenial when it is not denied.
	Allow(ctx context.Context, d Denial) (Denial, error)
}

// Hardware is the part of a Backend that concerns what the device is made of.
type Hardware interface {
	Devices(ctx context.Context) (Devices, error)
	// Volume and SetVolume: ErrNoDevice without a speaker.
	Volume(ctx context.Context) (Volume, error)
	SetVolume(ctx context.Context, v Volume) (Volume, error)
	// Snapshot returns a JPEG of what the camera sees now. Errors: ErrNoDevice,
	// ErrNotAllowed when the configuration forbids it.
	Snapshot(ctx context.Context) ([]byte, error)
	Clock(ctx context.Context) (Clock, error)
	// ResetClock forgets what the device knew of the past of its clock.
	ResetClock(ctx context.Context) (Clock, error)
}

// Upkeep is the part of a Backend that concerns the daemon itself.
type Upkeep interface {
	Doctor(ctx context.Context) ([]Finding, error)
	// Reload reads the configuration again. ErrBadConfig with the problems when it
	// cannot be used: then nothing has changed.
	Reload(ctx context.Context) (ReloadResult, error)
	// Metrics returns the daemon's numbers; the server adds those of the process.
	Metrics(ctx context.Context) ([]Metric, error)
	// ReportParts returns what only the daemon knows for a bug report.
	ReportParts(ctx context.Context) (ReportParts, error)
	// Selftest lets the phone of r make one test call, until stop is called: then a
	// call of it ends. The server has checked r.Seconds. Errors: ErrBadRequest with
	// what is wrong with the key; ErrExists when the key is a contact's; ErrBusy while a
	// call or another test is running; ErrNoTransport without a listener of the device's
	// own.
	Selftest(ctx context.Context, r SelftestRequest) (terms SelftestTerms, stop func(), err error)
}
