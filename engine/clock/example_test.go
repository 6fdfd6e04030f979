package clock_test

import (
	"fmt"
	"time"

	"github.com/tidewire/tidewire/engine/clock"
)

// A test lets a day pass at once.
func ExampleManual() {
	c := clock.NewManual(time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC))
	due, release := c.Timer(24 * time.Hour)
	defer release()
	c.Advance(24 * time.Hour)
	fmt.Println(<-due)
	// Output: 2026-03-02 09:00:00 +0000 UTC
}
