package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
)

// Files are the credentials of a Client; empty paths are none.
type Files struct {
	Token string // a file with the bearer token
	// CA has the authorities of the service's certificate, PEM; without it the system's.
	CA string
	// Certificate and Key are the client's own, PEM; both or none.
	Certificate, Key string
}

// Open makes a client of the service at url with the credentials of files. token is used
// where no file has one.
func Open(url, token string, f Files) (*Client, error) {
	c := &Client{URL: strings.TrimRight(url, "/"), Token: token}
	if f.Token != "" {
		b, err := os.ReadFile(f.Token)
		if err != nil {
			return nil, err
		}
		c.Token = strings.TrimSpace(string(b))
	}
	if (f.Certificate == "") != (f.Key == "") {
		return nil, errors.New("client: a certificate needs its key, and a key its certificate")
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if f.CA != "" {
		b, err := os.ReadFile(f.CA)
		if err != nil {
			return nil, err
		}
		if config.RootCAs = x509.NewCertPool(); !config.RootCAs.AppendCertsFromPEM(b) {
			return nil, fmt.Errorf("client: %s has no certificate", f.CA)
		}
	}
	if f.Certificate != "" {
		pair, err := tls.LoadX509KeyPair(f.Certificate, f.Key)
		if err != nil {
			return nil, fmt.Errorf("client: %s: %w", f.Certificate, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = config
	c.HTTP = &http.Client{Transport: transport}
	return c, nil
}
