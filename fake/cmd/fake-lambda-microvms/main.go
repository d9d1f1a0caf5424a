// Command fake-lambda-microvms serves a fake of AWS Lambda MicroVMs over HTTP, for the AWS CLI and for
// programs in any language: point them at its address as their endpoint URL.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
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
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "fake-lambda-microvms:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	delays := fake.MeasuredDelays()
	flags := flag.NewFlagSet("fake-lambda-microvms", flag.ContinueOnError)
	addr := flags.String("addr", "127.0.0.1:4290", "address to listen on")
	region := flags.String("region", "us-east-1", "region of unsigned requests")
	account := flags.String("account", "123456789012", "account of all callers")
	flags.DurationVar(&delays.Build, "build-delay", delays.Build, "how long a build takes")
	if err := flags.Parse(args); err != nil {
		return err
	}
	delays.FailedBuild = min(delays.FailedBuild, delays.Build)
	delays.BuildQueue = min(delays.BuildQueue, delays.Build/4)

	srv := fake.NewServer(fake.WithRealTime(), fake.WithRegion(*region), fake.WithAccount(*account), fake.WithDelays(delays), fake.WithCallLog(0))
	listener, err := net.Listen("tcp", *addr)
	if err != nil {
		return err
	}
	fmt.Fprintf(os.Stderr, "listening on http://%s\n", listener.Addr())
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
	return server.Shutdown(timeout)
}
