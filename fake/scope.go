package fake

import (
	"net/http"
	"slices"
	"strings"

	"github.com/microvm-go/lambdamicrovms/internal/partition"
)

// scope is the account and region of a request.
type scope struct{ account, region string }

const algorithm = "AWS4-HMAC-SHA256"

// scopeOf reads account and region from the credential scope of the signature, in the
// header or the query. Unsigned requests belong to the server's own.
func (s *Server) scopeOf(r *http.Request) scope {
	found := scope{account: s.config.account, region: s.config.region}
	credential := credentialOf(r) // access key / date / region / service / aws4_request
	if strings.Count(credential, "/") < 4 {
		return found
	}
	accessKey, _, _ := strings.Cut(credential, "/")
	found.account = s.accountOf(accessKey)
	// Counted from the end: an access key may contain slashes.
	for range 2 {
		credential = credential[:strings.LastIndexByte(credential, '/')]
	}
	if region := credential[strings.LastIndexByte(credential, '/')+1:]; region != "" {
		found.region = region
	}
	return found
}

func credentialOf(r *http.Request) string {
	if fields, ok := strings.CutPrefix(r.Header.Get("Authorization"), algorithm+" "); ok {
		for fields != "" {
			var field string
			field, fields, _ = strings.Cut(fields, ",")
			if credential, ok := strings.CutPrefix(strings.TrimSpace(field), "Credential="); ok {
				return credential
			}
		}
		return ""
	}
	if !strings.Contains(r.URL.RawQuery, "X-Amz-Credential=") {
		return ""
	}
	return r.URL.Query().Get("X-Amz-Credential")
}

// serves reports whether a region has the service.
func (s *Server) serves(region string) bool { return slices.Contains(s.config.regions, region) }

func (sc scope) arn(account, resource string) string {
	return partition.LambdaARN(sc.region, account, resource)
}

func (sc scope) imageARN(name string) string { return sc.arn(sc.account, "microvm-image:"+name) }

func (sc scope) connectorARN(name string) string {
	return sc.arn("aws", "network-connector:aws-network-connector:"+name)
}

// caller returns the ARN of the caller for error messages.
func (sc scope) caller() string {
	return "arn:" + partition.Of(sc.region).Name + ":iam::" + sc.account + ":user/fake"
}

// imageName is the parsed ARN of an image.
type imageName struct{ region, account, name string }

// parseImageARN parses arn:partition:lambda:region:account:microvm-image:name. slash
// reports an ARN with a slash before the name, which the authorization layer refuses.
func parseImageARN(text string) (name imageName, slash, ok bool) {
	parts := strings.Split(text, ":")
	if len(parts) < 6 || parts[0] != "arn" || parts[1] == "" || parts[2] != "lambda" || parts[3] == "" || parts[4] == "" {
		return imageName{}, false, false
	}
	if len(parts) == 6 {
		return imageName{}, strings.HasPrefix(parts[5], "microvm-image/"), false
	}
	if len(parts) != 7 || parts[5] != "microvm-image" || parts[6] == "" {
		return imageName{}, false, false
	}
	return imageName{region: parts[3], account: parts[4], name: parts[6]}, false, true
}
