//go:build !soak

package poll_test

// timelineParts is how many lists share the cases of the timelines.
const timelineParts = 9
