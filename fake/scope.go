package fake

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/microvm-go/lambdamicrovms/internal/partition"
)

// scope is whose resources a request is about.
type scope struct{ account, region string }

const algorithm = "AWS4-HMAC-SHA256"

// scopeOf takes account and region from the credential scope of the signature, in the header or, for a
// presigned URL, in the query. A request without one is taken to be about the server's own.
func (s *Server) scopeOf(r *http.Request) scope {
	found := scope{account: s.config.account, region: s.config.region}
	credential := credentialOf(r) // access key / date / region / service / aws4_request
	if strings.Count(credential, "/") < 4 {
		return found
	}
	accessKey, _, _ := strings.Cut(credential, "/")
	found.account = s.accountOf(accessKey)
	// From the end, because an access key may contain a slash.
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

// serves reports whether the service is in a region.
func (s *Server) serves(region string) bool { return slices.Contains(s.config.regions, region) }

func unescape(step string) (string, error) { return url.PathUnescape(step) }

func unescapeQuery(text string) (string, error) { return url.QueryUnescape(text) }

func (sc scope) arn(account, resource string) string {
	return partition.LambdaARN(sc.region, account, resource)
}

func (sc scope) imageARN(name string) string { return sc.arn(sc.account, "microvm-image:"+name) }

func (sc scope) connectorARN(name string) string {
	return sc.arn("aws", "network-connector:aws-network-connector:"+name)
}

// caller is who makes the calls, as error messages name it.
func (sc scope) caller() string {
	return "arn:" + partition.Of(sc.region).Name + ":iam::" + sc.account + ":user/fake"
}

// imageName is the parsed ARN of an image.
type imageName struct{ region, account, name string }

// parseImageARN reads arn:partition:lambda:region:account:microvm-image:name. It reports an ARN with a
// slash before the name apart: authorisation stumbles over it before the service sees it.
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
