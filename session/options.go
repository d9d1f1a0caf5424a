package session

import (
	"cmp"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/clock"
	"github.com/microvm-go/lambdamicrovms/internal/inprocess"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
	"github.com/microvm-go/lambdamicrovms/logs"
	"github.com/microvm-go/lambdamicrovms/types"
)

// API is the set of operations that a session calls. *lambdamicrovms.Client implements
// it.
type API interface {
	lambdamicrovms.GetMicroVMAPIClient
	lambdamicrovms.CreateMicroVMAuthTokenAPIClient
	lambdamicrovms.CreateMicroVMShellAuthTokenAPIClient
	lambdamicrovms.SuspendMicroVMAPIClient
	lambdamicrovms.ResumeMicroVMAPIClient
	lambdamicrovms.TerminateMicroVMAPIClient
}

// RunAPI is the set of operations that Run and its session call.
type RunAPI interface {
	lambdamicrovms.RunMicroVMAPIClient
	API
}

// Options are the options of a session. A zero field means its default. If a value is out
// of range, Run and Attach return an error before any call; [lambdamicrovms.Violations]
// lists such values.
type Options struct {
	// Port is the port for requests that do not name one. The default is 8080.
	Port int

	// AllowedPorts are the ports that every token of the session opens. By default the
	// session creates one token per requested port, which opens only that port. Allow as
	// few ports as possible: a token for all ports also opens the port of the hooks.
	AllowedPorts []types.PortSpecification

	// HeaderPorts are the ports that a request may choose with the X-aws-proxy-port
	// header or a WebSocket subprotocol. Behind a reverse proxy, remote clients control
	// the headers: do not list ports that they must not reach. By default a header may
	// only repeat Port or the port in the request's URL; other values fail with a
	// *PortError.
	HeaderPorts []types.PortSpecification

	// TokenLifetime is how long a token is valid: 1 to 60 whole minutes. The default is
	// 15 minutes.
	TokenLifetime time.Duration

	// ResumeOnDemand resumes the MicroVM when a request finds it suspended, and sends the
	// request again if that is safe. By default such a request fails with a *ProxyError.
	// MicroVMs with AutoResumeEnabled in their idle policy do not need it: the proxy
	// resumes them and holds the request until then.
	ResumeOnDemand bool

	// TerminateOnClose makes Close terminate the MicroVM. The default is true for Run and
	// false for Attach.
	TerminateOnClose bool

	// MaxWait limits each wait for the MicroVM to start, suspend or resume. The default
	// is 2 minutes. A start takes about 2 seconds, plus up to a minute for a run hook.
	MaxWait time.Duration

	// CloseTimeout limits each step of the cleanup in Close and in a failed Run. The
	// cleanup ignores whether the context has ended. Its steps are: stop token renewals,
	// find the id after a lost response, and terminate the MicroVM, including retries
	// after throttling. The default is 10 seconds.
	CloseTimeout time.Duration

	// Transport sends the requests. It sees the tokens, and must not follow redirects.
	// The context of a request has its span. The default is a copy of
	// http.DefaultTransport, whose idle connections Close closes; with a client of package
	// fake it is the fake server.
	Transport http.RoundTripper

	// BaseEndpoint is the http or https URL of an emulator, such as
	// "http://127.0.0.1:4290". Requests and WebSockets connect to it, and name the
	// MicroVM's endpoint only in the Host header. By default they connect to the endpoint
	// over https.
	BaseEndpoint string

	// Logger receives a record of each step: start, wait, suspend, resume, token, request
	// and terminate. A record has the duration of the step and the context of its span, and
	// no secrets. Steps have level Info, tokens and requests Debug, errors Warn. By default
	// nothing is logged. Spans go to the client's TracerProvider.
	//
	// The step request is one request to the MicroVM. It ends when the headers of the
	// response have arrived. Its record and span have the URL without the query.
	Logger *slog.Logger

	// LogReader reads the output of a MicroVM that Run could not start, for
	// StartError.Lines. Reading takes at most 30 seconds, after the MicroVM has been
	// terminated. By default it is not read. Module cwlogs has a reader of CloudWatch Logs.
	LogReader logs.Reader

	// LogLines is the number of lines to read. The default is 20.
	LogLines int

	// Clock is the time source of waits and token lifetimes. The default is the system
	// clock; with a client of package fake it is the clock of the fake server.
	Clock lambdamicrovms.Clock
}

const (
	defaultPort          = 8080 // also the proxy's default
	defaultTokenLifetime = 15 * time.Minute
	maxTokenLifetime     = 60 * time.Minute
	defaultMaxWait       = 2 * time.Minute
	defaultCloseTimeout  = 10 * time.Second
	defaultLogLines      = 20
)

func newOptions(api any, terminate bool, optFns []func(*Options)) (*Options, error) {
	o := &Options{TerminateOnClose: terminate}
	for _, fn := range optFns {
		fn(o)
	}
	if server := inprocess.Of(api); server != nil {
		o.Clock = cmp.Or(o.Clock, server.Clock())
		if o.BaseEndpoint == "" {
			o.Transport = cmp.Or[http.RoundTripper](o.Transport, server)
		}
	}
	o.AllowedPorts = slices.Clone(o.AllowedPorts)
	o.HeaderPorts = slices.Clone(o.HeaderPorts)
	o.Port = cmp.Or(o.Port, defaultPort)
	o.TokenLifetime = cmp.Or(o.TokenLifetime, defaultTokenLifetime)
	o.MaxWait = cmp.Or(o.MaxWait, defaultMaxWait)
	o.CloseTimeout = cmp.Or(o.CloseTimeout, defaultCloseTimeout)
	o.LogLines = cmp.Or(o.LogLines, defaultLogLines)
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
	workflow.AtLeast(check, "LogLines", o.LogLines, 0)
	checkPorts(check, "AllowedPorts", o.AllowedPorts)
	checkPorts(check, "HeaderPorts", o.HeaderPorts)
	if o.BaseEndpoint != "" {
		if _, ok := parseEndpoint(o.BaseEndpoint); !ok {
			check.Refuse("BaseEndpoint", "an http or https URL of a host, without user, path or query", "something else")
		}
	}
	return check.Err()
}

// parseEndpoint parses an http or https URL that has only a scheme and a host.
func parseEndpoint(text string) (endpoint *url.URL, ok bool) {
	at, err := url.Parse(text)
	if err != nil || at.Scheme != "https" && at.Scheme != "http" || at.Hostname() == "" {
		return nil, false
	}
	if _, err := parsePort(cmp.Or(at.Port(), "1")); err != nil {
		return nil, false
	}
	endpoint = &url.URL{Scheme: at.Scheme, Host: at.Host}
	return endpoint, strings.TrimSuffix(at.String(), "/") == endpoint.String()
}

func clockOr(c lambdamicrovms.Clock) lambdamicrovms.Clock {
	if c == nil {
		return clock.Wall{}
	}
	return c
}
