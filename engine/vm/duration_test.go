package vm_test

import (
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/vm"
)

func TestParseDuration(t *testing.T) {
	tests := map[string]time.Duration{
		"30s": 30 * time.Second, "15m": 15 * time.Minute, "1h30m": 90 * time.Minute, "3 days": 72 * time.Hour,
		"1 hour 15 minutes": 75 * time.Minute, "250ms": 250 * time.Millisecond, "1.5h": 90 * time.Minute, "2w": 14 * 24 * time.Hour,
	}
	for text, want := range tests {
		if got, err := vm.ParseDuration(text); err != nil || got != want {
			t.Errorf("%q: got %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "12", "m", "-5m", "1 fortnight", "1e9h", "5m x", "9999999999999d", "1..5s", "2 months"} {
		if got, err := vm.ParseDuration(text); err == nil {
			t.Errorf("%q: got %s, want an error", text, got)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, text := range []string{"30s", "1h30m", "3 days", "1 hour 15 minutes", "1.5h"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		length, err := vm.ParseDuration(text)
		if err != nil {
			return
		}
		if length < 0 {
			t.Fatalf("%q is %s", text, length)
		}
		if again, err := vm.ParseDuration(length.String()); length >= time.Millisecond && length%time.Millisecond == 0 && (err != nil || again != length) {
			t.Fatalf("%q is %s, which is read as %s, %v", text, length, again, err)
		}
	})
}
