// Package tamper removes from responses what the service always sends, for tests of
// programs that must not trust a partial response.
package tamper

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
)

// required are the members that the model requires in every output that has them.
var required = []string{
	"imageVersion", "imageArn", "items", "state", "status", "name", "microvmId", "codeArtifact", "baseImageArn",
	"buildRoleArn", "buildState", "endpoint", "authToken",
}

// Response removes the whole body, or one member wherever it occurs. The body is then
// blank or still well-formed JSON.
func Response(rng *rand.Rand, resp *http.Response) error {
	body, err := io.ReadAll(resp.Body)
	if err := resp.Body.Close(); err != nil {
		return err
	}
	if err != nil {
		return err
	}
	var value any
	if json.Unmarshal(body, &value) != nil || rng.IntN(4) == 0 {
		body = []byte([]string{"{}", "null", "", " "}[rng.IntN(4)])
	} else {
		take(rng, value, required[rng.IntN(len(required))])
		if body, err = json.Marshal(value); err != nil {
			return err
		}
	}
	resp.Body, resp.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	resp.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return nil
}

// take removes a member from an object, or from one or all of its items.
func take(rng *rand.Rand, value any, name string) {
	object, ok := value.(map[string]any)
	if !ok {
		return
	}
	if items, ok := object["items"].([]any); ok && len(items) > 0 && name != "items" {
		only := rng.IntN(len(items) + 1)
		for i, item := range items {
			if i == only || only == len(items) {
				take(rng, item, name)
			}
		}
		return
	}
	was, found := object[name]
	_, isText := was.(string)
	switch n := rng.IntN(3); {
	case !found:
	case n == 0:
		delete(object, name)
	case n == 1 || !isText:
		object[name] = nil
	default:
		object[name] = ""
	}
}
