package bindings

import (
	"encoding/json"
	"fmt"
	"time"
)

// Duration is a length of time, in a catalogue a text such as "5s" or "2m".
type Duration time.Duration

// MarshalJSON writes the text.
func (d Duration) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(d).String()) }

// UnmarshalJSON reads the text. The length is not negative.
func (d *Duration) UnmarshalJSON(raw []byte) error {
	var text string
	problem := json.Unmarshal(raw, &text)
	read, err := time.ParseDuration(text)
	if problem != nil || err != nil || read < 0 {
		return fmt.Errorf("found %s, expected a length of time such as \"5s\" or \"2m\"", raw)
	}
	*d = Duration(read)
	return nil
}
