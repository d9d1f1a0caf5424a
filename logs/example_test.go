package logs_test

import (
	"fmt"
	"time"

	"github.com/microvm-go/lambdamicrovms/logs"
)

func ExampleNewSource() {
	source, ok := logs.NewSource("arn:aws:lambda:us-east-1:123456789012:microvm-image:app", nil)
	source.Version, source.MicroVMID = "2.0", "microvm-1"
	source.Since = time.Date(2026, time.November, 26, 12, 0, 0, 0, time.UTC)
	fmt.Println(ok, source.Group)
	for _, prefix := range source.StreamPrefixes() {
		fmt.Println(prefix)
	}
	// Output:
	// true /aws/lambda-microvms/app
	// 2026/11/26[2.0]microvm-1
	// 2026/11/27[2.0]microvm-1
	// 2026/11/25[2.0]microvm-1
}
