package main

import (
	"runtime"
	"runtime/debug"
)

// version returns the name of the build: its tag, or the commit that it was made
// from.
func version() string {
	name := "(unknown)"
	if info, found := debug.ReadBuildInfo(); found && info.Main.Version != "" {
		name = info.Main.Version
	}
	return name + " " + runtime.GOOS + "/" + runtime.GOARCH
}
