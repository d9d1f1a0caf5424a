// Command users is an HTTP service in which each user has a MicroVM. Requests go to the
// application in the MicroVM of the user:
//
//	go run ./examples/users                  # against the fake
//	go run ./examples/users -image ARN       # against AWS
//	curl -H 'X-User: ada' http://127.0.0.1:8080/hello
//
// At most -max MicroVMs run at a time. A janitor ends those that no request has used for
// a while, and those that an earlier process has left behind. A user whose MicroVM has
// ended by itself gets another one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/examples/internal/demo"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/session"
	"github.com/microvm-go/lambdamicrovms/types"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "users:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("users", flag.ContinueOnError)
	address := flags.String("addr", "127.0.0.1:8080", "address to listen on")
	image := flags.String("image", "", "ARN of the image (default: the fake)")
	limit := flags.Int("max", 20, "number of MicroVMs that may run at a time")
	idle := flags.Duration("idle", 10*time.Minute, "time without requests after which a user's MicroVM ends")
	if err := flags.Parse(args); err != nil {
		return err
	}
	var client *lambdamicrovms.Client
	if *image == "" {
		var err error
		if _, client, *image, err = demo.Start(ctx, fake.WithApplication(http.HandlerFunc(greet))); err != nil {
			return err
		}
	} else {
		cfg, err := config.LoadDefaultConfig(ctx)
		if err != nil {
			return err
		}
		client = lambdamicrovms.NewFromConfig(cfg)
	}
	if err := sweep(ctx, client, *image); err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", *address)
	if err != nil {
		return err
	}
	slog.Info("listening", "address", listener.Addr().String())
	return serve(ctx, listener, newPool(client, *image, *limit, *idle, time.Now))
}

// sweep ends what an earlier process has left behind. Two processes must therefore not
// share an image.
func sweep(ctx context.Context, client session.SweepAPI, image string) error {
	swept, err := session.Sweep(ctx, client, func(o *session.SweepOptions) { o.ImageIdentifier = image })
	if swept != nil && len(swept.Terminated) > 0 {
		slog.Info("ended MicroVMs of an earlier process", "count", len(swept.Terminated))
	}
	return err
}

// serve handles requests until the context ends, and then ends all MicroVMs.
func serve(ctx context.Context, listener net.Listener, p *pool) error {
	server := &http.Server{Handler: p, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	janitor := time.NewTicker(time.Minute)
	defer janitor.Stop()
	for {
		select {
		case <-janitor.C:
			if err := p.clean(); err != nil {
				slog.Error("janitor", "error", err) // session.Sweep finds it later
			}
		case err := <-served:
			return errors.Join(err, p.close())
		case <-ctx.Done():
			shutdown, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			return errors.Join(server.Shutdown(shutdown), p.close())
		}
	}
}

// ServeHTTP forwards a request to the MicroVM of its user.
func (p *pool) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user := r.Header.Get("X-User") // a real service authenticates its users
	if user == "" {
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	s, release, err := p.get(r.Context(), user)
	if err != nil {
		slog.Error("no MicroVM", "user", user, "error", err)
		w.Header().Set("Retry-After", "10")
		http.Error(w, "try again later", http.StatusServiceUnavailable)
		return
	}
	defer release()
	target, err := url.Parse(s.URL(0))
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	proxy := &httputil.ReverseProxy{
		Transport: s,
		Rewrite: func(p *httputil.ProxyRequest) {
			p.SetURL(target)
			p.SetXForwarded()
		},
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			slog.Error("no response", "user", user, "error", err)
			if hasEnded(r.Context(), s) {
				p.forget(user, s) // the next request starts another MicroVM
			}
			w.WriteHeader(http.StatusBadGateway)
		},
	}
	proxy.ServeHTTP(w, r)
}

// hasEnded reports whether the MicroVM of a session is known to have ended: by itself, or
// because the service ends each one after hours.
func hasEnded(ctx context.Context, s *session.Session) bool {
	vm, err := s.Describe(ctx)
	if err != nil {
		return lambdamicrovms.IsNotFound(err)
	}
	return vm.State == types.MicroVMStateTerminating || vm.State == types.MicroVMStateTerminated
}

// greet is the application of the demonstration.
func greet(w http.ResponseWriter, r *http.Request) {
	_, _ = fmt.Fprintf(w, "%s from %s\n", r.URL.Path, fake.DestinationOf(r.Context()).MicroVMID)
}
