package session

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/microvm-go/lambdamicrovms/internal/redact"
	"github.com/microvm-go/lambdamicrovms/internal/workflow"
	"github.com/microvm-go/lambdamicrovms/types"
)

// PortError reports an invalid port, or a port that a request may not choose. The request
// was not sent.
type PortError struct {
	// Port is the text that the request or the caller gave as the port.
	Port string
	// Reason is the problem, such as "is not a port".
	Reason string
}

func (e *PortError) Error() string {
	return fmt.Sprintf("session: %q %s", redact.Clean(e.Port, maxName), e.Reason)
}

func notAPort(text string) error { return &PortError{Port: text, Reason: "is not a port"} }

const maxPort = 65535

func isPort(n int) bool { return 0 < n && n <= maxPort }

func parsePort(text string) (int, error) {
	port, err := strconv.Atoi(text)
	if err != nil || !isPort(port) {
		return 0, notAPort(text)
	}
	return port, nil
}

// checkPorts rejects invalid ports and ranges, and unknown union members.
func checkPorts(check *workflow.OptionCheck, field string, ports []types.PortSpecification) {
	for i, spec := range ports {
		first, last, known := portRange(spec)
		path := fmt.Sprintf("%s[%d]", field, i)
		switch {
		case !known:
			check.Refuse(path, "a port, a range or all ports", fmt.Sprintf("a %T", spec))
		case !isPort(first), !isPort(last), first > last:
			check.Refuse(path, "a port or range within 1 to 65535", fmt.Sprintf("%d to %d", first, last))
		}
	}
}

// contains reports whether ports, which checkPorts has accepted, include the port.
func contains(ports []types.PortSpecification, port int) bool {
	return slices.ContainsFunc(ports, func(spec types.PortSpecification) bool {
		first, last, _ := portRange(spec)
		return first <= port && port <= last
	})
}

func portRange(spec types.PortSpecification) (first, last int, known bool) {
	switch spec := spec.(type) {
	case *types.PortSpecificationMemberPort:
		if spec != nil {
			return int(spec.Value), int(spec.Value), true
		}
	case *types.PortSpecificationMemberRange:
		if spec != nil {
			return int(aws.ToInt32(spec.Value.StartPort)), int(aws.ToInt32(spec.Value.EndPort)), true
		}
	case *types.PortSpecificationMemberAllPorts:
		if spec != nil {
			return 1, maxPort, true
		}
	}
	return 0, 0, false
}
