package vm

import "time"

// ParseDuration reads a length of time as scripts write it: "30s", "1h30m",
// "3 days". A day has 24 hours.
func ParseDuration(text string) (time.Duration, error) {
	s, err := parseSpan(text)
	if err != nil {
		return 0, err
	}
	return s.duration()
}
