package sqlite

import (
	"time"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/ledger"
)

var stepStates = []journal.StepState{journal.Begun, journal.Done, journal.Erred}

// code gives the place of a word in a list, -1 for an unknown one.
func code[T comparable](all []T, one T) int64 {
	for i, s := range all {
		if s == one {
			return int64(i)
		}
	}
	return -1
}

func micro(t time.Time) any { return orNull(ledger.Micro(t)) }

func blob(data []byte) any {
	if len(data) == 0 {
		return nil
	}
	return data
}

// orNull gives NULL for zero.
func orNull(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

// flag gives a boolean as rows have it.
func flag(set bool) int64 {
	if set {
		return 1
	}
	return 0
}
