// Command controller keeps images as files in a directory describe them:
//
//	go run ./examples/controller -once DIRECTORY      # against the fake
//	go run ./examples/controller -aws DIRECTORY       # against AWS, until it is interrupted
//
// Each file *.json is the input of CreateMicroVMImage, as for the AWS CLI. In each round
// the controller creates or updates what differs. A configuration whose build has failed
// is not built again until its file changes, because each attempt uses up a version.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/images"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "controller:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("controller directory", flag.ContinueOnError)
	real := flags.Bool("aws", false, "use AWS, with the configuration of the environment, and not the fake")
	once := flags.Bool("once", false, "one round only; fail if an image is not as described")
	interval := flags.Duration("interval", time.Minute, "time between two rounds")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return errors.New("name one directory")
	}
	client := lambdamicrovms.New(fake.NewServer().Options())
	if *real {
		cfg, err := config.LoadDefaultConfig(ctx)
		if err != nil {
			return err
		}
		client = lambdamicrovms.NewFromConfig(cfg)
	}
	c := newController(client, flags.Arg(0), slog.Default())
	if *once {
		return c.round(ctx)
	}
	return c.loop(ctx, *interval)
}

type controller struct {
	client images.DeployAPI
	dir    string
	log    *slog.Logger
	failed map[string]string // the configuration whose build failed, by file
}

func newController(client images.DeployAPI, dir string, log *slog.Logger) *controller {
	return &controller{client: client, dir: dir, log: log, failed: make(map[string]string)}
}

// loop makes rounds until the context ends.
func (c *controller) loop(ctx context.Context, interval time.Duration) error {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		_ = c.round(ctx) // logged; the next round tries again
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// round reconciles all files, also if some of them fail.
func (c *controller) round(ctx context.Context) error {
	names, err := filepath.Glob(filepath.Join(c.dir, "*.json"))
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range names {
		if err := c.reconcile(ctx, name); err != nil {
			c.log.ErrorContext(ctx, "not as described", "file", name, "error", err)
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

func (c *controller) reconcile(ctx context.Context, name string) error {
	text, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if c.failed[name] == string(text) {
		return errors.New("its build has failed; it is tried again when the file changes")
	}
	var deployment images.Deployment
	if err := json.Unmarshal(text, &deployment.Image); err != nil { // a typo would reset a setting
		return err
	}
	// Name each archive differently: the content behind the same name is not looked at.
	artifact, err := json.Marshal(deployment.Image.CodeArtifact)
	if err != nil {
		return err
	}
	deployment.ContentHash = string(artifact)

	result, err := images.Deploy(ctx, c.client, deployment, func(o *images.DeployOptions) {
		o.BusyTimeout = 5 * time.Minute // the other images wait meanwhile
	})
	var failed *images.BuildFailedError
	if errors.As(err, &failed) {
		c.failed[name] = string(text)
	}
	if err != nil {
		return err
	}
	delete(c.failed, name)
	if !result.Unchanged {
		c.log.InfoContext(ctx, "reconciled", "image", aws.ToString(deployment.Image.Name), "version", result.Version, "changes", fmt.Sprint(result.Changes))
	}
	return nil
}
