package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	smithyrand "github.com/aws/smithy-go/rand"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/restjson"
)

// callByHand is the least that the request takes: our codec, the SDK's signer, and no
// validation, retries, options, middleware or errors of the service.
func callByHand(setup Setup, size Size) Call {
	client := setup.HTTP
	if client == nil {
		client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 100}}
	}
	endpoint := "https://lambda." + region + ".amazonaws.com"
	if setup.Endpoint != nil {
		endpoint = *setup.Endpoint
	}
	base, err := url.Parse(endpoint)
	if err != nil {
		panic(err)
	}
	signer := setup.Signer
	if signer == nil {
		signer = v4.NewSigner()
	}
	tokens := smithyrand.NewUUIDIdempotencyToken(rand.Reader)
	in := imageInput(size)
	writers := sync.Pool{New: func() any { return new(restjson.Writer) }}
	buffers := sync.Pool{New: func() any { return new(bytes.Buffer) }}

	return func() error {
		ctx := context.Background()
		token, err := tokens.GetIdempotencyToken()
		if err != nil {
			return err
		}
		in := *in
		in.ClientToken = &token
		w := writers.Get().(*restjson.Writer)
		defer writers.Put(w)
		w.Reset()
		in.EncodeJSON(w) // with the identifier, which the path has too: 70 bytes more than ours
		if err := w.Err(); err != nil {
			return err
		}
		body := w.Bytes()
		path := "/2025-09-09/microvm-images/" + *in.ImageIdentifier
		req := &http.Request{
			Method: http.MethodPut,
			URL:    &url.URL{Scheme: base.Scheme, Host: base.Host, Path: path, RawPath: "/2025-09-09/microvm-images/" + url.PathEscape(*in.ImageIdentifier)},
			Header: http.Header{
				"Content-Type": {"application/json"},
				"User-Agent":   {"by-hand/1.0"},
			},
			ContentLength: int64(len(body)),
			// Without WriteTo, for the reason in package lambdamicrovms.
			Body: io.NopCloser(struct{ io.Reader }{bytes.NewReader(body)}),
		}
		sum := sha256.Sum256(body)
		keys, err := credentials.Retrieve(ctx)
		if err != nil {
			return err
		}
		err = signer.SignHTTP(ctx, keys, req, hex.EncodeToString(sum[:]), "lambda", region, time.Now())
		if err != nil {
			return err
		}
		response, err := client.Do(req)
		if err != nil {
			return err
		}
		defer func() { _ = response.Body.Close() }()
		buffer := buffers.Get().(*bytes.Buffer)
		defer buffers.Put(buffer)
		buffer.Reset()
		if _, err := buffer.ReadFrom(response.Body); err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("status %d", response.StatusCode)
		}
		r := restjson.NewReader(buffer.String())
		new(lambdamicrovms.UpdateMicroVMImageOutput).DecodeJSON(r)
		return r.End()
	}
}
