package main

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/examples/internal/demo"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

func newTestPool(t *testing.T, limit int) (*pool, *fake.Server, *lambdamicrovms.Client) {
	t.Helper()
	srv, client, image, err := demo.Start(t.Context(), fake.WithApplication(http.HandlerFunc(greet)))
	if err != nil {
		t.Fatal(err)
	}
	return newPool(client, image, limit, 10*time.Minute, srv.Now), srv, client
}

func ask(p *pool, user string) (status int, body string) {
	r := httptest.NewRequest(http.MethodGet, "/hello", http.NoBody)
	if user != "" {
		r.Header.Set("X-User", user)
	}
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Code, w.Body.String()
}

// alive returns how many MicroVMs have not ended.
func alive(t *testing.T, srv *fake.Server, client *lambdamicrovms.Client) int {
	t.Helper()
	srv.Advance(10 * time.Second) // a MicroVM takes 3 seconds to end
	states, err := demo.States(t.Context(), client)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, state := range states {
		if state != types.MicroVMStateTerminated {
			n++
		}
	}
	return n
}

func TestEachUserHasAMicroVM(t *testing.T) {
	p, srv, client := newTestPool(t, 5)
	status, ada := ask(p, "ada")
	if status != http.StatusOK {
		t.Fatalf("got %d %s", status, ada)
	}
	if _, again := ask(p, "ada"); again != ada {
		t.Errorf("the second request got %s, not %s", again, ada)
	}
	if _, grace := ask(p, "grace"); grace == ada {
		t.Errorf("two users share %s", grace)
	}
	if status, _ := ask(p, ""); status != http.StatusUnauthorized {
		t.Errorf("without a user: %d", status)
	}
	if n := alive(t, srv, client); n != 2 {
		t.Errorf("%d MicroVMs", n)
	}
	if err := p.close(); err != nil {
		t.Error(err)
	}
	if n := alive(t, srv, client); n != 0 {
		t.Errorf("%d MicroVMs after the end", n)
	}
}

func TestCap(t *testing.T) {
	p, srv, client := newTestPool(t, 2)
	_, release, err := p.get(t.Context(), "ada")
	if err != nil {
		t.Fatal(err)
	}
	_, releaseGrace, err := p.get(t.Context(), "grace")
	if err != nil {
		t.Fatal(err)
	}
	if status, _ := ask(p, "joan"); status != http.StatusServiceUnavailable {
		t.Errorf("beyond the cap: %d", status)
	}
	release() // ada's MicroVM is idle now and makes room
	if status, _ := ask(p, "joan"); status != http.StatusOK {
		t.Errorf("after a release: %d", status)
	}
	releaseGrace()
	if n := alive(t, srv, client); n != 2 || len(p.users) != 2 || p.users["ada"] != nil {
		t.Errorf("%d MicroVMs, users %v", n, p.users)
	}
}

// A MicroVM ends after its maximum duration, or because somebody ends it. Its user gets
// another one.
func TestMicroVMEnds(t *testing.T) {
	p, srv, client := newTestPool(t, 5)
	_, first := ask(p, "ada")
	srv.Advance(9 * time.Hour)
	_, _ = ask(p, "ada") // finds out that it has ended
	status, second := ask(p, "ada")
	if status != http.StatusOK || second == first {
		t.Errorf("got %d %s after %s", status, second, first)
	}
	if n := alive(t, srv, client); n != 1 {
		t.Errorf("%d MicroVMs", n)
	}
}

func TestJanitor(t *testing.T) {
	p, srv, client := newTestPool(t, 5)
	_, _ = ask(p, "ada")
	srv.Advance(8 * time.Minute)
	_, _ = ask(p, "grace")
	srv.Advance(4 * time.Minute)
	if err := p.clean(); err != nil {
		t.Fatal(err)
	}
	if n := alive(t, srv, client); n != 1 || p.users["grace"] == nil {
		t.Errorf("%d MicroVMs, users %v", n, p.users)
	}
}

func TestStartFails(t *testing.T) {
	p, srv, client := newTestPool(t, 5)
	srv.Inject(fake.FailStart{}, fake.First(1))
	if status, _ := ask(p, "ada"); status != http.StatusServiceUnavailable {
		t.Errorf("got %d", status)
	}
	if status, _ := ask(p, "ada"); status != http.StatusOK {
		t.Errorf("the next request: %d", status)
	}
	if n := alive(t, srv, client); n != 1 {
		t.Errorf("%d MicroVMs", n)
	}
}

// A new process ends what an earlier one has left behind.
func TestSweep(t *testing.T) {
	p, srv, client := newTestPool(t, 5)
	_, _ = ask(p, "ada") // and the process is killed
	if err := sweep(t.Context(), client, p.image); err != nil {
		t.Fatal(err)
	}
	if n := alive(t, srv, client); n != 0 {
		t.Errorf("%d MicroVMs", n)
	}
}

func TestServe(t *testing.T) {
	p, srv, client := newTestPool(t, 5)
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- serve(ctx, listener, p) }()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+listener.Addr().String()+"/hello", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("X-User", "ada")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, response.Body)
	if err := response.Body.Close(); err != nil || response.StatusCode != http.StatusOK {
		t.Errorf("got %s, %v", response.Status, err)
	}
	stop()
	if err := <-served; err != nil {
		t.Error(err)
	}
	if n := alive(t, srv, client); n != 0 {
		t.Errorf("%d MicroVMs", n)
	}
}
