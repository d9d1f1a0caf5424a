package fake_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

// TestStrictClient checks that the client's signatures are accepted for all kinds of
// inputs.
func TestStrictClient(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			ctx := context.Background()
			srv := fake.New(t, fake.WithStrictSigning())
			client := lambdamicrovms.New(way.options(t, srv))
			create(t, srv, client, "app")
			create(t, srv, client, "app-2")
			getImage(t, client, imageARN)
			_, err := client.ListMicroVMImages(ctx, &lambdamicrovms.ListMicroVMImagesInput{NameFilter: aws.String("a+b/ü=&%"), MaxResults: aws.Int32(1)})
			if err != nil {
				t.Errorf("list with a filter: %v", err)
			}
			pages := lambdamicrovms.NewListMicroVMImagesPaginator(client, &lambdamicrovms.ListMicroVMImagesInput{MaxResults: aws.Int32(1)})
			for pages.HasMorePages() {
				if _, err := pages.NextPage(ctx); err != nil {
					t.Fatalf("pages: %v", err)
				}
			}
			_, err = client.GetMicroVMImage(ctx, &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: aws.String("a/b ü%")})
			var invalid *types.ValidationException
			if !errors.As(err, &invalid) {
				t.Errorf("identifier that needs escapes: %v", err)
			}
		})
	}
}

// TestStrictSkew checks that a client that corrects its clock by the Date header
// succeeds.
func TestStrictSkew(t *testing.T) {
	srv := fake.New(t, fake.WithStrictSigning(), fake.WithFault(fake.SkewClock{By: -time.Hour}))
	client := lambdamicrovms.New(srv.Options())
	create(t, srv, client, "app")
	if calls := srv.Calls(fake.CreateMicroVMImage); len(calls) != 2 || calls[0].Status != 403 {
		t.Errorf("calls: %v", calls)
	}
}

// TestStrictRefusals changes one part of a request after it was signed, or signs it for
// another scope.
func TestStrictRefusals(t *testing.T) {
	srv := fake.New(t, fake.WithStrictSigning())
	right, err := srv.Credentials().Retrieve(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	wrong := right
	wrong.SecretAccessKey = "another"
	unknown := right
	unknown.AccessKeyID = "AKIDUNKNOWN"
	session := right
	session.SessionToken = "token"

	const body = `{"name":"app"}`
	for _, tt := range []struct {
		name        string
		credentials aws.Credentials
		service     string
		at          time.Duration // from now
		change      func(*http.Request)
		status      int
		why         string
	}{
		{"right", right, "lambda", 0, nil, 400, ""}, // the body lacks members
		{"right, 14 minutes ago", right, "lambda", -14 * time.Minute, nil, 400, ""},
		{"16 minutes ago", right, "lambda", -16 * time.Minute, nil, 403, "15 minutes"},
		{"in 16 minutes", right, "lambda", 16 * time.Minute, nil, 403, "15 minutes"},
		{"wrong secret", wrong, "lambda", 0, nil, 403, "does not match the request"},
		{"unknown key", unknown, "lambda", 0, nil, 403, "access key"},
		{"session token that the key does not have", session, "lambda", 0, nil, 403, "session token"},
		{"other service", right, "s3", 0, nil, 403, "lambda"},
		{"no signature", right, "lambda", 0, func(r *http.Request) { r.Header.Del("Authorization") }, 403, "no signature"},
		{"not a signature", right, "lambda", 0, func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, 403, "no signature"},
		{"no date", right, "lambda", 0, func(r *http.Request) { r.Header.Del("X-Amz-Date") }, 403, "date"},
		{"other date", right, "lambda", 0, func(r *http.Request) { r.Header.Set("X-Amz-Date", "20200101T000000Z") }, 403, "date"},
		{"other method", right, "lambda", 0, func(r *http.Request) { r.Method = "GET" }, 403, "does not match the request"},
		{"other query", right, "lambda", 0, func(r *http.Request) { r.URL.RawQuery = "a=b" }, 403, "does not match the request"},
		{"other host", right, "lambda", 0, func(r *http.Request) { r.Host = "example.com" }, 403, "does not match the request"},
		{"other body", right, "lambda", 0, func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(`{"name":"abb"}`)) }, 403, "does not match the request"},
		{"other signed header", right, "lambda", 0, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 403, "does not match the request"},
		{"other header", right, "lambda", 0, func(r *http.Request) { r.Header.Set("X-Other", "text/plain") }, 400, ""},
		{"other hash", right, "lambda", 0, func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD") }, 403, "hash"},
		{"fewer headers", right, "lambda", 0, func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "host;", "", 1))
		}, 403, "signed headers"},
		{"in the query", right, "lambda", 0, func(r *http.Request) {
			r.Header.Del("Authorization")
			r.URL.RawQuery = "X-Amz-Signature=0"
		}, 501, "query"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r, err := http.NewRequest(http.MethodPost, "https://lambda.us-east-1.amazonaws.com/2025-09-09/microvm-images", strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", "application/json")
			sum := sha256.Sum256([]byte(body))
			if err := v4.NewSigner().SignHTTP(r.Context(), tt.credentials, r, hex.EncodeToString(sum[:]), tt.service, "us-east-1", time.Now().Add(tt.at)); err != nil {
				t.Fatal(err)
			}
			if tt.change != nil {
				tt.change(r)
			}
			response, err := srv.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			body, _ := io.ReadAll(response.Body)
			if response.StatusCode != tt.status || !strings.Contains(string(body), tt.why) {
				t.Errorf("got %s %s, want %d with %q", response.Status, body, tt.status, tt.why)
			}
			if tt.status == 403 && response.Header.Get("X-Amzn-Errortype") != "AccessDeniedException" {
				t.Errorf("the error is a %s", response.Header.Get("X-Amzn-Errortype"))
			}
		})
	}
}
