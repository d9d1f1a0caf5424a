package cli

import "runtime"

// versionText is what --version prints.
func versionText() string {
	return Program + "/" + Version + " Go/" + runtime.Version()[2:] + " " + runtime.GOOS + "/" + runtime.GOARCH
}
