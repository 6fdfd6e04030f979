//go:build soak

package call_test

import "time"

// soakTime is how long tokens rotate: go test -tags soak -run Rotation -timeout 20m ./engine/call
const soakTime = 10 * time.Minute
