package lambdamicrovms

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// setWireHost prepares a request to be signed with its host as net/http will send it:
// names in ASCII, IPv6 addresses without a zone, no default port. The SDK's signer signs
// the host as it stands, and with a default port removes the brackets of an IPv6 address.
//
// Call connectable after signing. It gives the URL back the name or zone that net/http
// needs to connect: net/http normalizes a name further for DNS than for the Host header.
func setWireHost(r *http.Request) (connectable func(), err error) {
	connectable = func() {}
	if isPlainHost(r.URL.Host) && isPlainHost(r.Host) {
		return connectable, nil
	}
	if r.Host != "" {
		if r.Host, err = wireHost(withoutDefaultPort(r.URL.Scheme, r.Host)); err != nil {
			return connectable, err
		}
	}
	u, host := r.URL, withoutDefaultPort(r.URL.Scheme, r.URL.Host)
	if !strings.HasPrefix(host, "[") {
		host = strings.ToLower(host) // which net/http does for DNS only
	}
	if u.Host, err = wireHost(host); err != nil {
		return connectable, err
	}
	return func() { u.Host = host }, nil
}

// isPlainHost reports whether the host is sent as the signer signs it: an ASCII name,
// also with a port.
func isPlainHost(host string) bool {
	for i := range len(host) {
		switch c := host[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '.', c == '_', c == ':':
		default:
			return false
		}
	}
	return true
}

// wireHost returns the Host header that net/http sends for a host. Only net/http itself
// knows it exactly, so it writes a request.
func wireHost(host string) (string, error) {
	var wire bytes.Buffer
	request := http.Request{Method: http.MethodGet, URL: &url.URL{Scheme: "http", Host: host, Path: "/"}}
	if err := request.Write(&wire); err != nil {
		return "", errInvalidHost()
	}
	_, after, _ := strings.Cut(wire.String(), "\r\nHost: ")
	sent, _, _ := strings.Cut(after, "\r\n")
	if sent == "" {
		return "", errInvalidHost()
	}
	return sent, nil
}

func errInvalidHost() error { return errors.New("the host of the endpoint is not valid") }

func withoutDefaultPort(scheme, host string) string {
	switch strings.ToLower(scheme) {
	case "https":
		return strings.TrimSuffix(host, ":443")
	case "http":
		return strings.TrimSuffix(host, ":80")
	default:
		return host
	}
}
