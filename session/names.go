package session

import (
	"net/http"
	"strings"
)

// The headers that the proxy reads. The service names the first in the token, which is a
// map of headers.
const (
	headerToken  = "X-Aws-Proxy-Auth"
	headerPort   = "X-Aws-Proxy-Port"
	proxyHeaders = "X-Aws-Proxy-" // begins all of its names
)

// The subprotocols by which a WebSocket client gives the proxy what browsers cannot put
// into headers.
const (
	headerSubprotocol = "Sec-Websocket-Protocol"

	subprotocol      = "lambda-microvms"
	subprotocolToken = subprotocol + ".authentication."
	subprotocolPort  = subprotocol + ".port."
)

// sameName reports whether two header names are the same to some server: in any letter
// case, and with _ for -, which CGI and its heirs do not tell apart.
func sameName(a, b string) bool { return len(a) == len(b) && hasName(a, b) }

// hasName reports whether a header name begins with the prefix, in any spelling.
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

// isOwn reports whether a header is one that the session sets or the proxy reads.
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

// portInHeader returns the port that headers choose, by name or by subprotocol, "" if none
// does. Headers that contradict each other are a *PortError.
func portInHeader(header http.Header) (port string, err error) {
	choose := func(value string) {
		if port != "" && value != "" && value != port && err == nil {
			err = &PortError{Port: value, Reason: "is not the port that another header of the request chooses"}
		}
		port = or(value, port)
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
					if value, ok := strings.CutPrefix(strings.TrimSpace(each), subprotocolPort); ok {
						choose(value)
					}
				}
			}
		}
	}
	return port, err
}

// clean takes out of a header that is about to be sent what the proxy would read beside
// the token and the port of the session: its own names in any spelling, subprotocols that
// say the same, and words of Connection that make an intermediary drop them. Other
// settings of the proxy, such as X-aws-proxy-force-h2, are left once, by their right name.
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
		case sameName(name, "Host"): // net/http leaves out the one in its right spelling only
			delete(header, name)
		case sameName(name, headerSubprotocol):
			filterList(header, name, values, func(each string) bool {
				return strings.HasPrefix(each, subprotocolPort) || strings.HasPrefix(each, subprotocolToken)
			})
		case sameName(name, "Connection"):
			filterList(header, name, values, t.isOwn)
		}
	}
	for name, values := range settings {
		header[name] = values
	}
}

// isSetting reports whether a header of the proxy is one that the caller may set.
func (t *token) isSetting(name string) bool {
	_, ofToken := t.header[name]
	return !ofToken && name != headerToken && name != headerPort && hasName(name, proxyHeaders)
}

// filterList removes words from a header that is a list of them.
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
