package images_test

import (
	"context"
	"log/slog"
	"os"

	"github.com/microvm-go/lambdamicrovms/images"
)

// Log the steps of a workflow.
func ExampleSyncTags_logger() {
	_, client := service(1)
	logger := slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey || a.Key == "duration" { // differ in each run
			return slog.Attr{}
		}
		return a
	}}))

	image := images.ARN{Region: "us-east-1", Account: "123456789012", Name: "app"}.String()
	_, err := images.SyncTags(context.Background(), client, image, map[string]string{"team": "b"}, func(o *images.Options) {
		o.Logger = logger
	})
	if err != nil {
		panic(err)
	}
	// Output:
	// level=INFO msg="sync tags: tag" image=arn:aws:lambda:us-east-1:123456789012:microvm-image:app
	// level=INFO msg="sync tags" image=arn:aws:lambda:us-east-1:123456789012:microvm-image:app
}
