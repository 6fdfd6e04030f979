// Package clocktest bounds how long tests wait by the machine's clock.
package clocktest

import (
	"fmt"
	"os"
	"time"
)

// MaxWait is how long a test waits for what should happen before it fails: 10 s,
// or the value of TEST_MAX_WAIT, such as "2m", for a slow machine.
var MaxWait = maxWait(os.Getenv("TEST_MAX_WAIT"))

func maxWait(setting string) time.Duration {
	if setting == "" {
		return 10 * time.Second
	}
	d, err := time.ParseDuration(setting)
	if err != nil || d <= 0 {
		panic(fmt.Sprintf("TEST_MAX_WAIT is %q, expected a length of time such as 30s or 2m", setting))
	}
	return d
}
