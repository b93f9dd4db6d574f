package push

// Options is the signaling.push section of the configuration: how phones are woken
// that no transport reaches when the device calls them.
type Options struct {
	// Enabled says whether paired browsers may leave a Web Push subscription.
	Enabled bool `mapstructure:"enabled"`
	// Hosts are the push services that the device speaks to, over https: each a host
	// name, with all names below it, on port 443 or the port that it names.
	Hosts []string `mapstructure:"hosts"`
	// Contact is whom a push service can turn to when something is wrong with what the
	// device sends: mailto:ops@example.com or an https URL. Apple's wants one.
	Contact string `mapstructure:"contact"`
	// AllowPrivate lets the services' names lead to private and loopback addresses: a
	// push service in the device's own network.
	AllowPrivate bool `mapstructure:"allow_private"`
	// Webhook tells a maker's backend that a phone is to be woken.
	Webhook WebhookOptions `mapstructure:"webhook"`
}

// WebhookOptions is the signaling.push.webhook section.
type WebhookOptions struct {
	// URL is where the device posts, https. Empty: no webhook.
	URL string `mapstructure:"url"`
	// SecretFile holds the secret by which the backend knows the device: an absolute
	// path, or the name of a systemd credential: callbox.webhook-secret. At least 16 bytes.
	SecretFile string `mapstructure:"secret_file"`
	// AllowPrivate lets the URL lead to private and loopback addresses: a backend in
	// the device's own network.
	AllowPrivate bool `mapstructure:"allow_private"`
}

// DefaultOptions is what is used when the configuration says nothing: the services
// of Chrome, Edge, Firefox and Safari.
func DefaultOptions() Options {
	return Options{Enabled: true, Hosts: []string{
		"fcm.googleapis.com", "push.services.mozilla.com", "push.apple.com", "notify.windows.com",
	}}
}
