// Command sandbox runs code that nobody has reviewed in a MicroVM of its own and prints
// what it wrote:
//
//	go run ./examples/sandbox program.py                    # against the fake
//	go run ./examples/sandbox -image ARN program.py         # against AWS
//
// The application of the image must run the body of POST /run and respond with its
// output. The demonstration application only knows the instruction "print".
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/examples/internal/demo"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/session"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdin, os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "sandbox:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdin io.Reader, stdout io.Writer) error {
	flags := flag.NewFlagSet("sandbox [file]", flag.ContinueOnError)
	image := flags.String("image", "", "ARN of an image whose application runs code (default: the fake)")
	limit := flags.Duration("time", 30*time.Second, "time that the code may take")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if name := flags.Arg(0); name != "" {
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		defer file.Close() //nolint:errcheck // it is only read
		stdin = file
	}
	code, err := io.ReadAll(stdin)
	if err != nil {
		return err
	}

	box := sandbox{image: *image, time: *limit, maxOutput: 1 << 20}
	if *image == "" {
		_, box.client, box.image, err = demo.Start(ctx, fake.WithApplication(http.HandlerFunc(interpreter)))
	} else {
		var cfg aws.Config
		cfg, err = config.LoadDefaultConfig(ctx)
		box.client = lambdamicrovms.NewFromConfig(cfg)
	}
	if err != nil {
		return err
	}
	output, err := box.run(ctx, string(code))
	if err != nil {
		return err
	}
	_, err = io.WriteString(stdout, output)
	return err
}

// A sandbox runs each program in a MicroVM of its own, which no other program has used or
// will use.
type sandbox struct {
	client    session.RunAPI
	image     string
	time      time.Duration // for a program, without the start of the MicroVM
	maxOutput int64         // bytes
}

var errTooMuchOutput = errors.New("the program writes more than it may")

// run returns the output of the code.
//
// The MicroVM has no execution role, so the code finds no credentials of AWS. What it can
// reach over the network is decided by the egress connector of the image: the default is
// the internet.
func (b *sandbox) run(ctx context.Context, code string) (output string, err error) {
	s, err := session.Run(ctx, b.client, &lambdamicrovms.RunMicroVMInput{
		ImageIdentifier: aws.String(b.image),
		// The service ends the MicroVM even if this process is killed.
		MaximumDurationInSeconds: aws.Int32(int32(b.time.Seconds()) + 60),
	})
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, s.Close()) }()

	ctx, cancel := context.WithTimeout(ctx, b.time)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "/run", strings.NewReader(code))
	if err != nil {
		return "", err
	}
	response, err := s.Client().Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close() //nolint:errcheck // it is only read
	text, err := io.ReadAll(io.LimitReader(response.Body, b.maxOutput+1))
	switch {
	case err != nil:
		return "", err
	case int64(len(text)) > b.maxOutput:
		return "", errTooMuchOutput
	case response.StatusCode != http.StatusOK:
		return "", fmt.Errorf("the program failed: %s: %s", response.Status, text)
	}
	return string(text), nil
}

// interpreter is the application of the demonstration.
func interpreter(w http.ResponseWriter, r *http.Request) {
	code, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	for line := range strings.Lines(string(code)) {
		text, ok := strings.CutPrefix(line, "print ")
		if !ok {
			http.Error(w, "unknown instruction", http.StatusUnprocessableEntity)
			return
		}
		_, _ = io.WriteString(w, text)
	}
}
