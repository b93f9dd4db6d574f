package mqtttest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"time"
)

// The life of the certificates: a device's clock may stand far outside of it.
var (
	// NotBefore is when they begin to count.
	NotBefore = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	// NotAfter is when they cease to.
	NotAfter = time.Date(2125, 1, 1, 0, 0, 0, 0, time.UTC)
)

// makeCertificates makes an authority, the broker's certificate and a client's.
func (b *Broker) makeCertificates() {
	b.t.Helper()
	authority := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "callbox test authority"}, NotBefore: NotBefore, NotAfter: NotAfter,
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	key := b.makeKey("ca.key")
	b.certificate("ca.pem", authority, authority, key, key)
	b.certificate("broker.pem", &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "broker"}, NotBefore: NotBefore, NotAfter: NotAfter,
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, authority, b.makeKey("broker.key"), key)
	b.certificate("client.pem", &x509.Certificate{
		SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "client"}, NotBefore: NotBefore, NotAfter: NotAfter,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}, authority, b.makeKey("client.key"), key)
	b.CA, b.Certificate, b.Key = b.path("ca.pem"), b.path("client.pem"), b.path("client.key")
}

func (b *Broker) makeKey(name string) *ecdsa.PrivateKey {
	b.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		b.t.Fatal(err)
	}
	b.write(name, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	return key
}

func (b *Broker) certificate(name string, c, parent *x509.Certificate, key, parentKey *ecdsa.PrivateKey) {
	b.t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, c, parent, &key.PublicKey, parentKey)
	if err != nil {
		b.t.Fatal(err)
	}
	b.write(name, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
}
