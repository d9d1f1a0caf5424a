package restjson

import (
	"slices"
	"strings"
)

// Unknown handles a member whose exact name is not among the known ones.
//
// If its name differs from a known one in letter case only, and the document may be
// written so, Next returns the member again under the known name. Otherwise the value is
// skipped; in StrictJSON it is an error that names the member.
func (r *Reader) Unknown(known ...string) {
	switch {
	case r.fold(known):
		r.state = sameMember
	case r.Mode == StrictJSON:
		r.nameError(unknownMember(r.key, known))
	default:
		r.Skip()
	}
}

// UnknownSetting is Unknown for a shape that is also part of requests. In Wire mode it
// records the member, because a request built from the response would lose it.
func (r *Reader) UnknownSetting(known ...string) {
	r.noteUnknown()
	r.Unknown(known...)
}

// fold replaces the key by the known name that differs from it only in letter case.
func (r *Reader) fold(known []string) bool {
	if r.Mode == Wire {
		return false
	}
	i := slices.IndexFunc(known, func(name string) bool { return strings.EqualFold(name, r.key) })
	if i < 0 {
		return false
	}
	r.key = known[i]
	return true
}

// maxUnknown limits how many unknown members of a message are recorded.
const maxUnknown = 16

func (r *Reader) noteUnknown() {
	if r.Mode == Wire && r.key != "__type" && len(r.unknown) < maxUnknown {
		r.unknown = append(r.unknown, r.pos)
	}
}

// UnknownSettings returns a function that returns the paths of the first 16 members that
// UnknownSetting and NextSet recorded, in their order. It returns nil if there are none.
// The function searches the document for the paths, so it keeps the document alive.
func (r *Reader) UnknownSettings() func() []string {
	if len(r.unknown) == 0 {
		return nil
	}
	src, unknown := r.src, r.unknown
	return func() []string {
		paths := make([]string, len(unknown))
		for i, offset := range unknown {
			paths[i] = pathTo(src, offset)
		}
		return paths
	}
}

// unknownMember returns the text about an unknown name. It may suggest the member that
// was probably meant: that is a name of the model, not content of the document.
func unknownMember(name string, known []string) string {
	for _, k := range known {
		if isOneOff(strings.ToLower(name), strings.ToLower(k)) {
			return `unknown member, did you mean "` + k + `"?`
		}
	}
	return "unknown member"
}

// isOneOff reports whether one edit turns a into b: a letter inserted, deleted or
// replaced, or two neighbors swapped.
func isOneOff(a, b string) bool {
	if len(a) > len(b) {
		a, b = b, a
	}
	start := 0
	for start < len(a) && a[start] == b[start] {
		start++
	}
	a, b = a[start:], b[start:]
	switch {
	case len(b)-len(a) == 1:
		return a == b[1:]
	case len(a) != len(b) || a == "":
		return false
	case a[1:] == b[1:]:
		return true
	}
	return len(a) > 1 && a[0] == b[1] && a[1] == b[0] && a[2:] == b[2:]
}
