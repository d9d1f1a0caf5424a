package fake

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
)

// WithApplication has a handler play the application in every MicroVM: it answers what the proxy in front of
// it lets through. It listens on the ports given, or on all if none are; on others nothing listens and the
// proxy answers 502. Given more than once, the first that listens on a port has it. Without this option an
// application on all ports answers 200 with the request as JSON.
func WithApplication(handler http.Handler, ports ...int) Option {
	return func(c *config) { c.applications = append(c.applications, application{handler, slices.Clone(ports)}) }
}

// WithShell has a handler answer what comes with a shell token. The default answers 501: nothing is known of
// what the service's shell says.
func WithShell(handler http.Handler) Option {
	return func(c *config) { c.shell = handler }
}

type application struct {
	handler http.Handler
	ports   []int // none for all
}

// Destination is where the proxy sends a request, for handlers that play more than one application.
type Destination struct {
	MicroVMID    string
	ImageARN     string
	ImageVersion string // such as "1.0"
	Port         int    // zero for the shell
	Shell        bool
}

func (vm *microVM) destination() Destination {
	return Destination{MicroVMID: vm.id(), ImageARN: *vm.settings.ImageArn, ImageVersion: *vm.settings.ImageVersion}
}

type destinationKey struct{}

func withDestination(ctx context.Context, to Destination) context.Context {
	return context.WithValue(ctx, destinationKey{}, to)
}

// DestinationOf returns where the request goes that a handler of [WithApplication] got the context with.
func DestinationOf(ctx context.Context) Destination {
	to, _ := ctx.Value(destinationKey{}).(Destination)
	return to
}

// applicationAt returns who answers there.
func (s *Server) applicationAt(to Destination) (http.Handler, error) {
	switch {
	case to.Shell && s.config.shell != nil:
		return s.config.shell, nil
	case to.Shell:
		return nil, s.unmeasured(unreachable(), "what the shell says; play it with fake.WithShell")
	case len(s.config.applications) == 0:
		return http.HandlerFunc(echo), nil
	}
	for _, a := range s.config.applications {
		if len(a.ports) == 0 || slices.Contains(a.ports, to.Port) {
			return a.handler, nil
		}
	}
	return nil, unreachable()
}

// Echo is the answer of the application that there is without [WithApplication]: the request.
type Echo struct {
	MicroVMID string      `json:"microvmId"`
	Port      int         `json:"port"`
	Method    string      `json:"method"`
	Host      string      `json:"host"`
	URL       string      `json:"url"` // path and query
	Header    http.Header `json:"header"`
	Body      string      `json:"body"`
}

func echo(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	to := DestinationOf(r.Context())
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(Echo{
		MicroVMID: to.MicroVMID,
		Port:      to.Port,
		Method:    r.Method,
		Host:      r.Host,
		URL:       r.URL.RequestURI(),
		Header:    r.Header,
		Body:      string(body),
	})
}
