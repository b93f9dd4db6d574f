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
		return Contact{}, errNoKey
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

func (s *Server) replaceContact(ctx context.Context, req *http.Request, k NewKey) (Contact, error) {
	if k.JWK.X == "" || k.JWK.Y == "" {
		return Contact{}, errNoKey
	}
	return s.backend.ReplaceContact(ctx, req.PathValue("id"), k)
}

// errNoKey is for a request that is to bring a phone's key.
var errNoKey = ErrBadRequest.With(`the request needs the phone's public key: "jwk": {"kty":"EC","crv":"P-256","x":…,"y":…}`)

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
	if r.Replaces != "" && (r.Name != "" || r.Rights != nil) {
		return PairWindow{}, ErrBadRequest.With("a phone that takes a contact's place has its name and its rights: leave name and rights out")
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
