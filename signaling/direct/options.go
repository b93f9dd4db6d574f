package direct

// Options is the signaling.direct section of the configuration.
type Options struct {
	// Enabled says whether the device serves phones on a listener of its own.
	Enabled bool `mapstructure:"enabled"`
	// Listen is host:port. On a loopback address the page is served over http; on
	// every other address over https, because a browser gives camera and keys to
	// secure origins only. An empty host means all addresses: the LAN.
	Listen string `mapstructure:"listen"`
	// TLS is the maker's certificate; without one the device makes its own.
	TLS TLSOptions `mapstructure:"tls"`
	// Names are further host names or addresses under which phones reach the
	// device (a DNS name, a forwarded address), beside those that it finds itself.
	Names []string `mapstructure:"names"`
	// Origins are further web origins whose pages may connect, for example the
	// https site on which a maker hosts the phone page for all devices.
	Origins []string `mapstructure:"origins"`
}

// TLSOptions names the maker's certificate.
type TLSOptions struct {
	// Certificate is a PEM file: the leaf first, then the chain. It is read again
	// when it changes.
	Certificate string `mapstructure:"certificate"`
	// Key is the PEM file of the certificate's private key.
	Key string `mapstructure:"key"`
}

// DefaultOptions is what is used when the configuration says nothing: the LAN,
// over https with a self-made certificate. 8443 needs no privilege.
func DefaultOptions() Options {
	return Options{Enabled: true, Listen: ":8443"}
}
