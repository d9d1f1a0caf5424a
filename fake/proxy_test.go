package fake_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

func TestEndpointAnswers(t *testing.T) {
	hello := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") })
	s := newSession(t, fake.WithApplication(hello, 8080, 9000))
	vm, other := s.started(nil), s.started(nil)
	port := &types.PortSpecificationMemberPort{Value: 9000}
	span := &types.PortSpecificationMemberRange{Value: types.PortRange{StartPort: aws.Int32(8000), EndPort: aws.Int32(8090)}}
	token := s.token(vm.MicroVMId)
	unknown := "00000000-0000-4000-8000-000000000000.lambda-microvm.us-east-1.on.aws"

	const missing, failed, denied = "403 Request missing authentication", "403 Token authentication failed", "403 Access to port denied"
	tests := []struct{ name, host, token, port, want string }{
		{"default port", *vm.Endpoint, token, "", "200 hello"},
		{"upper case and port", strings.ToUpper(*vm.Endpoint) + ":443", token, "", "200 hello"},
		{"no token", *vm.Endpoint, "", "", missing},
		{"malformed token", *vm.Endpoint, "a.b.c", "", missing},
		{"no base64", *vm.Endpoint, "a.b.c.!.e", "", missing},
		{"token of nobody", *vm.Endpoint, "YWFh.YWFh.YWFh.YWFh.YWFh", "", failed},
		{"changed token", *vm.Endpoint, token[:len(token)-4] + "AAAA", "", failed},
		{"token of another", *vm.Endpoint, s.token(other.MicroVMId), "", failed},
		{"unknown host", unknown, token, "", failed},
		{"unknown host without a token", unknown, "", "", missing},
		{"port not in token", *vm.Endpoint, s.token(vm.MicroVMId, port), "", denied},
		{"port in token", *vm.Endpoint, s.token(vm.MicroVMId, port), "9000", "200 hello"},
		{"range", *vm.Endpoint, s.token(vm.MicroVMId, port, span), "", "200 hello"},
		{"outside of range", *vm.Endpoint, s.token(vm.MicroVMId, port, span), "8091", denied},
		{"no port", *vm.Endpoint, token, "http", denied},
		{"nothing listens", *vm.Endpoint, token, "8081", "502"},
		{"hook port", *vm.Endpoint, token, "9000", "200 hello"},
	}
	check := func(t *testing.T, host, token, port, want string) {
		t.Helper()
		if diff := cmp.Diff(want, s.ask(host, token, port)); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { check(t, test.host, test.token, test.port, test.want) })
	}
	t.Run("expired", func(t *testing.T) {
		s.Advance(time.Hour - time.Millisecond)
		check(t, *vm.Endpoint, token, "", "200 hello")
		s.Advance(time.Millisecond)
		check(t, *vm.Endpoint, token, "", failed)
	})
}

func TestTokens(t *testing.T) {
	ctx := context.Background()
	s := newSession(t)
	shell := func(in *lambdamicrovms.RunMicroVMInput) {
		in.IngressNetworkConnectors = []string{strings.Replace(ingress, "HTTP", "SHELL", 1)}
	}
	all := func(in *lambdamicrovms.RunMicroVMInput) {
		in.IngressNetworkConnectors = []string{strings.Replace(ingress, "HTTP", "ALL", 1)}
	}
	withAll, withShell := s.started(all), s.started(shell)
	mint := func(vm *lambdamicrovms.RunMicroVMOutput, minutes int32) (map[string]string, error) {
		out, err := s.CreateMicroVMAuthToken(ctx, &lambdamicrovms.CreateMicroVMAuthTokenInput{
			MicroVMIdentifier: vm.MicroVMId, ExpirationInMinutes: &minutes,
			AllowedPorts: []types.PortSpecification{&types.PortSpecificationMemberAllPorts{}},
		})
		if err != nil {
			return nil, err
		}
		return out.AuthToken, nil
	}
	mintShell := func(vm *lambdamicrovms.RunMicroVMOutput) (map[string]string, error) {
		out, err := s.CreateMicroVMShellAuthToken(ctx, &lambdamicrovms.CreateMicroVMShellAuthTokenInput{MicroVMIdentifier: vm.MicroVMId, ExpirationInMinutes: aws.Int32(1)})
		if err != nil {
			return nil, err
		}
		return out.AuthToken, nil
	}

	if token, err := mint(withAll, 60); err != nil || len(token) != 1 || strings.Count(token["X-aws-proxy-auth"], ".") != 4 {
		t.Errorf("token %v, %v", token, err)
	}
	_, err := mint(withAll, 61)
	if diff := cmp.Diff("400 ValidationException: ExpirationMinutes 61 exceeded max allowed of 60.", verdict(err)); diff != "" {
		t.Error(diff)
	}
	_, err = mintShell(withAll)
	if diff := cmp.Diff("400 ValidationException: Shell access requires SHELL_INGRESS network connector to be configured on the MicroVM.", verdict(err)); diff != "" {
		t.Error(diff)
	}
	token, err := mintShell(withShell)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.ask(*withShell.Endpoint, token["X-aws-proxy-auth"], ""); !strings.HasPrefix(got, "501 fake: nobody has measured the protocol of the shell") {
		t.Errorf("shell: %s", got)
	}

	// A token stays valid during a suspension, and can be created in one.
	before, err := mint(withAll, 60)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.suspend(withAll.MicroVMId); err != nil {
		t.Fatal(err)
	}
	s.Advance(fake.MeasuredDelays().Suspend)
	if _, err := mint(withAll, 60); err != nil {
		t.Errorf("token while suspended: %v", err)
	}
	if err := s.resume(withAll.MicroVMId); err != nil {
		t.Fatal(err)
	}
	s.Advance(fake.MeasuredDelays().Resume)
	if got := s.ask(*withAll.Endpoint, before["X-aws-proxy-auth"], ""); !strings.HasPrefix(got, "200 ") {
		t.Errorf("token after a suspension: %s", got)
	}

	if err := s.terminate(withAll.MicroVMId); err != nil {
		t.Fatal(err)
	}
	if _, err := mint(withAll, 60); !strings.Contains(verdict(err), "TerminatedToken") {
		t.Errorf("token after the end: %v", err)
	}
}

// TestEcho checks which parts of a request reach the application.
func TestEcho(t *testing.T) {
	s := newSession(t)
	vm := s.started(nil)
	status, body, _ := strings.Cut(s.ask(*vm.Endpoint, s.token(vm.MicroVMId), "9000"), " ")
	var got fake.Echo
	if err := json.Unmarshal([]byte(body), &got); err != nil || status != "200" {
		t.Fatalf("%s %s: %v", status, body, err)
	}
	want := fake.Echo{MicroVMID: *vm.MicroVMId, Port: 9000, Method: "POST", Host: *vm.Endpoint, URL: "/path?q=1", Header: http.Header{}, Body: "body"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestEndpointOverTheNetwork reaches an endpoint as other programs do, by the Host
// header. A WebSocket client in a browser cannot set headers and sends subprotocols
// instead.
func TestEndpointOverTheNetwork(t *testing.T) {
	upgrade := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = conn.Close() }()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
			"Sec-WebSocket-Protocol: " + strings.Join(r.Header.Values("Sec-WebSocket-Protocol"), "+") + "\r\n\r\n")
		_ = rw.Flush()
		line, _ := rw.ReadString('\n')
		_, _ = rw.WriteString("you said " + line)
		_ = rw.Flush()
	})
	s := newSession(t, fake.WithApplication(upgrade, 7000))
	server := httptest.NewServer(s.Server)
	defer server.Close()
	vm := s.started(nil)

	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	_, err = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: "+*vm.Endpoint+"\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Protocol: lambda-microvms, lambda-microvms.authentication."+s.token(vm.MicroVMId)+", lambda-microvms.port.7000, mine\r\n\r\nhi\n")
	if err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(conn)
	response, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	line, err := r.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	got := []string{response.Status, response.Header.Get("Sec-WebSocket-Protocol"), line}
	if diff := cmp.Diff([]string{"101 Switching Protocols", "lambda-microvms+mine", "you said hi\n"}, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestStream reads a response while it is written, and closes it before its end.
func TestStream(t *testing.T) {
	left := make(chan struct{})
	endless := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(left)
		for r.Context().Err() == nil {
			_, _ = io.WriteString(w, "tick\n")
			_ = http.NewResponseController(w).Flush()
		}
	})
	s := newSession(t, fake.WithApplication(endless))
	vm := s.started(nil)
	r := httptest.NewRequest(http.MethodGet, "https://"+*vm.Endpoint, nil)
	r.Header.Set("X-aws-proxy-auth", s.token(vm.MicroVMId))
	response, err := s.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(response.Body).ReadString('\n'); line != "tick\n" {
		t.Errorf("read %q, %v", line, err)
	}
	_ = response.Body.Close()
	<-left
}

// TestHead checks that an in-process response to HEAD equals one over the network.
func TestHead(t *testing.T) {
	s := newSession(t, fake.WithApplication(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<html>")
	})))
	server := httptest.NewServer(s.Server)
	defer server.Close()
	vm := s.started(nil)
	token := s.token(vm.MicroVMId)
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		look := func(client *http.Client, url string) string {
			r, err := http.NewRequestWithContext(context.Background(), method, url, nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Host = *vm.Endpoint
			r.Header.Set("X-aws-proxy-auth", token)
			response, err := client.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = response.Body.Close() }()
			body, err := io.ReadAll(response.Body)
			return fmt.Sprint(response.Status, " ", response.Header.Get("Content-Type"), " ", string(body), " ", err)
		}
		over, without := look(server.Client(), server.URL), look(&http.Client{Transport: s.Server}, "https://"+*vm.Endpoint)
		if diff := cmp.Diff(over, without); diff != "" {
			t.Errorf("%s: -over the network +without:\n%s", method, diff)
		}
	}
}

func TestApplicationPanics(t *testing.T) {
	s := newSession(t, fake.WithApplication(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("oops") })))
	vm := s.started(nil)
	r := httptest.NewRequest(http.MethodGet, "https://"+*vm.Endpoint, nil)
	r.Header.Set("X-aws-proxy-auth", s.token(vm.MicroVMId))
	if _, err := s.Do(r); err == nil || !strings.Contains(err.Error(), "oops") {
		t.Errorf("the client was told %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := s.Do(r.WithContext(ctx)); !errors.Is(err, context.Canceled) {
		t.Errorf("a client that is gone was told %v", err)
	}
}

// A handler that calls runtime.Goexit ends the request, too.
func TestApplicationGoexit(t *testing.T) {
	s := newSession(t, fake.WithApplication(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { runtime.Goexit() })))
	vm := s.started(nil)
	r := httptest.NewRequest(http.MethodGet, "https://"+*vm.Endpoint, nil)
	r.Header.Set("X-aws-proxy-auth", s.token(vm.MicroVMId))
	if resp, err := s.Do(r); err == nil || !strings.Contains(err.Error(), "Goexit") {
		t.Errorf("%v, %v, want an error that names Goexit", resp, err)
	}
}
