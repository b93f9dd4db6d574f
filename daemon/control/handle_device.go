package control

import (
	"context"
	"net/http"
)

func (s *Server) devices(ctx context.Context, _ *http.Request) (Devices, error) {
	d, err := s.backend.Devices(ctx)
	d.Chosen, d.Found = notNil(d.Chosen), notNil(d.Found)
	return d, err
}

func (s *Server) volume(ctx context.Context, _ *http.Request) (Volume, error) {
	return s.backend.Volume(ctx)
}

// volumeRequest is the body of PUT /v1/volume.
type volumeRequest struct {
	Percent *float64 `json:"percent"` // 0 to 100, a whole number
}

func (s *Server) setVolume(ctx context.Context, _ *http.Request, r volumeRequest) (Volume, error) {
	percent, err := wholePercent(r.Percent)
	if err != nil {
		return Volume{}, err
	}
	return s.backend.SetVolume(ctx, Volume{percent})
}

func (s *Server) snapshot(ctx context.Context) ([]byte, error) { return s.backend.Snapshot(ctx) }

func (s *Server) clock(ctx context.Context, _ *http.Request) (Clock, error) {
	return s.backend.Clock(ctx)
}

func (s *Server) resetClock(ctx context.Context, _ *http.Request) (Clock, error) {
	return s.backend.ResetClock(ctx)
}

func (s *Server) doctor(ctx context.Context, _ *http.Request) ([]Finding, error) {
	findings, err := s.backend.Doctor(ctx)
	return notNil(findings), err
}

func (s *Server) reload(ctx context.Context, _ *http.Request) (ReloadResult, error) {
	r, err := s.backend.Reload(ctx)
	return ReloadResult{notNil(r.Changed), notNil(r.NeedRestart)}, err
}
