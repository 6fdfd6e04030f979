//go:build soak

package engine_test

// soak makes the hard tests long: go test -tags soak -timeout 60m ./engine
const soak = true
