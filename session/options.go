package session

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/clock"
	"github.com/microvm-go/lambdamicrovms/internal/inprocess"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
	"github.com/microvm-go/lambdamicrovms/types"
)

// API is what a session calls: *lambdamicrovms.Client, or a stub of your own.
type API interface {
	lambdamicrovms.GetMicroVMAPIClient
	lambdamicrovms.CreateMicroVMAuthTokenAPIClient
	lambdamicrovms.CreateMicroVMShellAuthTokenAPIClient
	lambdamicrovms.SuspendMicroVMAPIClient
	lambdamicrovms.ResumeMicroVMAPIClient
	lambdamicrovms.TerminateMicroVMAPIClient
}

// RunAPI is what Run calls, and then its session.
type RunAPI interface {
	lambdamicrovms.RunMicroVMAPIClient
	API
}

// Options are the options of a session. A zero field means its default. Values out of range
// are refused by Run and Attach before any call; [lambdamicrovms.Violations] lists them.
type Options struct {
	// Port is the port of requests that name none. The default is 8080.
	Port int

	// AllowedPorts are the ports that every token of the session opens. By default each
	// port that a request is for gets its own token, which opens nothing else. Allow as few
	// as possible: a token for all ports opens the port of the hooks, too.
	AllowedPorts []types.PortSpecification

	// HeaderPorts are the ports that a request may choose by its header, X-aws-proxy-port
	// or a WebSocket subprotocol. By default a header may only repeat Port or the port in
	// the request's URL; other values are a *PortError. Behind a reverse proxy the headers
	// are a stranger's: list no port here that a stranger must not reach.
	HeaderPorts []types.PortSpecification

	// TokenLifetime is how long a token is valid: 1 to 60 minutes, without seconds. The
	// default is 15 minutes.
	TokenLifetime time.Duration

	// ResumeOnDemand resumes the MicroVM when a request finds it suspended, and sends the
	// request again if that is safe. It is for MicroVMs without AutoResumeEnabled in their
	// idle policy; with it, the proxy resumes them and holds the request back. By default
	// such a request ends with a *ProxyError.
	ResumeOnDemand bool

	// TerminateOnClose makes Close terminate the MicroVM. It is preset: true by Run, false
	// by Attach.
	TerminateOnClose bool

	// MaxWait limits each wait for a MicroVM to start, to be suspended and to be resumed.
	// The default is 2 minutes; a start takes 2 seconds, and a run hook up to a minute more.
	MaxWait time.Duration

	// CloseTimeout limits each step of the cleanup in Close and in a failed Run, whether or
	// not the context has ended: ending renewals, finding the id after a lost response, and
	// terminating the MicroVM, with retries after throttling. The default is 10 seconds.
	CloseTimeout time.Duration

	// Transport sends the requests. The default is the server if the client is one of
	// package fake, else a copy of http.DefaultTransport, whose idle connections Close
	// closes. It sees the tokens, and must not follow redirects.
	Transport http.RoundTripper

	// BaseEndpoint is the http or https URL of an emulator, such as "http://127.0.0.1:4290".
	// Requests and WebSockets connect to it instead of the MicroVM's endpoint, which they
	// still name in the Host header. By default they connect to the endpoint by https.
	BaseEndpoint string

	// Clock is the time source of waits and of the life of tokens. The default is that of
	// the server if the client is one of package fake, else the system's.
	Clock lambdamicrovms.Clock
}

const (
	defaultPort          = 8080 // the proxy's own, too
	defaultTokenLifetime = 15 * time.Minute
	maxTokenLifetime     = 60 * time.Minute
	defaultMaxWait       = 2 * time.Minute
	defaultCloseTimeout  = 10 * time.Second
)

func newOptions(api any, terminate bool, optFns []func(*Options)) (*Options, error) {
	o := &Options{TerminateOnClose: terminate}
	for _, fn := range optFns {
		fn(o)
	}
	if server := inprocess.Of(api); server != nil {
		o.Clock = or(o.Clock, server.Clock())
		if o.BaseEndpoint == "" {
			o.Transport = or[http.RoundTripper](o.Transport, server)
		}
	}
	o.AllowedPorts = slices.Clone(o.AllowedPorts)
	o.HeaderPorts = slices.Clone(o.HeaderPorts)
	o.Port = or(o.Port, defaultPort)
	o.TokenLifetime = or(o.TokenLifetime, defaultTokenLifetime)
	o.MaxWait = or(o.MaxWait, defaultMaxWait)
	o.CloseTimeout = or(o.CloseTimeout, defaultCloseTimeout)
	if err := o.check(); err != nil {
		return nil, err
	}
	return o, nil
}

func (o *Options) check() error {
	check := workflow.CheckOptions("Options")
	workflow.Between(check, "Port", o.Port, 1, maxPort)
	if o.TokenLifetime < time.Minute || o.TokenLifetime > maxTokenLifetime || o.TokenLifetime%time.Minute != 0 {
		check.Refuse("TokenLifetime", "1 to 60 minutes without seconds", o.TokenLifetime)
	}
	workflow.AtLeast(check, "MaxWait", o.MaxWait, 0)
	workflow.AtLeast(check, "CloseTimeout", o.CloseTimeout, 0)
	checkPorts(check, "AllowedPorts", o.AllowedPorts)
	checkPorts(check, "HeaderPorts", o.HeaderPorts)
	if o.BaseEndpoint != "" {
		if _, ok := parseEndpoint(o.BaseEndpoint); !ok {
			check.Refuse("BaseEndpoint", "an http or https URL of a host, without user, path or query", "another text")
		}
	}
	return check.Err()
}

// parseEndpoint returns scheme and host of an http or https URL that has nothing else.
func parseEndpoint(text string) (endpoint *url.URL, ok bool) {
	at, err := url.Parse(text)
	if err != nil || at.Scheme != "https" && at.Scheme != "http" || at.Hostname() == "" {
		return nil, false
	}
	if _, err := parsePort(or(at.Port(), "1")); err != nil {
		return nil, false
	}
	endpoint = &url.URL{Scheme: at.Scheme, Host: at.Host}
	return endpoint, strings.TrimSuffix(at.String(), "/") == endpoint.String()
}

// or returns value, or its default if it is zero.
func or[T comparable](value, byDefault T) T {
	var zero T
	if value == zero {
		return byDefault
	}
	return value
}

func deref[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func clockOr(c lambdamicrovms.Clock) lambdamicrovms.Clock {
	if c == nil {
		return clock.Wall{}
	}
	return c
}
