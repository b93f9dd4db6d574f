package media

import (
	"errors"
	"fmt"
	"slices"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/interceptor/pkg/nack"
	pionreport "github.com/pion/interceptor/pkg/report"
	"github.com/pion/transport/v5"
	"github.com/pion/transport/v5/stdnet"
	"github.com/pion/webrtc/v4"
	"github.com/rs/zerolog"

	"callbox/media/gate"
	"callbox/media/report"
	"callbox/media/roam"
	"callbox/media/twcc"
)

// The codecs that are offered; the payload types are only used if the phone
// leaves the choice to us.
const (
	payloadVP8  = 96 // retransmissions: one more
	payloadH264 = 102
	payloadOpus = 111

	opusFormat = "minptime=10;useinbandfec=1;usedtx=1"
)

// kept is how many packets of the pictures are kept to be sent again: a second and more. pion
// keeps 1024, of 1.6 kB each; at 4 Mbit/s and less a phone no longer asks for what is so old.
func kept(o Options) uint16 {
	const fast = 4_000_000
	if o.VideoBitrate > fast {
		return 1024
	}
	return 512
}

// opusCodec is what the track of the sound is made of.
func opusCodec() webrtc.RTPCodecCapability {
	return webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: opusClock, Channels: 2, SDPFmtpLine: opusFormat}
}

// newAPI returns the pion API of one session. It is made for each, because the
// gate hangs on its network.
func newAPI(o Options, video []*videoCodec, g *gate.Gate, recorder *twcc.Recorder, reporter *report.Reporter, move moves, log zerolog.Logger) (*webrtc.API, error) {
	m := &webrtc.MediaEngine{}
	register := func(c webrtc.RTPCodecCapability, payload webrtc.PayloadType, kind webrtc.RTPCodecType) error {
		if err := m.RegisterCodec(webrtc.RTPCodecParameters{RTPCodecCapability: c, PayloadType: payload}, kind); err != nil {
			return fmt.Errorf("cannot register %s: %w", c.MimeType, err)
		}
		return nil
	}
	errs := []error{register(opusCodec(), payloadOpus, webrtc.RTPCodecTypeAudio)}
	for _, c := range video {
		again := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeRTX, ClockRate: videoClock, SDPFmtpLine: fmt.Sprintf("apt=%d", c.payload)}
		errs = append(errs, register(c.capability, c.payload, webrtc.RTPCodecTypeVideo), register(again, c.rtx, webrtc.RTPCodecTypeVideo))
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	// pion's defaults, without simulcast (we neither send nor take it) and the
	// statistics interceptor (a copy of every header for numbers that we count), and
	// with sender reports of our own.
	r := &interceptor.Registry{}
	r.Add(recorder) // next to the network: what NACK sends again is numbered, too
	for _, configure := range []func() error{
		func() error {
			return webrtc.ConfigureNackWithOptions(m, r, nil, nack.ResponderSize(kept(o)))
		},
		func() error {
			receiver, err := pionreport.NewReceiverInterceptor()
			r.Add(receiver)
			r.Add(reporter) // behind NACK: what is sent again is not counted
			return err
		},
		func() error { return webrtc.ConfigureTWCCSender(m, r) },
	} {
		if err := configure(); err != nil {
			return nil, fmt.Errorf("cannot set up RTP: %w", err)
		}
	}
	below, err := stdnet.NewNet()
	if err != nil {
		return nil, fmt.Errorf("cannot list the network interfaces: %w", err)
	}
	from := roam.Options{Moved: move.device, Gone: move.gone}
	if names := o.ICE.Interfaces; len(names) > 0 {
		from.Keep = func(name string) bool { return slices.Contains(names, name) }
	}
	s := webrtc.SettingEngine{LoggerFactory: pionLog{log}}
	s.SetNet(g.Net(roam.Net(freshNet{below}, from)))
	s.SetICETimeouts(iceDisconnected, iceFailed, iceKeepalive)
	// pion holds peer-reflexive pairs back for 1 s; a doorbell cannot wait so long.
	s.SetPrflxAcceptanceMinWait(0)
	s.SetHostAcceptanceMinWait(0)
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeQueryOnly)
	s.SetIncludeLoopbackCandidate(o.ICE.Loopback)
	// Active TCP dials by itself, past the gate; the protocol has no TCP candidates.
	s.DisableActiveTCP(true)
	if from.Keep != nil {
		s.SetInterfaceFilter(from.Keep)
	}
	s.SetICEBindingRequestHandler(move.nominated)
	s.SetSCTPMaxReceiveBufferSize(sctpReceiveBytes)
	// The device speaks first, so that DTLS begins with the first working path.
	if err := s.SetAnsweringDTLSRole(webrtc.DTLSRoleClient); err != nil {
		return nil, fmt.Errorf("cannot set the DTLS role: %w", err)
	}
	return webrtc.NewAPI(webrtc.WithMediaEngine(m), webrtc.WithInterceptorRegistry(r), webrtc.WithSettingEngine(s)), nil
}

// freshNet lists the interfaces anew each time: stdnet keeps what it saw first,
// and after a change of network a restart would offer addresses that are gone.
type freshNet struct{ transport.Net }

func (n freshNet) Interfaces() ([]*transport.Interface, error) {
	now, err := stdnet.NewNet()
	if err != nil {
		return nil, err
	}
	return now.Interfaces()
}
