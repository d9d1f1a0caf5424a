package images_test

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/images"
)

// addSetting is a transport that simulates a new setting of the service: it adds a member
// next to the URI of each artifact.
type addSetting struct{ lambdamicrovms.HTTPClient }

func (c addSetting) Do(r *http.Request) (*http.Response, error) {
	response, err := c.HTTPClient.Do(r)
	if err != nil {
		return response, err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	body = bytes.ReplaceAll(body, []byte(`"codeArtifact":{`), []byte(`"codeArtifact":{"sha256":"abc",`))
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return response, nil
}

// An update would reset a setting that the module does not know, so Update must fail.
func TestUpdateKeepsUnknownSettings(t *testing.T) {
	b := newBench(t)
	b.create(declaration())
	options := b.srv.Options()
	options.HTTPClient = addSetting{options.HTTPClient}
	client := lambdamicrovms.New(options)

	_, err := images.Update(b.ctx, client, appARN, describe("new"), b.updating)
	var refused *images.VersionError
	if !errors.As(err, &refused) || !strings.Contains(refused.Problem, "codeArtifact.sha256") || len(b.versions()) != 1 {
		t.Errorf("got %v and versions %v, want a VersionError that names the setting and no build", err, b.versions())
	}
}
