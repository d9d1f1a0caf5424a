// Package microvmid has the form of the IDs of MicroVMs.
package microvmid

import "strings"

// Valid reports whether s has the form of the IDs of MicroVMs: "microvm-" and a UUID. The
// service returns no other form.
func Valid(s string) bool {
	uuid, ok := strings.CutPrefix(s, "microvm-")
	if !ok || len(uuid) != len("00000000-0000-0000-0000-000000000000") {
		return false
	}
	for i := range len(uuid) {
		switch c := uuid[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case '0' <= c && c <= '9', 'a' <= c && c <= 'f', 'A' <= c && c <= 'F':
		default:
			return false
		}
	}
	return true
}
