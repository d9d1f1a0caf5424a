package plan

import "testing"

// The expected names are those of botocore's xform_name.
func TestKebab(t *testing.T) {
	for wire, want := range map[string]string{
		"microvmIdentifier":        "microvm-identifier",
		"CreateMicrovmAuthToken":   "create-microvm-auth-token",
		"maximumDurationInSeconds": "maximum-duration-in-seconds",
		"Resource":                 "resource",
		"TagKeys":                  "tag-keys",
		"DBInstances":              "db-instances",
		"imageARNs":                "image-arns",
		"HTTPHeader2X":             "http-header2-x",
	} {
		if got := Kebab(wire); got != want {
			t.Errorf("%s: %s, want %s", wire, got, want)
		}
	}
}
