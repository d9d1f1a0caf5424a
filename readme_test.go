package lambdamicrovms_test

import (
	"os"
	"strings"
	"testing"
)

// The README's program is one that compiles.
func TestReadmeProgram(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(readme), "```go\n")
	program, _, closed := strings.Cut(rest, "```")
	if !ok || !closed {
		t.Fatal("README.md holds no Go program")
	}
	// The configuration loader is not among this module's requirements; what matters here is the use of the client.
	program = strings.NewReplacer(
		"\t\"github.com/aws/aws-sdk-go-v2/config\"\n", "",
		"config.LoadDefaultConfig(ctx)", "aws.Config{}, ctx.Err()",
	).Replace(program)
	buildProgram(t, program)
}
