package control

import (
	"context"
	"fmt"
	"net/http"
	"strconv"

	"callbox/signaling/message"
)

func (s *Server) contacts(ctx context.Context, _ *http.Request) ([]Contact, error) {
	contacts, err := s.backend.Contacts(ctx)
	return notNil(contacts), err
}

func (s *Server) addContact(ctx context.Context, _ *http.Request, c NewContact) (Contact, error) {
	if c.Name == "" {
		return Contact{}, ErrBadRequest.With(`the request needs the "name" of the contact`)
	}
	if c.JWK.X == "" || c.JWK.Y == "" {
		return Contact{}, ErrBadRequest.With(`the request needs the phone's public key: "jwk": {"kty":"EC","crv":"P-256","x":…,"y":…}`)
	}
	if err := checkLimits(c.MaxSeconds, c.DaySeconds); err != nil {
		return Contact{}, err
	}
	return s.backend.AddContact(ctx, c)
}

func (s *Server) changeContact(ctx context.Context, req *http.Request, c ContactChange) (Contact, error) {
	if c.Name.Null || (c.Name.Set && c.Name.Value == "") {
		return Contact{}, ErrBadRequest.With("a contact cannot be without a name")
	}
	if err := checkLimits(c.MaxSeconds.Value, c.DaySeconds.Value); err != nil {
		return Contact{}, err
	}
	return s.backend.ChangeContact(ctx, req.PathValue("id"), c)
}

func checkLimits(longest, day float64) error {
	if err := checkSeconds("maxSeconds", longest); err != nil {
		return err
	}
	return checkSeconds("daySeconds", day)
}

func (s *Server) dropContact(ctx context.Context, req *http.Request) (Contact, error) {
	forget := false
	if text := req.URL.Query().Get("forget"); text != "" {
		var err error
		if forget, err = strconv.ParseBool(text); err != nil {
			return Contact{}, ErrBadRequest.With(fmt.Sprintf("cannot use forget %q; allowed: true, false", text))
		}
	}
	if forget {
		return s.backend.Forget(ctx, req.PathValue("id"))
	}
	return s.backend.Revoke(ctx, req.PathValue("id"))
}

func (s *Server) openPairing(ctx context.Context, _ *http.Request, r PairRequest) (PairWindow, error) {
	if err := checkSeconds("seconds", r.Seconds); err != nil {
		return PairWindow{}, err
	}
	return s.backend.OpenPairing(ctx, r)
}

func (s *Server) closePairing(ctx context.Context, _ *http.Request) (Empty, error) {
	return Empty{}, s.backend.ClosePairing(ctx)
}

func (s *Server) explain(ctx context.Context, req *http.Request) (PolicyExplanation, error) {
	v := req.URL.Query()
	q := PolicyQuery{Contact: v.Get("contact"), Direction: v.Get("direction"), RoomType: v.Get("roomType")}
	if q.Direction == "" {
		q.Direction = In
	}
	if q.RoomType == "" {
		q.RoomType = string(message.Video)
	}
	var err error
	if q.At, err = timeOf(v.Get("at")); err != nil {
		return PolicyExplanation{}, err
	}
	if q.Contact == "" {
		return PolicyExplanation{}, ErrBadRequest.With("the query needs the contact")
	}
	if q.Direction != In && q.Direction != Out {
		return PolicyExplanation{}, ErrBadRequest.With(fmt.Sprintf("there is no direction %q; allowed: in, out", q.Direction))
	}
	if err := checkRoomType(q.RoomType); err != nil {
		return PolicyExplanation{}, err
	}
	explanation, err := s.backend.ExplainPolicy(ctx, q)
	explanation.Rules = notNil(explanation.Rules)
	return explanation, err
}
