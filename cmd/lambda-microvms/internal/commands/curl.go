package commands

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/argparse"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/cli"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/fault"
	"github.com/microvm-go/lambdamicrovms/cmd/lambda-microvms/internal/value"
	"github.com/microvm-go/lambdamicrovms/session"
)

const (
	requestOption    = "request"
	headerOption     = "header"
	dataOption       = "data"
	dataBinaryOption = "data-binary"
	includeOption    = "include"
	fileOption       = "output-file"
	failOption       = "fail"
	silentOption     = "silent"
	locationOption   = "location"
	portOption       = "port"
	resumeOption     = "resume"
)

// targetWords is what manual pages say about the word TARGET.
const targetWords = "TARGET is the id of a MicroVM, or an image: its ARN, or its name. For an image, a new MicroVM is started with the options of run-microvm, " +
	"and terminated afterwards unless --keep is given."

func curlCommand() *cli.Command {
	return &cli.Command{
		Summary:   "Sends an HTTP request to a MicroVM",
		Words:     []string{"TARGET", "[PATH]"},
		Operation: runMicroVMOperation(),
		Options: []argparse.Option{
			{Name: requestOption, Short: "X", Doc: "The method. The default is GET, or POST with a body."},
			{Name: headerOption, Short: "H", Append: true, Doc: `A header of the request, as "Name: value". "Name:" removes one. May be repeated.`},
			{
				Name: dataOption, Short: "d", Append: true,
				Doc: "The body. @file reads a file without its line breaks, and @- standard input. Repeated values are joined by &. The default Content-Type is that of a form.",
			},
			{Name: dataBinaryOption, Append: true, Doc: "Like --data, but files are sent as they are. A file that is the whole body is sent while it is read."},
			{Name: includeOption, Short: "i", Arity: argparse.Flag, Doc: "Also print the status line and the headers of the response."},
			{Name: fileOption, Short: "o", Doc: "Write the response to this file. The file appears when it is complete. (--output is the format of other commands.)"},
			{Name: failOption, Short: "f", Arity: argparse.Flag, Doc: "With a status of 400 or more, print no body, and end with exit code 255."},
			{Name: silentOption, Short: "s", Arity: argparse.Flag, Doc: "Do not say which MicroVM was started and terminated. Errors are still printed."},
			{Name: locationOption, Short: "L", Arity: argparse.Flag, Doc: "Follow redirects within the MicroVM. Others are never followed."},
			{Name: portOption, Int: true, Kind: "integer", Doc: "The port of the application. The default is 8080."},
			{Name: resumeOption, Arity: argparse.Flag, Doc: "Resume the MicroVM if it is suspended."},
			{Name: keepOption, Arity: argparse.Flag, Doc: "Do not terminate the MicroVM that was started for this request."},
		},
		Unpaged: true,
		Page: cli.Page{
			Description: `Sends an HTTP request to the application in a MicroVM and prints the response. Tokens are created, renewed and added to the request, and never printed. The options are a subset of those of curl.

` + targetWords + `

PATH is the path with the query; the default is /. If the endpoint of the service (--endpoint-url) is on this machine, requests to MicroVMs go there, too, because the fake serves them.`,
			Output: "The body of the response, as it is.",
			Examples: `Post a file to a MicroVM, and fail on an error status:

  lambda-microvms curl microvm-cc2f4380-bfc7-4660-9d3f-166fb81d1369 /items -H 'Content-Type: application/json' --data-binary @item.json --fail

Send a request to a new MicroVM of an image:

  lambda-microvms curl web /health`,
		},
		Run: runCurl,
	}
}

func runCurl(ctx context.Context, s *cli.Session) error {
	request, err := newCurlRequest(ctx, s)
	if err != nil {
		return err
	}
	t, err := findTarget(ctx, s, s.Words[0])
	if err != nil {
		return err
	}
	t.keep, t.quiet = s.Args.Has(keepOption), s.Args.Has(silentOption)
	if s.Args.Has(fileOption) { // before anything is started or sent
		if request.file, err = newWholeFile(s, s.Args.Value(fileOption)); err != nil {
			return fault.Parameter(fileOption, "%s", err)
		}
		defer request.file.discard()
	}
	return t.with(ctx, request.send, func(o *session.Options) {
		o.Port, o.ResumeOnDemand = request.port, s.Args.Has(resumeOption)
	})
}

// curlRequest is what the options ask for.
type curlRequest struct {
	s      *cli.Session
	method string
	path   string
	header http.Header
	body   *requestBody // nil: none
	port   int          // zero: the default
	file   *wholeFile   // for the response; nil: standard output
}

// newCurlRequest checks the options before anything is sent.
func newCurlRequest(ctx context.Context, s *cli.Session) (*curlRequest, error) {
	r := &curlRequest{s: s, method: http.MethodGet, path: "/", header: make(http.Header)}
	if len(s.Words) > 1 {
		r.path = s.Words[1]
	}
	if !strings.HasPrefix(r.path, "/") {
		return nil, fault.Usage("Error parsing argument PATH: %s does not begin with /", value.Quote(r.path))
	}
	for _, name := range []string{fileOption, requestOption} {
		if err := notEmpty(s, name); err != nil {
			return nil, err
		}
	}
	if s.Args.Has(portOption) {
		port, err := strconv.ParseUint(s.Args.Value(portOption), 10, 16)
		if err != nil || port == 0 {
			return nil, fault.Parameter(portOption, "%s is not a port from 1 to 65535", s.Args.Value(portOption))
		}
		r.port = int(port)
	}
	var err error
	if r.body, err = readBody(ctx, s); err != nil {
		return nil, err
	}
	if r.body != nil {
		r.method = http.MethodPost
	}
	if s.Args.Has(requestOption) {
		r.method = s.Args.Value(requestOption)
	}
	for _, line := range s.Args.Values(headerOption) {
		if err := r.addHeader(line); err != nil {
			return nil, err
		}
	}
	if _, chosen := r.header["Content-Type"]; r.body != nil && !chosen {
		r.header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if _, err := r.make(ctx, "http://microvm"); err != nil {
		return nil, err
	}
	return r, nil
}

// addHeader does not show the line in errors: it may hold a secret.
func (r *curlRequest) addHeader(line string) error {
	name, v, found := strings.Cut(line, ":")
	name, v = strings.TrimSpace(name), strings.TrimSpace(v)
	switch {
	case !found || !isToken(name):
		return fault.Parameter(headerOption, `a value is not of the form "Name: value"`)
	case strings.ContainsAny(v, "\r\n\x00"):
		return fault.Parameter(headerOption, "the value of %s has a line break", name)
	case v == "":
		r.header[http.CanonicalHeaderKey(name)] = nil
	default:
		r.header.Add(name, v)
	}
	return nil
}

// isToken reports whether a text can be the name of a header.
func isToken(text string) bool {
	const others = "!#$%&'*+-.^_`|~"
	for _, c := range text {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.ContainsRune(others, c):
		default:
			return false
		}
	}
	return text != ""
}

func (r *curlRequest) make(ctx context.Context, base string) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, r.method, base+r.path, http.NoBody)
	if err != nil {
		if !isToken(r.method) {
			return nil, fault.Parameter(requestOption, "%s is not a method", value.Quote(r.method))
		}
		return nil, fault.Usage("Error parsing argument PATH: %s is not a path", value.Quote(r.path))
	}
	request.Header.Set("User-Agent", cli.Program+"/"+cli.Version)
	for name, values := range r.header {
		request.Header[name] = values
		if name == "Host" && len(values) > 0 {
			return nil, fault.Parameter(headerOption, "the header Host cannot be set: it decides which MicroVM gets the request")
		}
	}
	return request, nil
}

// send sends the request and prints the response.
func (r *curlRequest) send(ctx context.Context, opened *session.Session) error {
	request, err := r.make(ctx, opened.URL(r.port))
	if err != nil {
		return err
	}
	if r.body != nil {
		r.body.addTo(request)
	}
	r.s.Debugf("sending %s to port %s of %s", r.method, request.URL.Port(), opened.ID())
	client := opened.Client()
	if !r.s.Args.Has(locationOption) {
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	response, err := client.Do(request)
	if err != nil {
		return sessionError(ctx, r.s, err)
	}
	defer func() { _ = response.Body.Close() }()
	if r.s.Args.Has(failOption) && response.StatusCode >= http.StatusBadRequest {
		return fault.General("The application returned %s", response.Status)
	}
	if r.file == nil {
		return r.print(ctx, r.s.Stdout, response)
	}
	if err := r.print(ctx, r.file, response); err != nil {
		return err
	}
	if err := r.file.keep(); err != nil {
		return fault.General("Cannot write the file of --%s: %s", fileOption, err)
	}
	return nil
}

func (r *curlRequest) print(ctx context.Context, w io.Writer, response *http.Response) error {
	if r.s.Args.Has(includeOption) {
		if err := writeHead(w, response); err != nil {
			return cli.OutputError(err)
		}
	}
	out := &failingWriter{Writer: w}
	_, err := io.Copy(out, response.Body)
	switch {
	case out.err != nil:
		return cli.OutputError(out.err)
	case err != nil && ctx.Err() == nil && errors.Is(err, io.ErrUnexpectedEOF):
		return fault.General("The response ended before it was complete")
	case err != nil:
		return sessionError(ctx, r.s, err)
	}
	return nil
}

// failingWriter keeps its error, so that errors of writing differ from errors of reading.
type failingWriter struct {
	io.Writer
	err error
}

func (w *failingWriter) Write(b []byte) (n int, err error) {
	n, w.err = w.Writer.Write(b)
	return n, w.err
}

func writeHead(w io.Writer, response *http.Response) error {
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s %s\r\n", response.Proto, response.Status)
	if err := response.Header.Write(&b); err != nil {
		return err
	}
	b.WriteString("\r\n")
	_, err := w.Write(b.Bytes())
	return err
}
