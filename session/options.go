package session

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/clock"
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

// Options are the options of a session. A zero field means its default.
type Options struct {
	// Port is the port of requests that name none. The default is 8080.
	Port int

	// AllowedPorts are the ports that every token of the session opens. By default each port that is asked
	// for gets a token of its own, which opens nothing else. Think twice before you allow all: the port of
	// the hooks can be reached, too.
	AllowedPorts []types.PortSpecification

	// TokenLifetime is how long a token is valid: 1 to 60 minutes, without seconds. The default is 15 minutes.
	TokenLifetime time.Duration

	// ResumeOnDemand resumes the MicroVM when a request finds it suspended, and sends the request again if
	// that is safe. It is for MicroVMs whose idle policy does not do so: for those that have AutoResumeEnabled
	// the proxy does, and holds back the request. By default such a request ends with a *ProxyError.
	ResumeOnDemand bool

	// TerminateOnClose makes Close terminate the MicroVM. It is preset: true by Run, false by Attach.
	TerminateOnClose bool

	// MaxWait limits each wait for a MicroVM to start, to be suspended and to be resumed. The default is 2
	// minutes; a start takes 2 seconds, and a run hook up to a minute more.
	MaxWait time.Duration

	// CloseTimeout limits each step of what is done about a MicroVM that must not stay, in Close and in a Run
	// that fails, whether or not the context has ended: to end renewals, to learn its id if the answer
	// was lost, to ask for its end, again after throttling. The default is 10 seconds.
	CloseTimeout time.Duration

	// Transport sends the requests. The default is a copy of http.DefaultTransport, whose idle connections
	// Close ends. It is given the token, and must follow no redirects.
	Transport http.RoundTripper

	// Clock is the time that waiting and the life of tokens go by. The default is the system's.
	Clock lambdamicrovms.Clock
}

const (
	defaultPort          = 8080 // the proxy's own, too
	defaultTokenLifetime = 15 * time.Minute
	maxTokenLifetime     = 60 * time.Minute
	defaultMaxWait       = 2 * time.Minute
	defaultCloseTimeout  = 10 * time.Second
)

func newOptions(terminate bool, optFns []func(*Options)) (*Options, error) {
	o := &Options{TerminateOnClose: terminate}
	for _, fn := range optFns {
		fn(o)
	}
	o.AllowedPorts = slices.Clone(o.AllowedPorts)
	o.Port = or(o.Port, defaultPort)
	o.TokenLifetime = or(o.TokenLifetime, defaultTokenLifetime)
	o.MaxWait = or(o.MaxWait, defaultMaxWait)
	o.CloseTimeout = or(o.CloseTimeout, defaultCloseTimeout)
	switch {
	case !isPort(o.Port):
		return nil, fmt.Errorf("session: Options.Port is %d, must be 1 to 65535", o.Port)
	case o.TokenLifetime < time.Minute, o.TokenLifetime > maxTokenLifetime, o.TokenLifetime%time.Minute != 0:
		return nil, fmt.Errorf("session: Options.TokenLifetime is %v, must be 1 to 60 minutes without seconds", o.TokenLifetime)
	case o.MaxWait < 0:
		return nil, fmt.Errorf("session: Options.MaxWait is %v, must not be negative", o.MaxWait)
	case o.CloseTimeout < 0:
		return nil, fmt.Errorf("session: Options.CloseTimeout is %v, must not be negative", o.CloseTimeout)
	}
	return o, nil
}

func isPort(n int) bool { return 0 < n && n <= 65535 }

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
