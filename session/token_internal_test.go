package session

import (
	"fmt"
	"net/http"
	"testing"
)

func TestTokenPrintsNothing(t *testing.T) {
	held := token{header: http.Header{headerToken: {"secret"}}}
	for _, value := range []any{held, &held, []token{held}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x"} {
			if got := fmt.Sprintf(verb, value); got != "session.token{[REDACTED]}" && got != "[session.token{[REDACTED]}]" && got != "[]session.token{session.token{[REDACTED]}}" {
				t.Errorf("%s of a %T prints %s", verb, value, got)
			}
		}
	}
}
