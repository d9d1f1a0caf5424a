package fake

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/types"
)

// The headers of requests to an endpoint.
const (
	headerToken   = "X-aws-proxy-auth"
	headerPort    = "X-aws-proxy-port"
	headerForceH2 = "X-aws-proxy-force-h2"
)

// maxTokenMinutes is the longest lifetime of a token. The model has no limit.
const maxTokenMinutes = 60

// access is the content of a token.
type access struct {
	MicroVM string      `json:"vm"`
	Expires time.Time   `json:"exp"`
	Ports   []portRange `json:"ports,omitempty"`
	Shell   bool        `json:"shell,omitempty"`
}

type portRange struct {
	First int32 `json:"first"`
	Last  int32 `json:"last"`
}

func (p *access) allows(port int32) bool {
	return slices.ContainsFunc(p.Ports, func(r portRange) bool { return r.First <= port && port <= r.Last })
}

func (c *call) createMicroVMAuthToken(in *lambdamicrovms.CreateMicroVMAuthTokenInput) (*lambdamicrovms.CreateMicroVMAuthTokenOutput, error) {
	vm, err := c.holder(in.MicroVMIdentifier, *in.ExpirationInMinutes)
	if err != nil {
		return nil, err
	}
	token := c.token(vm, *in.ExpirationInMinutes, access{Ports: portRanges(in.AllowedPorts)})
	return &lambdamicrovms.CreateMicroVMAuthTokenOutput{AuthToken: token}, nil
}

func (c *call) createMicroVMShellAuthToken(in *lambdamicrovms.CreateMicroVMShellAuthTokenInput) (*lambdamicrovms.CreateMicroVMShellAuthTokenOutput, error) {
	vm, err := c.holder(in.MicroVMIdentifier, *in.ExpirationInMinutes)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(vm.settings.IngressNetworkConnectors, c.scope.connectorARN("SHELL_INGRESS")) {
		return nil, invalid("Shell access requires SHELL_INGRESS network connector to be configured on the MicroVM.")
	}
	token := c.token(vm, *in.ExpirationInMinutes, access{Shell: true})
	return &lambdamicrovms.CreateMicroVMShellAuthTokenOutput{AuthToken: token}, nil
}

// holder returns the MicroVM that a token is for, which may be suspended.
func (c *call) holder(id *string, minutes int32) (*microVM, error) {
	if minutes > maxTokenMinutes {
		return nil, invalid("ExpirationMinutes %d exceeded max allowed of %d.", minutes, maxTokenMinutes)
	}
	vm, err := c.findMicroVM(id)
	if err != nil {
		return nil, err
	}
	if err := c.known(vm); err != nil {
		return nil, err
	}
	if state := vm.state(c.now); ends(state) {
		err = c.settle(c.server.config.answers.TerminatedToken, "TerminatedToken",
			"the response to a token request for a MicroVM that is "+string(state),
			"The MicroVM "+vm.id()+" is in state: "+string(state))
	}
	return vm, err
}

func portRanges(specifications []types.PortSpecification) []portRange {
	ranges := make([]portRange, 0, len(specifications))
	for _, specification := range specifications {
		switch s := specification.(type) {
		case *types.PortSpecificationMemberAllPorts:
			ranges = append(ranges, portRange{1, 65535})
		case *types.PortSpecificationMemberPort:
			ranges = append(ranges, portRange{s.Value, s.Value})
		case *types.PortSpecificationMemberRange:
			ranges = append(ranges, portRange{*s.Value.StartPort, *s.Value.EndPort})
		}
	}
	return ranges
}

// token returns the headers that carry a token.
func (c *call) token(vm *microVM, minutes int32, p access) map[string]string {
	p.MicroVM = vm.id()
	p.Expires = c.now.Add(time.Duration(minutes) * time.Minute)
	return map[string]string{headerToken: c.server.seal(p)}
}

// seal encrypts an access into a token that looks like a JWE, as the service's does. The
// key depends on the seed, so that tokens stay valid after a restart.
func (s *Server) seal(p access) string {
	text, _ := json.Marshal(p)
	nonce := []byte(s.ids.uuid())[:s.sealing().NonceSize()]
	header := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"A256KW","enc":"A256GCM"}`))
	wrapped := sha256.Sum256(nonce) // in place of a wrapped key
	sealed := s.sealing().Seal(nil, nonce, text, []byte(header))
	body, tag := sealed[:len(sealed)-16], sealed[len(sealed)-16:]
	parts := []string{header}
	for _, part := range [][]byte{wrapped[:], nonce, body, tag} {
		parts = append(parts, base64.RawURLEncoding.EncodeToString(part))
	}
	return strings.Join(parts, ".")
}

// unseal decrypts a token. wellFormed reports whether it has the form of a token, of any
// server.
func (s *Server) unseal(token string) (p access, wellFormed, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 5 {
		return access{}, false, false
	}
	var raw [5][]byte
	for i, part := range parts {
		var err error
		if raw[i], err = base64.RawURLEncoding.DecodeString(part); err != nil {
			return access{}, false, false
		}
	}
	nonce := raw[2]
	if len(nonce) != s.sealing().NonceSize() {
		return access{}, true, false
	}
	text, err := s.sealing().Open(nil, nonce, append(raw[3], raw[4]...), []byte(parts[0]))
	if err != nil || json.Unmarshal(text, &p) != nil {
		return access{}, true, false
	}
	return p, true, true
}

// sealing returns the cipher for tokens. The errors are impossible with a key of this
// size.
func (s *Server) sealing() cipher.AEAD {
	key := sha256.Sum256([]byte("fake" + strconv.FormatUint(s.config.seed, 10)))
	block, _ := aes.NewCipher(key[:])
	aead, _ := cipher.NewGCM(block)
	return aead
}
