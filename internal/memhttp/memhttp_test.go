package memhttp_test

import (
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"

	"github.com/microvm-go/lambdamicrovms/internal/memhttp"
)

func roundTrip(t *testing.T, method string, handler http.HandlerFunc) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "https://example.com/path?q=1", strings.NewReader("request"))
	if err != nil {
		t.Fatal(err)
	}
	return memhttp.RoundTrip(r, handler)
}

func TestRoundTrip(t *testing.T) {
	response, err := roundTrip(t, http.MethodPost, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Host != "example.com" || r.RequestURI != "/path?q=1" {
			t.Errorf("%s %s, %v", r.Host, r.RequestURI, err)
		}
		w.WriteHeader(http.StatusProcessing)
		w.Header().Set("Content-Length", "8")
		w.WriteHeader(http.StatusCreated)
		_, _ = w.Write(append([]byte("r"), body...))
	})
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusCreated || response.ContentLength != 8 || string(body) != "rrequest" || err != nil {
		t.Errorf("%v, %d bytes, %q, %v", response.Status, response.ContentLength, body, err)
	}
	if err := response.Body.Close(); err != nil {
		t.Error(err)
	}
}

// A handler may read the body of a request that has none.
func TestRoundTripWithoutBody(t *testing.T) {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.com/", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := memhttp.RoundTrip(r, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if content, err := io.ReadAll(r.Body); len(content) > 0 || err != nil {
			t.Errorf("got %q, %v", content, err)
		}
	}))
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
}

// The header arrives before the handler has returned, and Close ends the handler's
// context.
func TestRoundTripStreams(t *testing.T) {
	ended := make(chan error)
	response, err := roundTrip(t, http.MethodGet, func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
		ended <- r.Context().Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Error(err)
	}
	if err := <-ended; err == nil {
		t.Error("the context of the handler has not ended")
	}
}

func TestRoundTripOfBrokenHandlers(t *testing.T) {
	for want, handler := range map[string]http.HandlerFunc{
		"memhttp: the handler panicked: oops":        func(http.ResponseWriter, *http.Request) { panic("oops") },
		"memhttp: the handler called runtime.Goexit": func(http.ResponseWriter, *http.Request) { runtime.Goexit() },
	} {
		response, err := roundTrip(t, http.MethodGet, handler)
		if err == nil {
			_ = response.Body.Close()
		}
		if err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
		// Once the header is out, the error is that of the body.
		response, err = roundTrip(t, http.MethodGet, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "some")
			handler(w, r)
		})
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(response.Body); string(body) != "some" || err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%q, %v", body, err)
		}
		_ = response.Body.Close()
	}
}
