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

func TestCommandProse(t *testing.T) {
	running := &Waiter{Wire: "MicrovmRunning", Go: "MicroVMRunning"}
	p := &commandPlanner{commands: &Commands{Plan: &Plan{Operations: []*Operation{{}, {Waiters: []*Waiter{running}}}}}}
	const doc = "It is pending (see NewMicroVMRunningWaiter). A busy image (see IsImageBusy) is an error (or more)."
	const want = "It is pending (see wait microvm-running). A busy image is an error (or more)."
	if got := p.prose(doc); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
