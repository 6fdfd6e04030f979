//go:build soak

package poll_test

// timelineParts: each list has all cases.
const timelineParts = 1
