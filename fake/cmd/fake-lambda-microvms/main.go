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
	"os"
	"os/signal"

	"github.com/microvm-go/lambdamicrovms/internal/fakeprogram"
)

func main() {
	err := run(os.Args[1:])
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "fake-lambda-microvms:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	program := fakeprogram.New("fake-lambda-microvms")
	if err := program.Parse(args); err != nil {
		return err
	}
	return program.Run(ctx, "lambda-microvms", os.Stdout, os.Stderr)
}
