package cli

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/api"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
)

// responseClient limits how long each read of a response may take, because the transport
// only limits the time until the headers. It copies the body if wire is set.
type responseClient struct {
	client  lambdamicrovms.HTTPClient
	timeout time.Duration // 0: no limit
	wire    *bytes.Buffer
}

// Do implements lambdamicrovms.HTTPClient.
func (c *responseClient) Do(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(request.Context())
	response, err := c.client.Do(request.WithContext(ctx))
	if err != nil {
		cancel(nil)
		return response, err
	}
	body := &responseBody{ReadCloser: response.Body, ctx: ctx, cancel: cancel, timeout: c.timeout, wire: c.wire}
	if body.wire != nil {
		body.wire.Reset()
	}
	response.Body = body
	return response, nil
}

// responseBody cancels its request if a read takes too long.
type responseBody struct {
	io.ReadCloser
	ctx     context.Context
	cancel  context.CancelCauseFunc
	timeout time.Duration
	wire    *bytes.Buffer // or nil
}

// Read implements io.Reader.
func (b *responseBody) Read(p []byte) (int, error) {
	if b.timeout > 0 {
		defer time.AfterFunc(b.timeout, func() { b.cancel(os.ErrDeadlineExceeded) }).Stop()
	}
	n, err := b.ReadCloser.Read(p)
	if err != nil && context.Cause(b.ctx) == os.ErrDeadlineExceeded { //nolint:errorlint // the very cause
		err = os.ErrDeadlineExceeded
	}
	if b.wire != nil {
		b.wire.Write(p[:n])
	}
	return n, err
}

// Close implements io.Closer.
func (b *responseBody) Close() error {
	defer b.cancel(nil)
	return b.ReadCloser.Close()
}

// hasMap reports whether values of a shape can hold maps.
func hasMap(shape *api.Shape) bool {
	if shape.Kind == api.Map || shape.Elem != nil && hasMap(shape.Elem) {
		return true
	}
	for i := range shape.Members {
		if hasMap(shape.Members[i].Shape) {
			return true
		}
	}
	return false
}

// orderMaps gives the maps of a value the order of the response, which the client's types
// do not keep.
func orderMaps(shape *api.Shape, v, wire any) {
	switch v := v.(type) {
	case []any:
		given, _ := wire.([]any)
		for i := range min(len(v), len(given)) {
			orderMaps(shape.Elem, v[i], given[i])
		}
	case *value.Map:
		given, ok := wire.(*value.Map)
		if !ok {
			return
		}
		if shape.Kind == api.Map {
			orderMap(v, given)
			return
		}
		for i := range shape.Members {
			m := &shape.Members[i]
			part, _ := v.Get(m.Name)
			sent, _ := given.Get(m.Name)
			orderMaps(m.Shape, part, sent)
		}
	}
}

func orderMap(m, wire *value.Map) {
	ordered := new(value.Map)
	for _, sent := range wire.Members() {
		if v, ok := m.Get(sent.Name); ok {
			ordered.Set(sent.Name, v)
		}
	}
	if ordered.Len() == m.Len() {
		*m = *ordered
	}
}
