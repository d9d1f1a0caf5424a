package lambdamicrovms

import (
	"net/http"
	"strings"

	"github.com/microvm-go/lambdamicrovms/internal/microvmid"
)

// impossibleIDError is a rejected request for a MicroVM whose ID is malformed. The
// gateway in front of the service responds with the page of a 502, which otherwise means
// that the outcome is unknown. No MicroVM has such an ID, so nothing changed.
type impossibleIDError struct {
	Err error
}

func (e *impossibleIDError) Error() string {
	return "the ID of a MicroVM must be microvm-<UUID>: " + e.Err.Error()
}

func (e *impossibleIDError) Unwrap() error { return e.Err }

// RetryableError returns false: the ID stays malformed.
func (*impossibleIDError) RetryableError() bool { return false }

func hasImpossibleID(input any) bool {
	id := microVMOf(input)
	return id != nil && !microvmid.Valid(*id)
}

// isGatewayPage reports whether a response is the HTML page of a gateway rather than an
// error of the service.
func isGatewayPage(response *http.Response, body string) bool {
	return response.StatusCode == http.StatusBadGateway && response.Header.Get("X-Amzn-Errortype") == "" &&
		strings.HasPrefix(trimBlank(body), "<")
}
