package iam

import (
	"fmt"
	"slices"
	"strings"
)

// A Use is something that needs permissions: a workflow, such as "images.Deploy", or an
// operation, such as "GetMicroVM". Operations may also be written as the service writes
// them, "GetMicrovm".
type Use string

// The workflows of packages images and session.
const (
	Find     Use = "images.Find"
	Update   Use = "images.Update"
	Deploy   Use = "images.Deploy"
	Prune    Use = "images.Prune"
	Rollback Use = "images.Rollback"
	SyncTags Use = "images.SyncTags"
	Run      Use = "session.Run"
	Attach   Use = "session.Attach"
	Sweep    Use = "session.Sweep"
)

// Workflows returns all workflows.
func Workflows() []Use {
	return []Use{Find, Update, Deploy, Prune, Rollback, SyncTags, Run, Attach, Sweep}
}

// Operations returns all operations, as the service writes them.
func Operations() []Use {
	return append(imageOperations(), otherOperations()...)
}

// imageOperations returns the operations on one image: the request has its ARN or, to
// create it, its name.
func imageOperations() []Use {
	return []Use{
		"CreateMicrovmImage", "DeleteMicrovmImage", "DeleteMicrovmImageVersion", "GetMicrovmImage", "GetMicrovmImageBuild",
		"GetMicrovmImageVersion", "ListMicrovmImageBuilds", "ListMicrovmImageVersions", "ListTags", "RunMicrovm", "TagResource",
		"UntagResource", "UpdateMicrovmImage", "UpdateMicrovmImageVersion",
	}
}

// otherOperations returns the operations on MicroVMs, which have an ID and no ARN, on
// images of AWS, and on all images.
func otherOperations() []Use {
	return []Use{
		"CreateMicrovmAuthToken", "CreateMicrovmShellAuthToken", "GetMicrovm", "ListManagedMicrovmImageVersions",
		"ListManagedMicrovmImages", "ListMicrovmImages", "ListMicrovms", "ResumeMicrovm", "SuspendMicrovm", "TerminateMicrovm",
	}
}

// operations returns the operations that a workflow can call.
func operations(workflow Use) []Use {
	switch workflow {
	case Find:
		return []Use{"ListMicrovmImages"}
	case Update:
		return []Use{"GetMicrovmImage", "GetMicrovmImageVersion", "ListMicrovmImageBuilds", "ListMicrovmImageVersions", "UpdateMicrovmImage"}
	case Deploy:
		return slices.Concat(operations(Find), operations(Update), operations(SyncTags), []Use{"CreateMicrovmImage"})
	case Prune:
		return []Use{
			"DeleteMicrovmImageVersion", "GetMicrovmImage", "GetMicrovmImageVersion", "ListMicrovmImageVersions", "ListMicrovms",
			"UpdateMicrovmImageVersion",
		}
	case Rollback:
		return []Use{"GetMicrovmImage", "ListMicrovmImageVersions", "UpdateMicrovmImageVersion"}
	case SyncTags:
		return []Use{"ListTags", "TagResource", "UntagResource"}
	case Run:
		return append(operations(Attach), "RunMicrovm")
	case Attach:
		return []Use{
			"CreateMicrovmAuthToken", "CreateMicrovmShellAuthToken", "GetMicrovm", "ResumeMicrovm", "SuspendMicrovm", "TerminateMicrovm",
		}
	case Sweep:
		return []Use{"ListMicrovms", "TerminateMicrovm"}
	}
	return nil
}

// UnknownUseError reports a use that is neither a workflow nor an operation.
type UnknownUseError struct{ Use Use }

func (e *UnknownUseError) Error() string {
	return fmt.Sprintf("iam: %q is neither a workflow, such as %q, nor an operation, such as %q", string(e.Use), Deploy, "GetMicroVM")
}

// expand returns the operations of all uses, sorted, each once.
func expand(uses []Use) ([]Use, error) {
	var all []Use
	for _, use := range uses {
		wire := Use(strings.ReplaceAll(string(use), "MicroVM", "Microvm"))
		switch list := operations(use); {
		case list != nil:
			all = append(all, list...)
		case slices.Contains(Operations(), wire):
			all = append(all, wire)
		default:
			return nil, &UnknownUseError{Use: use}
		}
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}

// Actions returns the IAM actions of the operations that the uses can call, sorted, each
// once. NewPolicy adds other permissions that they need. The error is an
// *UnknownUseError.
func Actions(uses ...Use) ([]string, error) {
	all, err := expand(uses)
	if err != nil {
		return nil, err
	}
	return actions(all), nil
}

// actions returns the actions of operations.
func actions(operations []Use) []string {
	list := make([]string, len(operations))
	for i, operation := range operations {
		list[i] = "lambda:" + string(operation)
	}
	return list
}
