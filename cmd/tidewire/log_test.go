package main

import (
	"testing"
	"time"
)

func TestShortDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		3200 * time.Microsecond: "3.2ms", 1500 * time.Millisecond: "1.5s", time.Minute: "1m", 90 * time.Second: "1m30s",
		10 * time.Minute: "10m", time.Hour: "1h", 80 * time.Minute: "1h20m", 2*time.Hour + 4*time.Second: "2h0m4s", 30 * time.Hour: "30h",
	} {
		if got := shortDuration(d); got != want {
			t.Errorf("%s is printed as %s, expected %s", d, got, want)
		}
	}
}
