package lambdamicrovms

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// Format prints the options without the credentials. Other members print as they will.
func (o Options) Format(s fmt.State, verb rune) {
	type shown Options // without this method
	if o.Credentials != nil {
		o.Credentials = redactedCredentials{}
	}
	_, _ = fmt.Fprintf(s, fmt.FormatString(s, verb), shown(o))
}

// LogValue is for slog what Format is for fmt.
func (o Options) LogValue() slog.Value { return slog.StringValue(fmt.Sprintf("%+v", o)) }

// Format prints the client's options without the credentials.
func (c *Client) Format(s fmt.State, verb rune) {
	if c == nil {
		_, _ = s.Write([]byte("<nil>"))
		return
	}
	c.complete().Format(s, verb) // a first call may be completing them right now
}

// redactedCredentials stand for credentials in what is printed.
type redactedCredentials struct{}

func (redactedCredentials) Format(s fmt.State, _ rune) { _, _ = s.Write([]byte(redactedText)) }

func (redactedCredentials) Retrieve(context.Context) (aws.Credentials, error) {
	return aws.Credentials{}, errors.New("the credentials are redacted")
}

// minSessionToken keeps a token that is none from tearing a text apart. Real ones have
// some hundred characters.
const minSessionToken = 16

// withoutSessionToken takes the session token that a request carried out of the text of
// an error. AWS services repeat the canonical request, and with it the token, when a
// signature is wrong; proxies repeat whole requests.
func withoutSessionToken(request any, text string) string {
	req, ok := request.(*smithyhttp.Request)
	if !ok || req.Request == nil {
		return text
	}
	token := req.Header.Get(sessionTokenHeader)
	if len(token) < minSessionToken {
		return text
	}
	text = strings.ReplaceAll(text, token, redactedText)
	return strings.ReplaceAll(text, strings.ReplaceAll(token, "/", `\/`), redactedText)
}

const sessionTokenHeader = "X-Amz-Security-Token"
