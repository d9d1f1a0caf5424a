package fake

import (
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/microvm-go/lambdamicrovms/types"
)

// The host of an endpoint is a UUID, this label, the region and this suffix.
const (
	endpointLabel  = ".lambda-microvm."
	endpointSuffix = ".on.aws"
)

// defaultPort is the port of a request that does not name one.
const defaultPort = 8080

// hostOf returns the host that a request is for, without its port.
func hostOf(r *http.Request) string {
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	if strings.Contains(host, ":") { // otherwise there is no port, and SplitHostPort makes an error
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
	}
	return strings.ToLower(host)
}

// forEndpoint reports whether the host has the form of a MicroVM endpoint.
func forEndpoint(r *http.Request) bool {
	host := hostOf(r)
	return strings.Contains(host, endpointLabel) && strings.HasSuffix(host, endpointSuffix)
}

// proxyError is an error response of the proxy itself.
type proxyError struct {
	status  int
	message string
	assumed string // the assumption behind it, see WithAssumedAnswers
}

func (e *proxyError) Error() string { return e.message }

func notAdmitted(message string) *proxyError {
	return &proxyError{status: http.StatusForbidden, message: message}
}

// unreachable is the response if nothing listens on a MicroVM or port.
func unreachable() *proxyError { return &proxyError{status: http.StatusBadGateway} }

// serveEndpoint is the proxy in front of the MicroVMs: it checks the request and passes
// it to the application.
func (s *Server) serveEndpoint(w http.ResponseWriter, r *http.Request) {
	to, err := s.authorize(r)
	if err == nil {
		var application http.Handler
		if application, err = s.applicationAt(to); err == nil {
			application.ServeHTTP(s.tap(w, r), s.forward(r, to))
			return
		}
	}
	var refused *proxyError
	if !errors.As(err, &refused) {
		failed := failureOf(err)
		refused = &proxyError{status: failed.status, message: *failed.message}
	}
	if refused.assumed != "" {
		w.Header().Set(assumedHeader, refused.assumed)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(refused.message)))
	w.WriteHeader(refused.status)
	_, _ = io.WriteString(w, refused.message)
}

// authorize checks the token of a request and returns its destination once the MicroVM is
// RUNNING. It resumes a suspended MicroVM if the idle policy says so.
func (s *Server) authorize(r *http.Request) (Destination, error) {
	token, port := credentials(r)
	for {
		to, wake, err := s.tryDestination(hostOf(r), token, port)
		if err != nil || wake.IsZero() {
			return to, err
		}
		if err := s.keep(); err != nil {
			return to, err
		}
		if err := s.clock.sleepUntil(r.Context(), wake); err != nil {
			return to, err
		}
	}
}

// tryDestination checks the token once. If the MicroVM is not RUNNING yet, it returns
// when it will be.
func (s *Server) tryDestination(host, token, port string) (to Destination, wake time.Time, err error) {
	allowed, wellFormed, genuine := s.unseal(token)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return to, wake, closed()
	}
	now := s.clock.Now()
	if !wellFormed {
		return to, wake, notAdmitted("Request missing authentication")
	}
	vm := s.hosts[host]
	if !genuine || vm == nil || allowed.MicroVM != vm.id() || !now.Before(allowed.Expires) {
		return to, wake, notAdmitted("Token authentication failed")
	}
	to = vm.destination()
	if allowed.Shell {
		to.Shell = true
	} else {
		n, err := strconv.ParseUint(port, 10, 16)
		if err != nil || !allowed.allows(int32(n)) {
			return to, wake, notAdmitted("Access to port denied")
		}
		to.Port = int(n)
		if !vm.takesHTTP() {
			return to, wake, s.unmeasured(notAdmitted("Access to port denied"),
				"the response of the endpoint of a MicroVM with neither HTTP_INGRESS nor ALL_INGRESS")
		}
	}
	wake, err = s.reach(vm, now)
	return to, wake, err
}

// reach records traffic to a MicroVM and resumes it if needed. If it is not RUNNING yet,
// reach returns when it will be.
func (s *Server) reach(vm *microVM, now time.Time) (wake time.Time, err error) {
	if err := vm.known(now); err != nil {
		return wake, err
	}
	if from, resumes := vm.phases.next(now, types.MicroVMStateRunning); resumes && !vm.starting(now) {
		return from, nil
	}
	switch {
	case vm.state(now) == types.MicroVMStateRunning:
		vm.touch(now, &s.config)
		return wake, nil
	case vm.asleep(now) && vm.settings.IdlePolicy != nil && *vm.settings.IdlePolicy.AutoResumeEnabled:
		wake = now.Add(s.config.delays.Resume)
		s.changed()
		vm.turn(now, &s.config,
			phase{State: types.MicroVMStatePending, From: now},
			phase{State: types.MicroVMStateRunning, From: wake})
		return wake, nil
	}
	gone := unreachable()
	if vm.phases.at(now).Assumed {
		gone.assumed = "LongSuspension"
	}
	return wake, gone
}

// takesHTTP reports whether an ingress connector allows HTTP. Customers' own connectors
// do.
func (vm *microVM) takesHTTP() bool {
	return slices.ContainsFunc(vm.settings.IngressNetworkConnectors, func(arn string) bool {
		return !strings.HasSuffix(arn, ":aws-network-connector:NO_INGRESS") && !strings.HasSuffix(arn, ":aws-network-connector:SHELL_INGRESS")
	})
}

// starting reports whether the MicroVM has not been RUNNING yet.
func (vm *microVM) starting(now time.Time) bool {
	present := vm.phases.at(now)
	return present.State == types.MicroVMStatePending && present.From.Equal(*vm.settings.StartedAt)
}

// touch restarts the idle time of a running MicroVM.
func (vm *microVM) touch(now time.Time, config *config) {
	vm.activeAt = now
	if vm.state(now) == types.MicroVMStateRunning {
		vm.turn(now, config)
	}
}

// The WebSocket subprotocols that replace headers, which browsers cannot set.
const (
	subprotocol      = "lambda-microvms"
	subprotocolToken = subprotocol + ".authentication."
	subprotocolPort  = subprotocol + ".port."
)

// credentials returns the token and port of a request.
func credentials(r *http.Request) (token, port string) {
	token, port = r.Header.Get(headerToken), r.Header.Get(headerPort)
	for _, name := range subprotocols(r.Header) {
		if value, ok := strings.CutPrefix(name, subprotocolToken); ok && token == "" {
			token = value
		}
		if value, ok := strings.CutPrefix(name, subprotocolPort); ok && port == "" {
			port = value
		}
	}
	if port == "" {
		port = strconv.Itoa(defaultPort)
	}
	return token, port
}

func subprotocols(header http.Header) []string {
	var names []string
	for _, line := range header.Values("Sec-WebSocket-Protocol") {
		for _, name := range strings.Split(line, ",") {
			names = append(names, strings.TrimSpace(name))
		}
	}
	return names
}

// forward returns the request for the application: without the headers for the proxy, and
// with a body that counts as traffic when it is read.
func (s *Server) forward(r *http.Request, to Destination) *http.Request {
	r = r.Clone(withDestination(r.Context(), to))
	for _, name := range []string{headerToken, headerPort, headerForceH2} {
		r.Header.Del(name)
	}
	if offered := subprotocols(r.Header); len(offered) > 0 {
		r.Header.Del("Sec-WebSocket-Protocol")
		for _, name := range offered {
			if !strings.HasPrefix(name, subprotocolToken) && !strings.HasPrefix(name, subprotocolPort) {
				r.Header.Add("Sec-WebSocket-Protocol", name)
			}
		}
	}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	r.Body = &traffic{r.Body, func() { s.touch(hostOf(r)) }}
	return r
}

func (s *Server) touch(host string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if vm := s.hosts[host]; vm != nil {
		vm.touch(s.clock.Now(), &s.config)
	}
}
