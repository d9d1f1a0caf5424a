// Command fake-lambda-microvms serves a fake of AWS Lambda MicroVMs over HTTP, for the
// AWS CLI and for programs in any language: point them at its address as their endpoint
// URL. Requests whose Host header names the endpoint of a MicroVM get to the application
// that --app-url names, or to one that echoes them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/microvm-go/lambdamicrovms/fake"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "fake-lambda-microvms:", err)
		os.Exit(1)
	}
}

// run serves until the context ends. It tells its address as soon as it listens.
func run(ctx context.Context, args []string, messages io.Writer) error {
	options, err := parse(args, messages)
	if err != nil {
		return err
	}
	srv := fake.NewServer(options.fake...)
	if options.state != "" {
		if err := srv.KeepState(options.state); err != nil {
			return err
		}
	}
	listener, err := net.Listen("tcp", options.addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(messages, "listening on http://%s\n", listener.Addr())

	server := &http.Server{Handler: srv, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	timeout, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(server.Shutdown(timeout), srv.Close())
}
