package lambdamicrovms_test

import (
	"context"
	"log/slog"
	"os"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
)

// Log requests and failed attempts with log/slog.
func ExampleSlogLogger() {
	srv := fake.NewServer()
	srv.Inject(fake.Throttle{}, fake.Nth(1))
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		Level: slog.LevelDebug,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) > 0 { // headers
				return slog.Attr{}
			}
			switch a.Key {
			case slog.TimeKey, "duration", "request_id", "error": // differ in each run
				return slog.Attr{}
			}
			return a
		},
	}))
	client := lambdamicrovms.New(srv.Options(), func(o *lambdamicrovms.Options) {
		o.Logger = lambdamicrovms.SlogLogger(logger)
		o.ClientLogMode = aws.LogResponse | aws.LogRetries
	})

	if _, err := client.ListMicroVMs(context.Background(), nil); err != nil {
		panic(err)
	}
	// Output:
	// level=DEBUG msg=response operation=ListMicrovms attempt=1 status=429
	// level=INFO msg="attempt failed" operation=ListMicrovms attempt=1 max_attempts=3 status=429 retry=true
	// level=DEBUG msg=response operation=ListMicrovms attempt=2 status=200
}
