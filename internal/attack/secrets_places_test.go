package attack

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/smithy-go"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/clienttest"
	"github.com/microvm-go/lambdamicrovms/types"
)

// writingServer starts a server that writes the bytes that respond returns and closes the
// connection. It returns the server's URL.
func writingServer(t *testing.T, respond func(*http.Request) string) string {
	t.Helper()
	return *clienttest.ServeConns(t, func(conn net.Conn) {
		defer func() { _ = conn.Close() }()
		if request, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			_, _ = io.Copy(io.Discard, request.Body)
			_, _ = io.WriteString(conn, respond(request))
		}
	}).BaseEndpoint
}

// secretPlaces are the places of a response that can repeat a text. Each function returns
// a whole response.
func secretPlaces() map[string]func(text string) string {
	oneLine := strings.NewReplacer("\n", " ", "\r", " ").Replace
	response := func(status, header, body string) string {
		return fmt.Sprintf("HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s", status, header, len(body), body)
	}
	jsonOf := func(text string) string {
		return fmt.Sprintf(`"%s"`, strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(oneLine(text)))
	}
	return map[string]func(string) string{
		"__type":  func(s string) string { return response("400 Bad", "", `{"__type":`+jsonOf(s)+`}`) },
		"code":    func(s string) string { return response("400 Bad", "", `{"code":`+jsonOf(s)+`,"message":"m"}`) },
		"message": func(s string) string { return response("500 Bad", "", `{"message":`+jsonOf(s)+`}`) },
		"X-Amzn-Errortype": func(s string) string {
			return response("400 Bad", "X-Amzn-Errortype: "+oneLine(s)+"\r\n", `{}`)
		},
		"X-Amzn-Requestid": func(s string) string {
			return response("400 Bad", "X-Amzn-Requestid: "+oneLine(s)+"\r\n", `{"message":"m"}`)
		},
		"Content-Type of what is not JSON": func(s string) string {
			return response("200 OK", "Content-Type: "+oneLine(s)+"\r\n", `<`)
		},
		"key of what does not decode": func(s string) string { return response("200 OK", "", `{"state":{`+jsonOf(s)+`:[1}}`) },
		"key of another type":         func(s string) string { return response("200 OK", "", `{"tags":{`+jsonOf(s)+`:[1]}}`) },
		"text":                        func(s string) string { return response("502 Bad", "", s) },
		"text after a tag":            func(s string) string { return response("502 Bad", "", "<html><h1>"+s) },
		"status line":                 func(s string) string { return response("400 "+oneLine(s), "", "") },
		"malformed status line":       func(s string) string { return oneLine(s) + "\r\n\r\n" },
		"malformed status":            func(s string) string { return "HTTP/1.1 " + oneLine(s) + "\r\n\r\n" },
		"malformed version":           func(s string) string { return "HTTP/" + oneLine(s) + " 200 OK\r\n\r\n" },
		"malformed header":            func(s string) string { return "HTTP/1.1 200 OK\r\n" + oneLine(s) + "\r\n\r\n" },
		"header with a bad name":      func(s string) string { return "HTTP/1.1 200 OK\r\n" + oneLine(s) + ": v\r\n\r\n" },
		"content length":              func(s string) string { return "HTTP/1.1 200 OK\r\nContent-Length: " + oneLine(s) + "\r\n\r\n" },
		"transfer encoding":           func(s string) string { return "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + oneLine(s) + "\r\n\r\n" },
		"trailer": func(s string) string {
			return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-A\r\n\r\n2\r\n{}\r\n0\r\n" + oneLine(s) + "\r\n\r\n"
		},
		"announced trailer": func(s string) string {
			return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: " + oneLine(s) + "\r\n\r\n0\r\n\r\n"
		},
		"chunk": func(s string) string {
			return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + oneLine(s) + "\r\n"
		},
		"Location": func(s string) string { return response("307 Moved", "Location: http://%zz"+oneLine(s)+"\r\n", "") },
		"header that the error keeps": func(s string) string {
			return response("400 Bad", "X-Debug: "+oneLine(s)+"\r\n", `{"message":"m"}`)
		},
	}
}

// secretForms are encodings of a secret. The names of those that contain only a part end
// in three dots.
func secretForms() map[string]func(string) string {
	each := func(format string) func(string) string {
		return func(s string) string {
			var b strings.Builder
			for _, c := range []byte(s) {
				fmt.Fprintf(&b, format, c)
			}
			return b.String()
		}
	}
	shifted := func(encoding *base64.Encoding, before string) func(string) string {
		return func(s string) string { return encoding.EncodeToString([]byte(before + s + " and what follows")) }
	}
	return map[string]func(string) string{
		"as it is":               func(s string) string { return s },
		"base64":                 func(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) },
		"base64, shifted by one": shifted(base64.StdEncoding, "a"), "base64, shifted by two": shifted(base64.StdEncoding, "ab"),
		"base64 for URLs":          func(s string) string { return base64.URLEncoding.EncodeToString([]byte(s)) },
		"base64 for URLs, shifted": shifted(base64.RawURLEncoding, "a"),
		"hex":                      func(s string) string { return hex.EncodeToString([]byte(s)) },
		"capital hex":              func(s string) string { return strings.ToUpper(hex.EncodeToString([]byte(s))) },
		"hex with spaces":          each("%02x "),
		"decimal":                  each("%d, "),
		"%XX":                      each("%%%02X"), "%xx": each("%%%02x"), "%25XX": each("%%25%02X"),
		"&#NN;": each("&#%d;"), "&#xNN;": each("&#x%X;"),
		`\u00XX`: each(`\u%04x`), `\xXX`: each(`\x%02x`),
		"lower case":             strings.ToLower,
		"40 bytes ...":           func(s string) string { return s[:min(40, len(s))] },
		"end ...":                func(s string) string { return s[max(0, len(s)-40):] },
		"with NULs":              func(s string) string { return strings.Join(strings.Split(s, ""), "\x00") },
		"with soft hyphens":      func(s string) string { return strings.Join(strings.Split(s, ""), "\u00ad") },
		"with zero-width spaces": func(s string) string { return s[:9] + "\u200b" + s[9:] },
		"query":                  url.QueryEscape,
	}
}

// tornForms are escapes that are complete once a text is cleaned.
func tornForms() map[string]func(string) string {
	forms := map[string]func(string) string{}
	for form, mark := range map[string]string{`\u00XX`: `\`, `\xXX`: `\`, "%XX": "%", "%xx": "%", "&#NN;": "&", "&#xNN;": "&"} {
		forms[form+" with soft hyphens"] = func(s string) string { return strings.ReplaceAll(secretForms()[form](s), mark, mark+"\u00ad") }
	}
	return forms
}

// Wherever a server puts a secret of the request, and in whatever encoding, no error and
// no log repeats it.
func TestSecretsInPlaces(t *testing.T) {
	const secret = "Kx7Jq2mWv9Lp4Rt8-Zb3Nc6Yd1Hf5Gs0Ta/Ue4Vi+Wo7Xp2Yq9Zr5"
	var text string
	var place func(string) string
	address := writingServer(t, func(*http.Request) string { return place(text) })
	var told tellTale
	client := lambdamicrovms.New(lambdamicrovms.Options{
		Region: "us-east-1", BaseEndpoint: &address, Logger: &told, ClientLogMode: ^aws.ClientLogMode(0), RetryMaxAttempts: 2,
		Credentials: plainCredentials{aws.Credentials{AccessKeyID: "AKIDPLANTED000000001", SecretAccessKey: plantedKey, SessionToken: secret}},
	}, func(o *lambdamicrovms.Options) { clienttest.RetryWithoutDelay(o) })
	s := &search{t: t, found: map[string]int{}}
	for form, write := range secretForms() {
		for _, how := range []func(string) string{write, func(s string) string { return strings.ReplaceAll(write(s), "/", `\/`) }} {
			s.forms = append(s.forms, [2]string{how(secret), "secret as " + form}, [2]string{how(secret)[:len(how(secret))*3/4], "most of the secret as " + form})
		}
	}
	s.forms = append(s.forms, [2]string{secret[2:22], "beginning of the secret"}, [2]string{secret[len(secret)-20:], "end of the secret"})
	written := secretForms()
	maps.Copy(written, tornForms())
	errs := 0
	for where, p := range secretPlaces() {
		for form, write := range written {
			if place, text = p, write(secret); strings.ContainsAny(text, "\x00") && strings.Contains(where, "key") {
				continue
			}
			_, err := client.GetMicroVM(context.Background(), &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: aws.String("microvm-1")})
			if err == nil {
				continue // net/http drops it
			}
			errs++
			s.err(where+", "+form, err)
			s.kept(where+", "+form, err)
			s.lines(where+", "+form, told.take())
			if len(err.Error()) > 10*clienttest.KiB {
				t.Errorf("%s, %s: an error of %d bytes", where, form, len(err.Error()))
			}
		}
	}
	if errs < 300 {
		t.Errorf("only %d errors", errs)
	}
}

// failingInterceptor fails at one of the hooks.
type failingInterceptor struct{ err error }

func (f failingInterceptor) AfterDeserialization(context.Context, *smithyhttp.InterceptorContext) error {
	return f.err
}

func (f failingInterceptor) AfterTransmit(context.Context, *smithyhttp.InterceptorContext) error {
	return f.err
}

func (f failingInterceptor) BeforeDeserialization(context.Context, *smithyhttp.InterceptorContext) error {
	return f.err
}

// Whichever step fails, the response in the error has no signed header.
func TestErrorsKeepNoSignedHeaders(t *testing.T) {
	mine := errors.New("mine")
	outside := func(wrap func(middleware.Metadata) error) func(*lambdamicrovms.Options) {
		return lambdamicrovms.WithAPIOptions(func(stack *middleware.Stack) error {
			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("outside",
				func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
					out, metadata, err := next.HandleInitialize(ctx, in)
					if err == nil {
						err = wrap(metadata)
					}
					return out, metadata, err
				}), middleware.Before)
		})
	}
	for name, option := range map[string]func(*lambdamicrovms.Options){
		"AfterDeserialization":  func(o *lambdamicrovms.Options) { o.Interceptors.AddAfterDeserialization(failingInterceptor{mine}) },
		"AfterTransmit":         func(o *lambdamicrovms.Options) { o.Interceptors.AddAfterTransmit(failingInterceptor{mine}) },
		"BeforeDeserialization": func(o *lambdamicrovms.Options) { o.Interceptors.AddBeforeDeserialization(failingInterceptor{mine}) },
		"HTTP client with response and error": func(o *lambdamicrovms.Options) {
			o.HTTPClient = clienttest.HTTPFunc(func(r *http.Request) (*http.Response, error) {
				response := clienttest.Response(http.StatusOK, nil, `{}`)
				response.Request = r
				return response, mine
			})
		},
		"middleware outside": outside(func(m middleware.Metadata) error {
			raw, _ := awsmiddleware.GetRawResponse(m).(*smithyhttp.Response)
			return &smithyhttp.ResponseError{Response: raw, Err: mine}
		}),
		"middleware outside, another error": outside(func(middleware.Metadata) error { return mine }),
	} {
		t.Run(name, func(t *testing.T) {
			var sent http.Header
			client := lambdamicrovms.New(lambdamicrovms.Options{
				Region: "us-east-1", Credentials: plantedCredentials, Retryer: aws.NopRetryer{},
				HTTPClient: clienttest.HTTPFunc(func(r *http.Request) (*http.Response, error) {
					sent = r.Header
					response := clienttest.Response(http.StatusOK, nil, `{}`)
					response.Request = r
					return response, nil
				}),
			}, option)
			_, err := client.GetMicroVM(context.Background(), &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: aws.String("m")})
			if !errors.Is(err, mine) {
				t.Fatalf("error %v, want one that is %v", err, mine)
			}
			var failed *smithyhttp.ResponseError
			if !errors.As(err, &failed) {
				if name == "middleware outside, another error" {
					return
				}
				t.Fatalf("no response in %v", err)
			}
			request := failed.Response.Request
			if request == nil || request.Header.Get("X-Amz-Security-Token") != "[REDACTED]" || request.Header.Get("Authorization") != "[REDACTED]" {
				t.Errorf("the error keeps the headers %v", request)
			}
			if sent != nil && sent.Get("X-Amz-Security-Token") != plantedSession {
				t.Errorf("the request that was sent was changed: %v", sent)
			}
			newSearch(t).kept(name, err)
		})
	}
}

// Middleware that adds a secret to an error of the service, which holds none, does not
// reveal it.
func TestErrorsThatMiddlewareChanges(t *testing.T) {
	change := func(err error) {
		var general *smithy.GenericAPIError
		var modeled *types.ValidationException
		switch {
		case errors.As(err, &general):
			general.Message += " for " + plantedSession
		case errors.As(err, &modeled):
			*modeled.Message += " for " + plantedSession
		}
	}
	for step, add := range map[string]func(*middleware.Stack) error{
		"deserialize": func(stack *middleware.Stack) error {
			return stack.Deserialize.Add(middleware.DeserializeMiddlewareFunc("change",
				func(ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler) (middleware.DeserializeOutput, middleware.Metadata, error) {
					out, metadata, err := next.HandleDeserialize(ctx, in)
					change(err)
					return out, metadata, err
				}), middleware.Before)
		},
		"initialize": func(stack *middleware.Stack) error {
			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("change",
				func(ctx context.Context, in middleware.InitializeInput, next middleware.InitializeHandler) (middleware.InitializeOutput, middleware.Metadata, error) {
					out, metadata, err := next.HandleInitialize(ctx, in)
					change(err)
					return out, metadata, err
				}), middleware.Before)
		},
	} {
		for _, code := range []string{"OtherException", "ValidationException"} {
			client := lambdamicrovms.New(lambdamicrovms.Options{
				Region: "us-east-1", Credentials: plantedCredentials, Retryer: aws.NopRetryer{},
				HTTPClient: clienttest.HTTPFunc(func(*http.Request) (*http.Response, error) {
					return clienttest.Response(http.StatusBadRequest, http.Header{"X-Amzn-Errortype": {code}}, `{"message":"m"}`), nil
				}),
			}, lambdamicrovms.WithAPIOptions(add))
			_, err := client.GetMicroVM(context.Background(), &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: aws.String("m")})
			if err == nil || !strings.HasSuffix(err.Error(), "m for [REDACTED]") {
				t.Errorf("%s, %s: error %v", step, code, err)
			}
			newSearch(t).err(step+", "+code, err)
		}
	}
}

// A refused proxy connection repeats the proxy's credentials in its error, although no
// request that we see contains them.
func TestSecretsOfProxies(t *testing.T) {
	const password = "Pr0xy-Passw0rd-4711!"
	basic := base64.StdEncoding.EncodeToString([]byte("user:" + password))
	for _, scheme := range []string{"http", "https"} {
		address := writingServer(t, func(r *http.Request) string {
			got := r.Header.Get("Proxy-Authorization")
			body := "refused " + got + " " + password
			return fmt.Sprintf("HTTP/1.1 407 %s %s\r\nX-Got: %s\r\nContent-Length: %d\r\n\r\n%s", got, password, got, len(body), body)
		})
		proxy, err := url.Parse(strings.Replace(address, "http://", "http://user:"+url.PathEscape(password)+"@", 1))
		if err != nil {
			t.Fatal(err)
		}
		client := lambdamicrovms.New(lambdamicrovms.Options{
			Region: "us-east-1", Credentials: plantedCredentials, Retryer: aws.NopRetryer{}, BaseEndpoint: aws.String(scheme + "://service.example"),
			HTTPClient: &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy)}},
		})
		_, err = client.GetMicroVM(context.Background(), &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: aws.String("m")})
		if err == nil || !strings.Contains(err.Error(), "[REDACTED]") {
			t.Errorf("%s: error %v, want one with something redacted", scheme, err)
		}
		s := (&search{t: t, found: map[string]int{}}).also("password", password).also("credentials", basic)
		s.err(scheme, err)
		s.kept(scheme, err)
	}
}

// Errors keep the server's message, cut short and without characters that could deceive a
// reader.
func TestErrorTextsAreClean(t *testing.T) {
	body := `{"message":"up\u0007date \u202eof image\n\n  is busy ` + strings.Repeat("x", 15<<20) + `"}`
	client := lambdamicrovms.New(lambdamicrovms.Options{
		Region: "us-east-1", Retryer: aws.NopRetryer{}, Credentials: plantedCredentials,
		HTTPClient: clienttest.HTTPFunc(func(*http.Request) (*http.Response, error) {
			return clienttest.Response(http.StatusConflict, http.Header{"X-Amzn-Errortype": {"ConflictException"}}, body), nil
		}),
	})
	_, err := client.GetMicroVM(context.Background(), &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: aws.String("m")})
	var failed smithy.APIError
	if !errors.As(err, &failed) || !strings.HasPrefix(failed.ErrorMessage(), "update of image is busy xxx") {
		t.Fatalf("%.200v", err)
	}
	if n := len(err.Error()); n > 3*clienttest.KiB {
		t.Errorf("the text has %d bytes", n)
	}
}

// A redacted error still reports that nothing was sent, or that a retry is possible.
func TestRedactedErrorsKeepTheirMeaning(t *testing.T) {
	const payload = "Kx7Jq2mWv9Lp4Rt8Zb3Nc6Yd1Hf5Gs0T"
	for name, test := range map[string]struct {
		err       error
		uncertain bool
	}{
		"not sent": {&net.OpError{Op: "dial", Err: errors.New("no route for " + payload)}, false},
		"sent":     {errors.New("connection reset after " + payload), true},
	} {
		attempts := 0
		client := lambdamicrovms.New(lambdamicrovms.Options{
			Region: "us-east-1", Credentials: plantedCredentials,
			HTTPClient: clienttest.HTTPFunc(func(*http.Request) (*http.Response, error) { attempts++; return nil, test.err }),
		}, func(o *lambdamicrovms.Options) { clienttest.RetryWithoutDelay(o) })
		_, err := client.RunMicroVM(context.Background(), &lambdamicrovms.RunMicroVMInput{
			ImageIdentifier: aws.String("arn:aws:lambda:us-east-1:123456789012:microvm-image:shop"), RunHookPayload: aws.String(payload),
		})
		var uncertain *lambdamicrovms.UncertainError
		if errors.As(err, &uncertain) != test.uncertain || attempts < 2 || strings.Contains(fmt.Sprint(err), payload) {
			t.Errorf("%s: after %d attempts %v", name, attempts, err)
		}
	}
}

// Errors of waiters contain states and reasons, which are sent by a server, too.
func TestWaiterTextsAreClean(t *testing.T) {
	client := lambdamicrovms.New(lambdamicrovms.Options{
		Region: "us-east-1", Credentials: plantedCredentials,
		HTTPClient: clienttest.HTTPFunc(func(*http.Request) (*http.Response, error) {
			return clienttest.Response(http.StatusOK, nil, `{"state":"TERMINATED","stateReason":"be\u001bcause `+strings.Repeat("x", 1<<20)+`"}`), nil
		}),
	})
	err := lambdamicrovms.NewMicroVMRunningWaiter(client).Wait(context.Background(), &lambdamicrovms.GetMicroVMInput{MicroVMIdentifier: aws.String("m")}, time.Minute)
	var failed *lambdamicrovms.WaiterFailureError
	if !errors.As(err, &failed) || !strings.HasPrefix(failed.Reason, "because xxx") || len(err.Error()) > 3*clienttest.KiB {
		t.Errorf("%.200v", err)
	}
}

// Errors of middleware that fails before the retry loop are redacted, too.
func TestErrorsOutsideOfTheRetriesAreRedacted(t *testing.T) {
	const payload = "Kx7Jq2mWv9Lp4Rt8Zb3Nc6Yd1Hf5Gs0T"
	var told tellTale
	client := lambdamicrovms.New(lambdamicrovms.Options{Region: "us-east-1", Credentials: plantedCredentials, TracerProvider: &told},
		lambdamicrovms.WithAPIOptions(func(stack *middleware.Stack) error {
			return stack.Initialize.Add(middleware.InitializeMiddlewareFunc("outside",
				func(_ context.Context, in middleware.InitializeInput, _ middleware.InitializeHandler) (
					out middleware.InitializeOutput, metadata middleware.Metadata, err error,
				) {
					return out, metadata, fmt.Errorf("refused: %s", *in.Parameters.(*lambdamicrovms.RunMicroVMInput).RunHookPayload)
				}), middleware.Before)
		}))
	_, err := client.RunMicroVM(context.Background(), &lambdamicrovms.RunMicroVMInput{
		ImageIdentifier: aws.String("arn:aws:lambda:us-east-1:123456789012:microvm-image:shop"), RunHookPayload: aws.String(payload),
	})
	if err == nil || !strings.Contains(err.Error(), "refused: [REDACTED]") {
		t.Errorf("error %v, want one that is redacted", err)
	}
	(&search{t: t, found: map[string]int{}}).also("payload", payload).lines("traces", told.take())
}
