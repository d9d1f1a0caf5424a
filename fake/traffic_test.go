package fake_test

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

// TestTrafficOnAConnection checks that bytes received on a hijacked connection keep the
// MicroVM from being suspended, and that an open connection alone does not.
func TestTrafficOnAConnection(t *testing.T) {
	repeat := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		for line := "hello\n"; ; {
			_, _ = rw.WriteString(line)
			if err := rw.Flush(); err != nil {
				return
			}
			if line, err = rw.ReadString('\n'); err != nil {
				return
			}
		}
	})
	s := newSession(t, fake.WithApplication(repeat))
	server := httptest.NewServer(s.Server)
	defer server.Close()
	vm := s.started(func(in *lambdamicrovms.RunMicroVMInput) {
		in.IdlePolicy = &types.IdlePolicy{
			MaxIdleDurationSeconds: aws.Int32(60), SuspendedDurationSeconds: aws.Int32(3600), AutoResumeEnabled: aws.Bool(false),
		}
	})

	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	r := bufio.NewReader(conn)
	say := func(text, want string) {
		t.Helper()
		if _, err := io.WriteString(conn, text); err != nil {
			t.Fatal(err)
		}
		if line, err := r.ReadString('\n'); line != want {
			t.Fatalf("read %q, %v, want %q", line, err, want)
		}
	}
	expect := func(want types.MicroVMState) {
		t.Helper()
		if got, err := s.get(vm.MicroVMId); err != nil || got.State != want {
			t.Fatalf("the MicroVM is %v, %v, want %s", got, err, want)
		}
	}

	say(fmt.Sprintf("GET / HTTP/1.1\r\nHost: %s\r\nX-aws-proxy-auth: %s\r\n\r\n", *vm.Endpoint, s.token(vm.MicroVMId)), "hello\n")
	for range 3 {
		s.Advance(50 * time.Second)
		say("again\n", "again\n")
	}
	expect(types.MicroVMStateRunning)
	s.Advance(70 * time.Second)
	expect(types.MicroVMStateSuspended)
}

// TestEndpointWithoutIngress checks that the proxy responds with 501 if nobody has
// measured the behavior.
func TestEndpointWithoutIngress(t *testing.T) {
	s := newSession(t)
	for _, connector := range []string{"NO_INGRESS", "SHELL_INGRESS"} {
		vm := s.started(func(in *lambdamicrovms.RunMicroVMInput) {
			in.IngressNetworkConnectors = []string{strings.Replace(ingress, "HTTP_INGRESS", connector, 1)}
		})
		if got := s.ask(*vm.Endpoint, s.token(vm.MicroVMId), ""); !strings.HasPrefix(got, "501 fake: nobody has measured") {
			t.Errorf("%s: %s", connector, got)
		}
	}
}

// Bytes that arrive together with the request must be buffered in the hijacked Reader:
// WebSocket libraries take as many as Reader.Buffered returns, and would lose the others.
func TestEarlyBytesOnAConnection(t *testing.T) {
	s := newSession(t, fake.WithApplication(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		early, err := rw.Peek(rw.Reader.Buffered())
		if err != nil {
			t.Error(err)
		}
		_, _ = fmt.Fprintf(conn, "%s.\n", early)
	})))
	server := httptest.NewServer(s.Server)
	defer server.Close()
	vm := s.started(func(*lambdamicrovms.RunMicroVMInput) {})
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	request := fmt.Sprintf("GET / HTTP/1.1\r\nHost: %s\r\nX-aws-proxy-auth: %s\r\n\r\n", *vm.Endpoint, s.token(vm.MicroVMId))
	if _, err := io.WriteString(conn, request+"early"); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(conn).ReadString('\n'); line != "early.\n" {
		t.Errorf("read %q, %v", line, err)
	}
}
