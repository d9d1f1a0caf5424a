package fake_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	smithy "github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
	"github.com/microvm-go/lambdamicrovms/types"
)

// ways are the ways in which a client reaches a server.
var ways = []struct {
	name    string
	options func(t *testing.T, srv *fake.Server) lambdamicrovms.Options
}{
	{"in-process", func(_ *testing.T, srv *fake.Server) lambdamicrovms.Options { return srv.Options() }},
	{"over HTTP", func(t *testing.T, srv *fake.Server) lambdamicrovms.Options {
		options := srv.Options()
		options.BaseEndpoint = aws.String(serve(t, srv))
		options.HTTPClient = lonely(t)
		return options
	}},
}

func serve(t *testing.T, srv *fake.Server) (url string) {
	server := httptest.NewServer(srv)
	t.Cleanup(server.Close)
	return server.URL
}

// lonely returns a client that opens a connection for each request. With reused
// connections net/http would resend some requests by itself.
func lonely(t *testing.T) *http.Client {
	transport := &http.Transport{DisableKeepAlives: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func once(o *lambdamicrovms.Options) { o.Retryer = aws.NopRetryer{} }

// outcome is what a caller can learn from an error.
type outcome struct {
	Status  int
	Code    string
	Reset   bool
	Broken  bool // reading the body failed
	Timeout bool
}

func outcomeOf(err error) outcome {
	var seen outcome
	var response *awshttp.ResponseError
	if errors.As(err, &response) {
		seen.Status = response.HTTPStatusCode()
	}
	var api smithy.APIError
	if errors.As(err, &api) {
		seen.Code = api.ErrorCode()
	}
	var decoding *smithy.DeserializationError
	seen.Reset = errors.Is(err, syscall.ECONNRESET)
	seen.Broken = errors.As(err, &decoding)
	seen.Timeout = errors.Is(err, context.DeadlineExceeded)
	return seen
}

// TestEffects injects each effect into the first create. It checks the result of a single
// attempt and whether the image was created, and then that a client with retries succeeds
// if another attempt can.
func TestEffects(t *testing.T) {
	for _, tt := range []struct {
		name   string
		effect fake.Effect
		want   outcome
		works  bool // the call makes its change despite the fault
		final  bool // the client does not retry
	}{
		{"throttle", fake.Throttle{}, outcome{Status: 429, Code: "ThrottlingException"}, false, false},
		{"quota", fake.QuotaExceeded{}, outcome{Status: 402, Code: "ServiceQuotaExceededException"}, false, true},
		{"server error", fake.ServerError{}, outcome{Status: 500, Code: "InternalServerException"}, false, false},
		{"other server error", fake.ServerError{Status: 503}, outcome{Status: 503, Code: "InternalServerException"}, false, false},
		{"HTML 502", fake.BadGateway{}, outcome{Status: 502, Code: "BadGateway"}, false, false},
		{"HTML 504", fake.BadGateway{Status: 504}, outcome{Status: 504, Code: "GatewayTimeout"}, false, false},
		{"reset", fake.Reset{}, outcome{Reset: true}, false, false},
		{"clock behind", fake.SkewClock{By: -time.Hour}, outcome{Status: 403, Code: "AccessDeniedException"}, false, false},
		{"clock ahead", fake.SkewClock{By: 16 * time.Minute}, outcome{Status: 403, Code: "AccessDeniedException"}, false, false},
		{"clock a little ahead", fake.SkewClock{By: 14 * time.Minute}, outcome{}, true, false},
		{"slow", fake.Slow{Delay: time.Minute}, outcome{}, true, false},
		{"body cut", fake.CutBody{After: 10}, outcome{Status: 201, Broken: true}, true, false},
		{"body without its last byte", fake.CutBody{After: 1 << 20}, outcome{Status: 201, Broken: true}, true, false},
		{"no body", fake.CutBody{}, outcome{Status: 201, Broken: true}, true, false},
		{"malformed", fake.MalformedJSON{}, outcome{Status: 201, Broken: true}, true, true},
		{"malformed otherwise", fake.MalformedJSON{Body: "<html>"}, outcome{Status: 201, Broken: true}, true, true},
		{"response lost", fake.LoseAnswer{}, outcome{Reset: true}, true, false},
	} {
		for _, way := range ways {
			t.Run(tt.name+" "+way.name, func(t *testing.T) {
				srv := fake.New(t)
				client := lambdamicrovms.New(way.options(t, srv))
				remove := srv.Inject(tt.effect, fake.On(fake.CreateMicroVMImage), fake.First(1))
				defer remove()
				ctx := context.Background()

				_, err := client.CreateMicroVMImage(ctx, createInput("app"), once)
				if diff := cmp.Diff(tt.want, outcomeOf(err)); diff != "" {
					t.Errorf("one attempt, -want +got:\n%s%v", diff, err)
				}
				if diff := cmp.Diff([]fake.Effect{tt.effect}, srv.Calls()[0].Faults); diff != "" {
					t.Errorf("call log, -want +got:\n%s", diff)
				}
				list, err := client.ListMicroVMImages(ctx, &lambdamicrovms.ListMicroVMImagesInput{})
				if err != nil || len(list.Items) == 1 != tt.works {
					t.Errorf("images after it: %v, %v", list, err)
				}

				srv.Inject(tt.effect, fake.On(fake.CreateMicroVMImage), fake.Image("again"), fake.First(1))
				created, err := client.CreateMicroVMImage(ctx, createInput("again"))
				if (err != nil) != tt.final {
					t.Errorf("with retries: %v", err)
				}
				if err == nil && *created.ImageVersion != "1.0" {
					t.Errorf("with retries the version is %s", *created.ImageVersion)
				}
			})
		}
	}
}

// TestRefusalHeaders checks the headers of error responses.
func TestRefusalHeaders(t *testing.T) {
	ctx := context.Background()
	srv := fake.New(t)
	client := lambdamicrovms.New(srv.Options(), once)

	srv.Inject(fake.Throttle{RetryAfter: 1500 * time.Millisecond}, fake.First(1))
	_, err := client.ListMicroVMImages(ctx, &lambdamicrovms.ListMicroVMImagesInput{})
	var throttled *types.ThrottlingException
	if !errors.As(err, &throttled) || aws.ToInt32(throttled.RetryAfterSeconds) != 2 {
		t.Errorf("Retry-After of 1.5 s: %v", err)
	}
	srv.Inject(fake.ServerError{RetryAfter: time.Minute}, fake.First(1))
	_, err = client.ListMicroVMImages(ctx, &lambdamicrovms.ListMicroVMImagesInput{})
	var internal *types.InternalServerException
	if !errors.As(err, &internal) || aws.ToInt32(internal.RetryAfterSeconds) != 60 {
		t.Errorf("Retry-After of a minute: %v", err)
	}

	srv.Inject(fake.Throttle{}, fake.First(1))
	_, err = client.ListTags(ctx, &lambdamicrovms.ListTagsInput{Resource: aws.String(imageARN)})
	var tooMany *types.TooManyRequestsException
	if !errors.As(err, &tooMany) {
		t.Errorf("throttled tags: %v", err)
	}
	srv.Inject(fake.ServerError{}, fake.First(1))
	_, err = client.ListTags(ctx, &lambdamicrovms.ListTagsInput{Resource: aws.String(imageARN)})
	var service *types.ServiceException
	if !errors.As(err, &service) {
		t.Errorf("server error of tags: %v", err)
	}

	srv.Inject(fake.QuotaExceeded{Message: "That is enough."}, fake.First(1))
	_, err = client.ListMicroVMImages(ctx, &lambdamicrovms.ListMicroVMImagesInput{})
	if !lambdamicrovms.IsQuotaExceeded(err) {
		t.Errorf("quota: %v", err)
	}
}

func TestSlow(t *testing.T) {
	for _, way := range ways {
		t.Run(way.name, func(t *testing.T) {
			srv := fake.New(t)
			client := lambdamicrovms.New(way.options(t, srv), once)
			srv.Inject(fake.Slow{Delay: time.Hour}, fake.First(1))
			before := srv.Now()
			if _, err := client.CreateMicroVMImage(context.Background(), createInput("app")); err != nil {
				t.Fatal(err)
			}
			if passed := srv.Now().Sub(before); passed != time.Hour {
				t.Errorf("%v have passed", passed)
			}
		})
	}
}

// TestTimeout checks that the caller's timeout ends a slow call and one that hangs.
func TestTimeout(t *testing.T) {
	for name, effect := range map[string]fake.Effect{"slow": fake.Slow{Delay: time.Hour}, "hang": fake.Hang{}} {
		t.Run(name, func(t *testing.T) {
			srv := fake.New(t)
			client := lambdamicrovms.New(srv.Options())
			srv.Inject(effect)
			ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
			defer cancel()
			_, err := client.CreateMicroVMImage(ctx, createInput("app"))
			if !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("got %v", err)
			}
		})
	}
}

// TestHangOverHTTP checks that the server notices when the caller closes the connection.
func TestHangOverHTTP(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	srv := fake.New(t, fake.WithFault(fake.Hang{}), fake.WithOverrides(fake.Overrides{
		ListMicroVMImages: func(context.Context, *lambdamicrovms.ListMicroVMImagesInput) (*lambdamicrovms.ListMicroVMImagesOutput, error) {
			cancel()
			return nil, nil
		},
	}))
	done := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(done)
		srv.ServeHTTP(w, r)
	}))
	defer server.Close()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/2025-09-09/microvm-images", nil)
	if err != nil {
		t.Fatal(err)
	}
	if response, err := lonely(t).Do(request); err == nil {
		_ = response.Body.Close()
		t.Errorf("got %s", response.Status)
	}
	<-done
}

// TestResetOverTLS checks that Reset also resets TLS connections.
func TestResetOverTLS(t *testing.T) {
	for _, http2 := range []bool{false, true} {
		srv := fake.New(t, fake.WithFault(fake.LoseAnswer{}, fake.On(fake.CreateMicroVMImage), fake.First(1)))
		server := httptest.NewUnstartedServer(srv)
		server.EnableHTTP2 = http2
		server.StartTLS()
		defer server.Close()
		options := srv.Options()
		options.BaseEndpoint, options.HTTPClient = aws.String(server.URL), server.Client()
		client := lambdamicrovms.New(options)
		created, err := client.CreateMicroVMImage(context.Background(), createInput("app"))
		if calls := srv.Calls(); err != nil || *created.ImageVersion != "1.0" || len(calls) != 2 {
			t.Errorf("HTTP/2 %t: %v after %v", http2, err, calls)
		}
	}
}

// TestOccasions checks what conditions see of calls.
func TestOccasions(t *testing.T) {
	ctx := context.Background()
	srv := fake.New(t)
	client := lambdamicrovms.New(srv.Options())
	var seen []fake.Occasion
	srv.Inject(fake.Reset{}, func(o fake.Occasion) bool {
		seen = append(seen, o)
		return false
	})
	create(t, srv, client, "app")
	vm, err := client.RunMicroVM(ctx, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: aws.String(imageARN)})
	if err != nil {
		t.Fatal(err)
	}
	_, _ = client.GetMicroVM(ctx, &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: vm.MicroVMId})
	_, _ = client.GetMicroVM(ctx, &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: aws.String("microvm-1")}, once)
	_, _ = client.ListMicroVMs(ctx, &lambdamicrovms.ListMicroVMsInput{ImageIdentifier: aws.String(imageARN)})
	_, _ = client.ListMicroVMs(ctx, &lambdamicrovms.ListMicroVMsInput{})
	_, _ = client.ListTags(ctx, &lambdamicrovms.ListTagsInput{Resource: aws.String(imageARN)})
	_, _ = client.GetMicroVMImageVersion(ctx, &lambdamicrovms.GetMicroVMImageVersionInput{ImageIdentifier: aws.String(imageARN), ImageVersion: aws.String("1")})
	_, _ = client.GetMicroVMImage(ctx, &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: aws.String("app")})
	want := []fake.Occasion{
		{Operation: fake.CreateMicroVMImage, Image: "app"},
		{Operation: fake.RunMicroVM, Image: "app"},
		{Operation: fake.GetMicroVM, Image: "app", MicroVM: *vm.MicroVMId},
		{Operation: fake.GetMicroVM, MicroVM: "microvm-1"},
		{Operation: fake.ListMicroVMs, Image: "app"},
		{Operation: fake.ListMicroVMs},
		{Operation: fake.ListTags, Image: "app"},
		{Operation: fake.GetMicroVMImageVersion, Image: "app"},
		{Operation: fake.GetMicroVMImage},
	}
	if diff := cmp.Diff(want, seen); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestDateHeader checks that every response has the skewed time, not only a 403.
func TestDateHeader(t *testing.T) {
	srv := fake.New(t, fake.WithFault(fake.SkewClock{By: 10 * time.Hour}))
	response, err := srv.Do(httptest.NewRequest(http.MethodGet, "/2025-09-09/microvm-images", nil))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, response.Body)
	date, err := http.ParseTime(response.Header.Get("Date"))
	if off := time.Until(date); err != nil || off < 9*time.Hour || off > 11*time.Hour {
		t.Errorf("Date is %s, %v", response.Header.Get("Date"), err)
	}
}

func TestStuckBuild(t *testing.T) {
	ctx := context.Background()
	srv := fake.New(t, fake.WithFault(fake.StuckBuild{}, fake.Image("app")))
	client := lambdamicrovms.New(srv.Options())
	create(t, srv, client, "app")
	srv.Advance(15 * time.Hour)
	if state := getImage(t, client, imageARN).State; state != types.MicroVMImageStateCreating {
		t.Errorf("the image is %s", state)
	}
	builds, err := client.ListMicroVMImageBuilds(ctx, &lambdamicrovms.ListMicroVMImageBuildsInput{
		ImageIdentifier: aws.String(imageARN), ImageVersion: aws.String("1.0"),
	})
	if err != nil || len(builds.Items) != 2 || builds.Items[0].BuildState != types.BuildStatePending {
		t.Errorf("builds: %v, %v", builds, err)
	}
	_, err = client.DeleteMicroVMImage(ctx, &lambdamicrovms.DeleteMicroVMImageInput{ImageIdentifier: aws.String(imageARN)})
	if !lambdamicrovms.IsImageBusy(err) {
		t.Errorf("delete: %v", err)
	}
}

func TestEmptyPages(t *testing.T) {
	ctx := context.Background()
	srv := fake.New(t, fake.WithFault(fake.EmptyPages{Count: 2}, fake.On(fake.ListMicroVMImages)))
	client := lambdamicrovms.New(srv.Options())
	for _, name := range []string{"a", "b", "c"} {
		create(t, srv, client, name)
	}
	var got []int
	p := lambdamicrovms.NewListMicroVMImagesPaginator(client, &lambdamicrovms.ListMicroVMImagesInput{MaxResults: aws.Int32(2)})
	for p.HasMorePages() {
		page, err := p.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, len(page.Items))
	}
	if diff := cmp.Diff([]int{0, 0, 2, 0, 0, 1}, got); diff != "" {
		t.Errorf("items on the pages, -want +got:\n%s", diff)
	}
}

// TestConditions checks which of ten calls a fault strikes.
func TestConditions(t *testing.T) {
	for _, tt := range []struct {
		name       string
		conditions func() []fake.Condition
		want       string
	}{
		{"none", func() []fake.Condition { return nil }, "xxxxxxxxxx"},
		{"first", func() []fake.Condition { return []fake.Condition{fake.First(2)} }, "xx........"},
		{"nth", func() []fake.Condition { return []fake.Condition{fake.Nth(2, 9)} }, ".x......x."},
		{"operation", func() []fake.Condition { return []fake.Condition{fake.On(fake.GetMicroVMImage)} }, "x.x.x.x.x."},
		{"image", func() []fake.Condition { return []fake.Condition{fake.Image("other")} }, ".........."},
		{"counted after", func() []fake.Condition {
			return []fake.Condition{fake.On(fake.ListMicroVMImages), fake.Nth(2)}
		}, "...x......"},
		{"counted before", func() []fake.Condition {
			return []fake.Condition{fake.Nth(2, 3), fake.On(fake.ListMicroVMImages)}
		}, ".x........"},
		{"never", func() []fake.Condition { return []fake.Condition{fake.Chance(0, 1)} }, ".........."},
		{"always", func() []fake.Condition { return []fake.Condition{fake.Chance(1, 1)} }, "xxxxxxxxxx"},
		{"by chance", func() []fake.Condition { return []fake.Condition{fake.Chance(0.5, 1)} }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			run := func() string {
				srv := fake.New(t)
				client := lambdamicrovms.New(srv.Options(), once)
				create(t, srv, client, "app")
				defer srv.Inject(fake.BadGateway{}, tt.conditions()...)()
				struck := ""
				for i := range 10 {
					var err error
					if i%2 == 0 {
						_, err = client.GetMicroVMImage(context.Background(), &lambdamicrovms.GetMicroVMImageInput{ImageIdentifier: aws.String(imageARN)})
					} else {
						_, err = client.ListMicroVMImages(context.Background(), &lambdamicrovms.ListMicroVMImagesInput{})
					}
					if err != nil {
						struck += "x"
					} else {
						struck += "."
					}
				}
				return struck
			}
			got := run()
			if tt.want != "" && got != tt.want {
				t.Errorf("strikes %s, want %s", got, tt.want)
			}
			if again := run(); again != got {
				t.Errorf("strikes %s and then %s", got, again)
			}
		})
	}
}
