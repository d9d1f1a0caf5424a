package session

import (
	"cmp"
	"net/http"
	"strings"
)

// The headers that the proxy reads. A token is a map of headers; it names headerToken.
const (
	headerToken  = "X-Aws-Proxy-Auth"
	headerPort   = "X-Aws-Proxy-Port"
	proxyHeaders = "X-Aws-Proxy-" // the prefix of all of them
)

// WebSocket subprotocols that replace the headers, because browsers cannot set headers.
const (
	headerSubprotocol = "Sec-Websocket-Protocol"

	subprotocol      = "lambda-microvms"
	subprotocolToken = subprotocol + ".authentication."
	subprotocolPort  = subprotocol + ".port."
)

// sameName reports whether some server treats two header names as the same: servers
// ignore letter case, and those that follow CGI do not distinguish _ from -.
func sameName(a, b string) bool { return len(a) == len(b) && hasName(a, b) }

// hasName reports whether a header name begins with the prefix, compared as sameName
// does.
func hasName(name, prefix string) bool {
	if len(name) < len(prefix) {
		return false
	}
	for i := range len(prefix) {
		if plain(name[i]) != plain(prefix[i]) {
			return false
		}
	}
	return true
}

func plain(c byte) byte {
	switch {
	case c == '_':
		return '-'
	case 'A' <= c && c <= 'Z':
		return c + 'a' - 'A'
	}
	return c
}

// isOwn reports whether the session sets the header or the proxy reads it.
func (t *token) isOwn(name string) bool {
	if hasName(name, proxyHeaders) {
		return true
	}
	for _, own := range t.others {
		if sameName(name, own) {
			return true
		}
	}
	return false
}

// portInHeader returns the port that a header or a subprotocol chooses, or "". If two
// choose different ports, the error is a *PortError.
func portInHeader(header http.Header) (port string, err error) {
	choose := func(value string) {
		if port != "" && value != "" && value != port && err == nil {
			err = &PortError{Port: value, Reason: "is not the port that another header of the request chooses"}
		}
		port = cmp.Or(value, port)
	}
	for name, values := range header {
		switch {
		case sameName(name, headerPort):
			for _, value := range values {
				choose(strings.TrimSpace(value))
			}
		case sameName(name, headerSubprotocol):
			for _, value := range values {
				for each := range strings.SplitSeq(value, ",") {
					if each = strings.TrimSpace(each); hasPrefixFold(each, subprotocolPort) {
						choose(each[len(subprotocolPort):])
					}
				}
			}
		}
	}
	return port, err
}

// hasPrefixFold reports whether s begins with the prefix in any letter case. Subprotocols
// are case-sensitive, but nobody has measured whether the proxy treats them so.
func hasPrefixFold(s, prefix string) bool {
	return len(s) >= len(prefix) && strings.EqualFold(s[:len(prefix)], prefix)
}

// clean removes from a header whatever could override the session's token and port:
//
//   - headers that the proxy reads, in any spelling;
//   - subprotocols that contain a token or a port;
//   - options of Connection that make an intermediary drop the session's headers.
//
// It keeps one value of other settings of the proxy, such as X-aws-proxy-force-h2, under
// their canonical name.
func (t *token) clean(header http.Header) {
	var settings http.Header
	for name, values := range header {
		switch {
		case t.isOwn(name):
			delete(header, name)
			if right := http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-")); t.isSetting(right) && len(values) > 0 {
				if settings == nil {
					settings = make(http.Header)
				}
				settings[right] = values[:1:1]
			}
		case sameName(name, "Host"): // net/http removes only the canonical spelling
			delete(header, name)
		case sameName(name, headerSubprotocol):
			filterList(header, name, values, func(each string) bool {
				return hasPrefixFold(each, subprotocolPort) || hasPrefixFold(each, subprotocolToken)
			})
		case sameName(name, "Connection"):
			filterList(header, name, values, t.isOwn)
		}
	}
	for name, values := range settings {
		header[name] = values
	}
}

// isSetting reports whether a header is a setting of the proxy that the caller may send.
func (t *token) isSetting(name string) bool {
	_, ofToken := t.header[name]
	return !ofToken && name != headerToken && name != headerPort && hasName(name, proxyHeaders)
}

// filterList removes elements from a header that is a comma-separated list.
func filterList(header http.Header, name string, values []string, remove func(string) bool) {
	var kept []string
	removed := false
	for _, value := range values {
		for each := range strings.SplitSeq(value, ",") {
			if each = strings.TrimSpace(each); remove(each) {
				removed = true
			} else if each != "" {
				kept = append(kept, each)
			}
		}
	}
	switch {
	case !removed:
	case len(kept) == 0:
		delete(header, name)
	default:
		header[name] = []string{strings.Join(kept, ", ")}
	}
}
