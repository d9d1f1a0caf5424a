package images_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/microvm-go/lambdamicrovms/images"
)

func ExampleHashDir() {
	dir, err := os.MkdirTemp("", "example")
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\n"), 0o600)
	}
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir) //nolint:errcheck // the system cleans up
	hashed, err := images.HashDir(context.Background(), dir)
	if err != nil {
		fmt.Println(err)
		return
	}
	packed, err := images.Zip(context.Background(), io.Discard, dir)
	fmt.Println(err == nil && *packed == *hashed)
	// Output: true
}
