package lambdamicrovms

import (
	"net/http"
	"strings"
)

// isMicroVMID reports whether s has the form of the service's IDs: "microvm-" and a UUID.
func isMicroVMID(s string) bool {
	uuid, ok := strings.CutPrefix(s, "microvm-")
	if !ok || len(uuid) != len("00000000-0000-0000-0000-000000000000") {
		return false
	}
	for i := range len(uuid) {
		switch c := uuid[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f', 'A' <= c && c <= 'F':
		default:
			return false
		}
	}
	return true
}

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
	return id != nil && !isMicroVMID(*id)
}

// isGatewayPage reports whether a response is the HTML page of a gateway rather than an
// error of the service.
func isGatewayPage(response *http.Response, body string) bool {
	return response.StatusCode == http.StatusBadGateway && response.Header.Get("X-Amzn-Errortype") == "" &&
		strings.HasPrefix(trimBlank(body), "<")
}
