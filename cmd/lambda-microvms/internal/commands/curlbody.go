package commands

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
)

// requestBody is the body of a request. A file can be larger than the memory, so it is
// read while it is sent.
type requestBody struct {
	first io.ReadCloser
	size  int64 // -1: unknown
	// again opens the body once more, for an attempt with a new token; nil if that is not
	// possible.
	again func() (io.ReadCloser, error)
}

// addTo makes b the body of a request.
func (b *requestBody) addTo(request *http.Request) {
	request.Body, request.ContentLength, request.GetBody = b.first, b.size, b.again
	if b.size == 0 { // net/http takes it for unknown
		request.Body = http.NoBody
	}
}

func inMemory(content []byte) *requestBody {
	again := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil }
	first, _ := again()
	return &requestBody{first, int64(len(content)), again}
}

// readBody joins --data and --data-binary. It returns nil if there is neither.
func readBody(ctx context.Context, s *cli.Session) (*requestBody, error) {
	text, binary := s.Args.Values(dataOption), s.Args.Values(dataBinaryOption)
	if len(text) == 0 && len(binary) == 1 {
		if path, isFile := strings.CutPrefix(binary[0], "@"); isFile {
			return openBody(ctx, s, path)
		}
	}
	var parts [][]byte
	for _, option := range []struct {
		name   string
		values []string
	}{{dataOption, text}, {dataBinaryOption, binary}} {
		for _, v := range option.values {
			part, err := readPart(ctx, s, option.name, v)
			if err != nil {
				return nil, err
			}
			parts = append(parts, part)
		}
	}
	if parts == nil {
		return nil, nil
	}
	return inMemory(bytes.Join(parts, []byte("&"))), nil
}

func readPart(ctx context.Context, s *cli.Session, option, text string) (content []byte, err error) {
	path, isFile := strings.CutPrefix(text, "@")
	if !isFile {
		return []byte(text), nil
	}
	content, err = readInput(ctx, s, option, path)
	if err == nil && option == dataOption {
		content = bytes.ReplaceAll(bytes.ReplaceAll(content, []byte("\r"), nil), []byte("\n"), nil)
	}
	return content, err
}

// maxReplay is how much of standard input is kept, so that it can be sent again and its
// size is known.
const maxReplay = 1 << 20

// openBody returns a file or standard input as a body.
func openBody(ctx context.Context, s *cli.Session, path string) (*requestBody, error) {
	if path == "-" {
		head, err := s.ReadStdinUpTo(ctx, maxReplay+1)
		switch {
		case ctx.Err() != nil:
			return nil, s.CallError(ctx, ctx.Err())
		case err != nil:
			return nil, fault.Parameter(dataBinaryOption, "%s", err)
		case len(head) <= maxReplay:
			return inMemory(head), nil
		}
		return &requestBody{first: io.NopCloser(io.MultiReader(bytes.NewReader(head), s.Stdin)), size: -1}, nil
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, fault.Parameter(dataBinaryOption, "%s", err)
	}
	info, err := file.Stat()
	switch {
	case err != nil:
	case info.IsDir():
		_, err = file.Read(make([]byte, 1)) // the system's error
	case info.Mode().IsRegular() && info.Size() == 0: // or a file of Linux that has no size
		var content []byte
		if content, err = io.ReadAll(file); err == nil {
			return inMemory(content), nil
		}
	case !info.Mode().IsRegular(): // a pipe can be read once
		return &requestBody{first: file, size: -1}, nil
	default:
		// A file that grows or shrinks meanwhile fails the request.
		return &requestBody{file, info.Size(), func() (io.ReadCloser, error) { return os.Open(path) }}, nil
	}
	_ = file.Close()
	return nil, fault.Parameter(dataBinaryOption, "%s", err)
}
