package fake_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/fake"
)

// populated returns a server with a built image and a MicroVM, always the same.
func populated(tb testing.TB) (srv *fake.Server, microVM *lambdamicrovms.RunMicroVMOutput) {
	tb.Helper()
	ctx := context.Background()
	srv = fake.NewServer(fake.WithCallLog(0))
	client := lambdamicrovms.New(srv.Options())
	if _, err := client.CreateMicroVMImage(ctx, createInput("app")); err != nil {
		tb.Fatal(err)
	}
	srv.Advance(fake.MeasuredDelays().Build)
	microVM, err := client.RunMicroVM(ctx, &lambdamicrovms.RunMicroVMInput{ImageIdentifier: aws.String(imageARN), ClientToken: aws.String("once")})
	if err != nil {
		tb.Fatal(err)
	}
	srv.Advance(fake.MeasuredDelays().Run)
	return srv, microVM
}

// FuzzRequest sends arbitrary requests. No response may be a 500, a 501 must name the
// unknown behavior, and a JSON content type must come with valid JSON.
func FuzzRequest(f *testing.F) {
	_, microVM := populated(f)
	const images, vms, tags = "/2025-09-09/microvm-images", "/2025-09-09/microvms", "/2017-03-31/tags/"
	const credential = "AWS4-HMAC-SHA256 Credential=AKIDFAKEFAKEFAKEFAKE/20260801/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0"
	id := *microVM.MicroVMId
	for _, seed := range [][5]string{
		{"GET", images + "?maxResults=1&nameFilter=app&nextToken=x%3D", "", "", ""},
		{"POST", images, "", credential, `{"name":"other","baseImageArn":"` + baseImage + `","buildRoleArn":"` + buildRole + `","codeArtifact":{"uri":"s3://b/k"},"clientToken":"t"}`},
		{"PUT", images + "/" + imageARN, "", "", `{"baseImageArn":"` + baseImage + `","buildRoleArn":"` + buildRole + `","codeArtifact":{"uri":"s3://b/k"},"baseImageVersion":"1","resources":[{"minimumMemoryInMiB":512}]}`},
		{"GET", images + "/" + imageARN, "", "", ""},
		{"DELETE", images + "/" + imageARN, "", "", ""},
		{"GET", images + "/" + imageARN + "/versions", "", "", ""},
		{"GET", images + "/" + imageARN + "/versions/1.0", "", "", ""},
		{"PATCH", images + "/" + imageARN + "/versions/1", "", "", `{"status":"INACTIVE"}`},
		{"DELETE", images + "/" + imageARN + "/versions/1.0", "", "", ""},
		{"GET", images + "/" + imageARN + "/versions/1.0/builds?chipsetGeneration=4&chipset=GRAVITON&architecture=ARM_64", "", "", ""},
		{"GET", images + "/" + imageARN + "/versions/1.0/builds/00000000-0000-4000-8000-000000000000", "", "", ""},
		{"GET", "/2025-09-09/managed-microvm-images", "", "", ""},
		{"GET", "/2025-09-09/managed-microvm-images/" + baseImage + "/versions", "", "", ""},
		{"POST", vms, "", "", `{"imageIdentifier":"` + imageARN + `","idlePolicy":{"maxIdleDurationSeconds":60,"suspendedDurationSeconds":0,"autoResumeEnabled":true},"maximumDurationInSeconds":1}`},
		{"GET", vms + "?imageIdentifier=" + imageARN, "", "", ""},
		{"GET", vms + "/" + id, "", "", ""},
		{"POST", vms + "/" + id + "/suspend", "", "", ""},
		{"POST", vms + "/" + id + "/resume", "", "", "{}"},
		{"DELETE", vms + "/" + id, "", "", ""},
		{"POST", vms + "/" + id + "/auth-token", "", "", `{"expirationInMinutes":60,"allowedPorts":[{"allPorts":{}},{"port":1},{"range":{"startPort":1,"endPort":2}}]}`},
		{"POST", vms + "/" + id + "/shell-auth-token", "", "", `{"expirationInMinutes":60}`},
		{"GET", tags + imageARN, "", "", ""},
		{"POST", tags + imageARN, "", "", `{"Tags":{"a":"b"}}`},
		{"DELETE", tags + imageARN + "?tagKeys=a&tagKeys=b", "", "", ""},
		{"GET", images + "/arn:aws:lambda:us-east-1:123456789012:microvm-image%2Fapp", "", "", ""},
		{"GET", "/", *microVM.Endpoint, "x", ""},
		{"GET", "/", *microVM.Endpoint, "eyJh.AAAA.MDEyMzQ1Njc4OTAx.AAAA.AAAA", ""},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], seed[4])
	}
	f.Fuzz(func(t *testing.T, method, target, host, authorization, body string) {
		where, err := url.ParseRequestURI(target)
		if err != nil || method == "" || strings.ContainsAny(method, " \r\n") {
			t.Skip("no such request gets to a handler")
		}
		srv, _ := populated(t)
		r := &http.Request{
			Method: method, URL: where, Host: host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
			Header: http.Header{"Authorization": {authorization}, "X-Aws-Proxy-Auth": {authorization}},
			Body:   io.NopCloser(strings.NewReader(body)),
		}
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, r)
		if w.Code == http.StatusInternalServerError {
			t.Errorf("500: %s", w.Body)
		}
		if w.Code == http.StatusNotImplemented && !strings.Contains(w.Body.String(), "fake: nobody has measured") {
			t.Errorf("501: %s", w.Body)
		}
		if w.Header().Get("Content-Type") == "application/json" && !json.Valid(w.Body.Bytes()) {
			t.Errorf("%d: not JSON: %q", w.Code, w.Body)
		}
	})
}
