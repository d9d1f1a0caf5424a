package fake

import (
	"crypto/sha256"
	"encoding/hex"

	"github.com/microvm-go/lambdamicrovms/internal/restjson"
)

// grant is the result of a request with a client token. The service never forgets it,
// even after the resource is deleted.
type grant struct {
	Parameters string `json:"parameters"` // hash of the input
	ImageID    string `json:"imageId,omitempty"`
	Version    int    `json:"version,omitempty"`
	MicroVMID  string `json:"microvmId,omitempty"`
}

// replay returns the earlier result of a token, or nil. The input must be without the
// token.
func (c *call) replay(token *string, in restjson.Encoder) (*grant, error) {
	if token == nil {
		return nil, nil
	}
	previous := c.world.tokens[c.tokenKey(*token)]
	if previous != nil && previous.Parameters != fingerprint(in) {
		const message = "The provided clientToken was used with different request parameters."
		err := c.settle(c.server.config.answers.ReusedToken, "ReusedToken", "the type of the error with the message: "+message, message)
		if err != nil {
			return nil, err
		}
	}
	return previous, nil
}

// grant records the result of a token.
func (c *call) grant(token *string, in restjson.Encoder, g grant) {
	if token != nil {
		g.Parameters = fingerprint(in)
		c.world.tokens[c.tokenKey(*token)] = &g
	}
}

func (c *call) tokenKey(token string) string { return string(c.operation) + " " + token }

func fingerprint(in restjson.Encoder) string {
	w, _ := bodies.Get().(*restjson.Writer)
	defer bodies.Put(w)
	w.Reset()
	in.EncodeJSON(w)
	sum := sha256.Sum256(w.Bytes())
	return hex.EncodeToString(sum[:])
}
