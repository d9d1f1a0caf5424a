//go:build unix

package images_test

import (
	"context"
	"io"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/microvm-go/lambdamicrovms/images"
)

// To read a pipe would take for ever.
func TestZipRefusesPipes(t *testing.T) {
	dir := folder(t, map[string]string{"Dockerfile": ""})
	if err := syscall.Mkfifo(filepath.Join(dir, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := images.Zip(context.Background(), io.Discard, dir); err == nil || !strings.Contains(err.Error(), "pipe: this is neither a file nor a folder") {
		t.Errorf("got %v", err)
	}
}
