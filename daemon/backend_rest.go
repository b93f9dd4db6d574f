package daemon

import (
	"context"
	"time"

	"callbox/daemon/control"
)

func (b *backend) Call(context.Context, control.CallRequest) (control.CallStarted, error) {
	return control.CallStarted{}, control.ErrNotSupported
}

func (b *backend) SendData(context.Context, control.DataRequest) (control.DataResult, error) {
	return control.DataResult{}, control.ErrNotSupported
}

func (b *backend) AnswerData(ctx context.Context, a control.DataAnswer) error {
	_, err := ask(ctx, b.loop, func() (struct{}, error) { return struct{}{}, b.loop.answerData(a) })
	return err
}

func (b *backend) DND(context.Context) (control.DND, error) { return control.DND{}, nil }

func (b *backend) SetDND(context.Context, control.DND) (control.DND, error) {
	return control.DND{}, control.ErrNotSupported
}

func (b *backend) AddContact(context.Context, control.NewContact) (control.Contact, error) {
	return control.Contact{}, control.ErrNotSupported
}

func (b *backend) ChangeContact(context.Context, string, control.ContactChange) (control.Contact, error) {
	return control.Contact{}, control.ErrNotSupported
}

func (b *backend) Forget(context.Context, string) (control.Contact, error) {
	return control.Contact{}, control.ErrNotSupported
}

func (b *backend) ExplainPolicy(context.Context, control.PolicyQuery) (control.PolicyExplanation, error) {
	return control.PolicyExplanation{}, control.ErrNotSupported
}

func (b *backend) Devices(context.Context) (control.Devices, error) {
	return control.Devices{}, control.ErrNotSupported
}

func (b *backend) Volume(context.Context) (control.Volume, error) {
	return control.Volume{}, control.ErrNotSupported
}

func (b *backend) SetVolume(context.Context, control.Volume) (control.Volume, error) {
	return control.Volume{}, control.ErrNotSupported
}

func (b *backend) Snapshot(context.Context) ([]byte, error) { return nil, control.ErrNotSupported }

func (b *backend) Clock(context.Context) (control.Clock, error) {
	return control.Clock{Wall: time.Now(), BootSeconds: b.parts.clock.Now().Seconds(), TimeZone: time.Local.String()}, nil
}

func (b *backend) Doctor(context.Context) ([]control.Finding, error) {
	return nil, control.ErrNotSupported
}

func (b *backend) Reload(context.Context) (control.ReloadResult, error) {
	return control.ReloadResult{}, control.ErrNotSupported
}

func (b *backend) Metrics(context.Context) ([]control.Metric, error) { return nil, nil }

func (b *backend) ReportParts(context.Context) (control.ReportParts, error) {
	return control.ReportParts{}, nil
}
