package fake

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"slices"
)

// WithApplication sets the handler that stands for the application in every MicroVM. It
// listens on the given ports, or on all ports if there are none. Of several applications,
// the first that listens on a port gets the request; if none does, the response is 502.
// The default listens on all ports and responds with an [Echo] of the request.
func WithApplication(handler http.Handler, ports ...int) Option {
	return func(c *config) { c.applications = append(c.applications, application{handler, slices.Clone(ports)}) }
}

// WithShell sets the handler for requests with a shell token. The default responds with
// 501, since the protocol of the shell is not known.
func WithShell(handler http.Handler) Option {
	return func(c *config) { c.shell = handler }
}

type application struct {
	handler http.Handler
	ports   []int // none for all
}

// Destination is the MicroVM and port that a request is for. See [DestinationOf].
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

// DestinationOf returns the destination of a request to a handler of [WithApplication] or
// [WithShell], given the context of the request.
func DestinationOf(ctx context.Context) Destination {
	to, _ := ctx.Value(destinationKey{}).(Destination)
	return to
}

// applicationAt returns the handler of a destination.
func (s *Server) applicationAt(to Destination) (http.Handler, error) {
	switch {
	case to.Shell && s.config.shell != nil:
		return s.config.shell, nil
	case to.Shell:
		return nil, s.unmeasured(unreachable(), "the protocol of the shell; set a handler with fake.WithShell")
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

// Echo is the JSON with which the default application responds: the request.
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
