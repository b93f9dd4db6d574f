package control

import (
	"context"
	"net/http"
)

func (s *Server) issuers(ctx context.Context, _ *http.Request) (Issuers, error) {
	i, err := s.backend.Issuers(ctx)
	i.Issuers, i.Denied = notNil(i.Issuers), notNil(i.Denied)
	return i, err
}

// denialRequest is the body of POST /v1/issuers/deny and …/allow.
type denialRequest struct {
	Issuer  string `json:"issuer"`           // iss
	Subject string `json:"subject,omitzero"` // sub; absent: all of them
	Key     string `json:"key,omitzero"`     // kid; absent: all of them
	Token   string `json:"token,omitzero"`   // jti; absent: all of them
}

func (r denialRequest) denial() (Denial, error) {
	named := 0
	for _, word := range []string{r.Subject, r.Key, r.Token} {
		if word != "" {
			named++
		}
	}
	switch {
	case r.Issuer == "":
		return Denial{}, ErrBadRequest.With(`the request needs the "issuer"`)
	case named > 1:
		return Denial{}, ErrBadRequest.With(`the request may name one of "subject", "key" and "token"`)
	}
	return Denial{Issuer: r.Issuer, Subject: r.Subject, Key: r.Key, Token: r.Token}, nil
}

func (s *Server) deny(ctx context.Context, _ *http.Request, r denialRequest) (Denial, error) {
	d, err := r.denial()
	if err != nil {
		return Denial{}, err
	}
	return s.backend.Deny(ctx, d)
}

func (s *Server) allow(ctx context.Context, _ *http.Request, r denialRequest) (Denial, error) {
	d, err := r.denial()
	if err != nil {
		return Denial{}, err
	}
	return s.backend.Allow(ctx, d)
}
