package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/ratelimit"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/restjson"
	"github.com/microvm-go/lambdamicrovms/internal/sigv4"
)

// A Part is a part of our call, by itself.
type Part struct {
	Name string
	Call func(Size) Call
}

// Parts are what our call consists of.
var Parts = []Part{
	{"validate, whole model", validate(lambdamicrovms.ValidationModel)},
	{"validate, required only", validate(lambdamicrovms.ValidationRequired)},
	{"encode", func(size Size) Call {
		in, w := imageInput(size), new(restjson.Writer)
		return func() error {
			w.Reset()
			in.EncodeJSON(w)
			return w.Err()
		}
	}},
	{"sign, SDK's signer", sign(v4.NewSigner())},
	{"sign, our own signer", sign(ordinarySigner{new(sigv4.Signer)})},
	{"decode", func(size Size) Call {
		response := imageResponse(size)
		return func() error {
			r := restjson.NewReader(response)
			new(lambdamicrovms.UpdateMicroVMImageOutput).DecodeJSON(r)
			return r.End()
		}
	}},
}

func validate(mode lambdamicrovms.ValidationMode) func(Size) Call {
	return func(size Size) Call {
		in := imageInput(size)
		return func() error { return lambdamicrovms.Validate(in, mode) }
	}
}

// sign signs the request that our call sends.
func sign(signer Signer) func(Size) Call {
	return func(size Size) Call {
		var sent *http.Request
		stub := NewStub(imageResponse(size))
		err := callOurs(Setup{Signer: noSigner{}, HTTP: doer(func(r *http.Request) (*http.Response, error) {
			sent = r
			return stub.Do(r)
		})}, size)()
		keys, _ := credentials.Retrieve(context.Background())
		const hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
		return func() error {
			if err != nil {
				return err
			}
			return signer.SignHTTP(context.Background(), keys, sent, hash, "lambda", region, time.Now())
		}
	}
}

// ordinarySigner is the signer of our compiled chains.
type ordinarySigner struct{ *sigv4.Signer }

// SignHTTP signs the request, or fails if the signer declines it.
func (s ordinarySigner) SignHTTP(_ context.Context, c aws.Credentials, r *http.Request, payloadHash, service, region string, at time.Time, _ ...func(*v4.SignerOptions)) error {
	for _, name := range [...]string{"Authorization", "X-Amz-Date", "X-Amz-Security-Token"} {
		delete(r.Header, name) // of the signature before
	}
	if !s.Sign(&c, r, payloadHash, service, region, at) {
		return errors.New("the signer declined the request")
	}
	return nil
}

type doer func(*http.Request) (*http.Response, error)

func (f doer) Do(r *http.Request) (*http.Response, error) { return f(r) }

// Retried is a call whose first response is a 503 and whose second comes without a delay.
func Retried(client Client) Call {
	retryer := retry.NewStandard(func(o *retry.StandardOptions) {
		o.RateLimiter = ratelimit.None
		o.Backoff = retry.BackoffDelayerFunc(func(int, error) (time.Duration, error) { return 0, nil })
	})
	stub := NewStub(client.Response(Small), http.StatusServiceUnavailable, http.StatusOK)
	return client.Call(Setup{HTTP: stub, Retryer: retryer}, Small)
}

// Failed is a call that ends in a 400 of the service.
func Failed(client Client) Call {
	stub := NewStub(`{"message":"1 validation error detected: Value 'shop' at 'name' failed to satisfy constraint"}`, http.StatusBadRequest)
	stub.header.Set("X-Amzn-Errortype", client.Invalid)
	call := client.Call(Setup{HTTP: stub}, Small)
	return func() error {
		err := call()
		var failed smithy.APIError
		if !errors.As(err, &failed) || failed.ErrorCode() != client.Invalid {
			return fmt.Errorf("not a %s: %w", client.Invalid, err)
		}
		return nil
	}
}

// Construct makes a client, with an HTTP client of the caller's.
func Construct(client Client) Call {
	cfg := Setup{HTTP: NewStub("{}")}.config()
	return func() error {
		client.Construct(cfg)
		return nil
	}
}

func stubbed(response string) *lambdamicrovms.Client {
	return lambdamicrovms.NewFromConfig(Setup{HTTP: NewStub(response)}.config())
}

const builtImage = `{"imageArn":"` + imageArn + `","name":"shop","state":"UPDATED","latestActiveImageVersion":"2.0",` +
	`"latestFailedImageVersion":null,"createdAt":1.785402129123E9,"updatedAt":1.785402129789E9,"tags":null}`

// Plain is the call that a waiter polls with.
func Plain() Call {
	client, in := stubbed(builtImage), &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: aws.String(imageArn)}
	return func() error { _, err := client.GetMicroVMImage(context.Background(), in); return err }
}

// Waited is a waiter whose first poll ends it.
func Waited() Call {
	in := &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: aws.String(imageArn)}
	waiter := lambdamicrovms.NewMicroVMImageUpdatedWaiter(stubbed(builtImage))
	return func() error { return waiter.Wait(context.Background(), in, time.Minute) }
}

// Listed is a call for a page.
func Listed() Call {
	client, in := stubbed(ImagePage(10)), &lambdamicrovms.ListMicroVMImagesInput{NextToken: aws.String(pageToken)}
	return func() error { _, err := client.ListMicroVMImages(context.Background(), in); return err }
}

// Paged is a paginator's call for the next page of a listing that does not end.
func Paged() Call {
	page := ImagePage(10)
	turns := [2]*Stub{NewStub(page), NewStub(strings.Replace(page, `"nextToken":"dG`, `"nextToken":"eH`, 1))}
	pages := 0
	client := lambdamicrovms.NewFromConfig(Setup{HTTP: doer(func(r *http.Request) (*http.Response, error) {
		pages++
		return turns[pages%2].Do(r) // a token that comes twice in a row would end the listing
	})}.config())
	paginator := lambdamicrovms.NewListMicroVMImagesPaginator(client, &lambdamicrovms.ListMicroVMImagesInput{})
	return func() error { _, err := paginator.NextPage(context.Background()); return err }
}

// Page decodes a page of n images.
func Page(n int) Call {
	page := []byte(ImagePage(n))
	return func() error { return new(lambdamicrovms.ListMicroVMImagesOutput).UnmarshalJSON(page) }
}
