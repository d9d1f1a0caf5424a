package images

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/internal/restjson"
)

// Changes are the differences between two configurations, sorted by path.
type Changes []Change

// Kind is the effect of an update on a member.
type Kind string

// The kinds of change.
const (
	Added   Kind = "added"   // it was not set
	Changed Kind = "changed" // it was set to another value
	Wiped   Kind = "wiped"   // the update omits it, which resets it to the service's default
)

// Change is one member that an update would change. Old and New contain the values of
// environment variables; all printed forms of a Change, including JSON, hide them.
type Change struct {
	// Path is the path of the member: "Resources[0].MinimumMemoryInMiB",
	// `EnvironmentVariables["KEY"]`.
	Path string
	Kind Kind
	// Old and New are the values in JSON, or empty if the member is not set.
	Old, New string
	// Secret is true if printed forms hide the values.
	Secret bool
}

// Diff returns what an update would change in a version, including what it would wipe by
// omitting it.
//
// The version must be complete, as the service returns it: Diff cannot report that an
// update wipes a member that live lacks. A nil argument is treated as empty.
//
// A member that is set to the service's default equals one that is omitted. The defaults
// are:
//
//   - 2048 MiB of memory;
//   - the INTERNET_EGRESS connector;
//   - a hook that is DISABLED, or has the default timeout;
//   - any base image version, since omitting it means the latest.
func Diff(live *lambdamicrovms.GetMicroVMImageVersionOutput, wanted *lambdamicrovms.UpdateMicroVMImageInput) Changes {
	if live == nil {
		live = &lambdamicrovms.GetMicroVMImageVersionOutput{}
	}
	if wanted == nil {
		wanted = &lambdamicrovms.UpdateMicroVMImageInput{}
	}
	return compare(configuration(live), wanted)
}

func compare(live, wanted *lambdamicrovms.UpdateMicroVMImageInput) Changes {
	before, after := flatten(live), flatten(wanted)
	paths := make(map[string]struct{}, len(before))
	for path := range before {
		paths[path] = struct{}{}
	}
	for path := range after {
		paths[path] = struct{}{}
	}
	var changes Changes
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		was, isOld := before[path]
		will, isNew := after[path]
		c := Change{Path: path, Old: was, New: will, Kind: Changed, Secret: strings.HasPrefix(path, "EnvironmentVariables[")}
		switch {
		case was == will, !isNew && isDefault(path, was), !isOld && isDefault(path, will):
			continue
		case !isNew:
			c.Kind = Wiped
		case !isOld:
			c.Kind = Added
		}
		changes = append(changes, c)
	}
	return changes
}

// flatten returns the JSON of each member that has no members of its own, by path.
func flatten(in *lambdamicrovms.UpdateMicroVMImageInput) map[string]string {
	flat := make(map[string]string)
	var w restjson.Writer
	configuration(in).EncodeJSON(&w)
	flattenValue(flat, "", string(w.Bytes()))
	if major, found := strings.CutSuffix(flat["BaseImageVersion"], `.0"`); found {
		flat["BaseImageVersion"] = major + `"`
	}
	return flat
}

func flattenValue(flat map[string]string, path, value string) {
	isLeaf := true
	r := restjson.NewReader(value)
	r.Mode = restjson.JSON // Wire skips null members
	switch {
	case strings.HasPrefix(value, "{"):
		for r.Object(); r.Next(); isLeaf = false {
			flattenValue(flat, join(path, r.Key()), r.RawValue())
		}
	case strings.HasPrefix(value, "["):
		for i, item := range restjson.ReadList(r, (*restjson.Reader).RawValue) {
			flattenValue(flat, path+"["+strconv.Itoa(i)+"]", item)
			isLeaf = false
		}
	}
	if isLeaf && path != "" {
		flat[path] = value
	}
}

// join appends a step to a path, in the notation of validation errors.
func join(path, key string) string {
	if path == "EnvironmentVariables" || path == "Tags" {
		return path + "[" + strconv.Quote(key) + "]"
	}
	name := strings.ReplaceAll(key, "icrovm", "icroVM")
	if name != "" {
		name = strings.ToUpper(name[:1]) + name[1:]
	}
	if path == "" {
		return name
	}
	return path + "." + name
}

// isDefault reports whether a member with this value equals an omitted one.
func isDefault(path, value string) bool {
	switch path {
	case "BaseImageVersion": // omitted, it means the latest at the time
		return true
	case "Description":
		return value == `""`
	case "EnvironmentVariables", "AdditionalOsCapabilities", "CpuConfigurations":
		return value == "{}" || value == "[]"
	case "Resources[0].MinimumMemoryInMiB":
		return value == "2048"
	case "EgressNetworkConnectors[0]":
		return strings.HasSuffix(value, ":aws:"+managedConnector+`INTERNET_EGRESS"`)
	}
	member, isHook := strings.CutPrefix(path, "Hooks")
	if !isHook {
		return false
	}
	switch member[strings.LastIndexByte(member, '.')+1:] {
	case "", "MicroVMHooks", "MicroVMImageHooks":
		return value == "{}"
	case "Ready", "Validate", "Run", "Resume", "Suspend", "Terminate":
		return value == `"DISABLED"`
	case "ReadyTimeoutInSeconds", "ValidateTimeoutInSeconds":
		return value == "30"
	case "RunTimeoutInSeconds", "ResumeTimeoutInSeconds", "SuspendTimeoutInSeconds", "TerminateTimeoutInSeconds":
		return value == "1"
	}
	return false
}

// String lists the changes, one per line: "+" is added, "~" changed and "-" wiped.
func (c Changes) String() string {
	if len(c) == 0 {
		return "no changes"
	}
	lines := make([]string, len(c))
	for i := range c {
		lines[i] = c[i].String()
	}
	return strings.Join(lines, "\n")
}

// Wiped returns the changes of kind Wiped.
func (c Changes) Wiped() Changes {
	var wiped Changes
	for _, change := range c {
		if change.Kind == Wiped {
			wiped = append(wiped, change)
		}
	}
	return wiped
}

const redacted = "[REDACTED]"

func (c Change) hide() Change {
	if c.Secret {
		for _, value := range []*string{&c.Old, &c.New} {
			if *value != "" {
				*value = redacted
			}
		}
	}
	return c
}

// String describes the change without secrets.
func (c Change) String() string {
	c = c.hide()
	switch c.Kind {
	case Added:
		return "+ " + c.Path + ": " + c.New
	case Wiped:
		return "- " + c.Path + ": " + c.Old
	}
	return "~ " + c.Path + ": " + c.Old + " -> " + c.New
}

// Format prints String for every verb.
func (c Change) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, c.String()) }

// LogValue returns the text of String.
func (c Change) LogValue() slog.Value { return slog.StringValue(c.String()) }

// MarshalJSON encodes the change without secrets.
func (c Change) MarshalJSON() ([]byte, error) {
	c = c.hide()
	return json.Marshal(struct {
		Path string `json:"path"`
		Kind Kind   `json:"kind"`
		Old  string `json:"old,omitempty"`
		New  string `json:"new,omitempty"`
	}{c.Path, c.Kind, c.Old, c.New})
}
