package session

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// target is the destination of a request within the MicroVM.
type target struct {
	port int
	// opaque is URL.Opaque without scheme and host, which net/http would send in the
	// request line.
	opaque string
}

// targetOf returns the destination of a request by the rules of RoundTrip. The error is a
// *HostError if the URL names another host, in Host or in Opaque, and a *PortError if the
// port is invalid or may not be chosen.
func (s *Session) targetOf(req *http.Request) (target, error) {
	opaqueHost, opaque, err := splitOpaque(req.URL.Opaque)
	if err != nil {
		return target{}, &HostError{Host: req.URL.Opaque, Want: s.endpoint.Host}
	}
	to := target{opaque: opaque}
	named := "" // the port in the URL
	for _, host := range [...]string{opaqueHost, req.URL.Host} {
		switch {
		case host == "", strings.EqualFold(host, s.endpoint.Host):
		case !strings.EqualFold(hostname(host), s.endpoint.Hostname()):
			return target{}, &HostError{Host: host, Want: s.endpoint.Host}
		default:
			named = (&url.URL{Host: host}).Port()
		}
	}
	chosen, err := portInHeader(req.Header)
	if err != nil {
		return target{}, err
	}
	if named != "" && isReceived(req, opaqueHost) {
		chosen, named = cmp.Or(chosen, named), ""
	}
	switch {
	case chosen != "":
		to.port, err = s.mayChoose(chosen, named)
	case named != "":
		to.port, err = parsePort(named)
	case req.Response != nil && req.Response.Request != nil:
		// Redirects of the application lack the port: it does not know the session's URL.
		var before target
		before, err = s.targetOf(req.Response.Request)
		to.port = before.port
	default:
		to.port = s.options.Port
	}
	return to, err
}

// mayChoose returns the port that a header, or the request line of a received request,
// chooses. It must be one that the program itself has set, or one of Options.HeaderPorts.
func (s *Session) mayChoose(chosen, named string) (int, error) {
	port, err := parsePort(chosen)
	if err != nil {
		return 0, err
	}
	if port == s.options.Port || chosen == named || contains(s.options.HeaderPorts, port) {
		return port, nil
	}
	return 0, &PortError{Port: chosen, Reason: "is a port that requests may not choose by header, see Options.HeaderPorts"}
}

func hostname(host string) string { return (&url.URL{Host: host}).Hostname() }

// splitOpaque splits URL.Opaque, which net/http sends in the request line unchanged, into
// an optional host and the rest.
func splitOpaque(opaque string) (host, rest string, err error) {
	if opaque == "" || opaque == "*" || strings.HasPrefix(opaque, "/") && !strings.HasPrefix(opaque, "//") {
		return "", opaque, nil
	}
	_, authority, absolute := strings.Cut(opaque, "//")
	switch scheme := strings.TrimSuffix(opaque, "//"+authority); {
	case !absolute:
		return "", "", errHost
	case scheme != "" && !strings.EqualFold(scheme, "http:") && !strings.EqualFold(scheme, "https:"):
		return "", "", errHost
	}
	if i := strings.IndexAny(authority, "/?#"); i >= 0 {
		authority, rest = authority[:i], authority[i:]
	}
	if !strings.HasPrefix(rest, "/") {
		rest = "/" + rest
	}
	at, err := url.Parse("//" + authority)
	if err != nil || at.User != nil || at.Host == "" {
		return "", "", errHost
	}
	return at.Host, rest, nil
}

var errHost = errors.New("not a host")

// isReceived reports whether the host in the URL comes from the request line of a request
// that the program received as a server. Such a host is untrusted. So is a host in
// Opaque, because reverse proxies do not change Opaque.
func isReceived(req *http.Request, opaqueHost string) bool {
	if req.RequestURI == "" || strings.HasPrefix(req.RequestURI, "/") {
		return false
	}
	if opaqueHost != "" {
		return true
	}
	authority := req.RequestURI // of CONNECT
	if _, rest, absolute := strings.Cut(authority, "://"); absolute {
		authority = rest
	}
	if i := strings.IndexAny(authority, "/?#"); i >= 0 {
		authority = authority[:i]
	}
	host := authority[strings.LastIndexByte(authority, '@')+1:]
	return strings.EqualFold(host, req.URL.Host)
}
