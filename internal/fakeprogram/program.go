// Package fakeprogram has the flags and the server of a program that serves package fake.
// The programs fake-lambda-microvms and lambda-microvms share it.
package fakeprogram

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/signal"
	"syscall"
	"time"

	"github.com/microvm-go/lambdamicrovms/fake"
)

// Run serves until the context ends or the process receives a signal to terminate. It
// writes its address to messages once it listens. With --demo, it writes commands to try
// to out; they call the command line as command.
func (p *Program) Run(ctx context.Context, command string, out, messages io.Writer) (err error) {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM)
	defer stop()
	srv, err := p.server()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, srv.Close()) }() // releases the state file
	var demo *demonstration
	if p.demo {
		if demo, err = seed(ctx, srv); err != nil {
			return fmt.Errorf("--demo: %w", err)
		}
	}
	for _, inject := range p.faults { // not into what the demonstration has prepared
		inject(srv)
	}
	listener, err := net.Listen("tcp", p.addr)
	if err != nil {
		return inUse(err)
	}
	fmt.Fprintf(messages, "listening on http://%s\n", listener.Addr())
	if demo != nil {
		fmt.Fprintf(out, "\n# Paste these lines into a shell.\n%s\n", demo.commands(command, listener.Addr().String(), p.Storage != nil))
	}

	var handler http.Handler = srv
	if p.Storage != nil {
		handler = p.Storage(handler)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	timeout, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return server.Shutdown(timeout)
}

// inUse adds to the error of a port that is in use what the caller can do about it.
func inUse(err error) error {
	const windows = syscall.Errno(10048) // WSAEADDRINUSE
	if errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, windows) {
		return fmt.Errorf("%w; another fake may be running: end it, or choose a free port with --addr 127.0.0.1:0", err)
	}
	return err
}

// server returns a server with the options of the flags.
func (p *Program) server() (*fake.Server, error) {
	for _, finish := range p.finish {
		if err := finish(); err != nil {
			return nil, err
		}
	}
	srv := fake.NewServer(p.options...)
	if p.state != "" {
		if err := srv.KeepState(p.state); err != nil {
			return nil, err
		}
	}
	return srv, nil
}

// Parse sets the flags from a command line.
func (p *Program) Parse(args []string) error {
	if err := p.Flags.Parse(args); err != nil {
		return err
	}
	if p.Flags.NArg() > 0 {
		return fmt.Errorf("unexpected argument %q", p.Flags.Arg(0))
	}
	var err error
	p.Flags.Visit(func(f *flag.Flag) { // an empty address would be that of every network
		if f.Value.String() == "" && !Repeatable(f) && err == nil {
			err = fmt.Errorf("the flag -%s is empty", f.Name)
		}
	})
	return err
}
