package sqlite

import (
	"time"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/ledger"
)

var stepStates = []journal.StepState{journal.Begun, journal.Done, journal.Erred}

// code returns the index of a value in a list, -1 if it is not in it.
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

func orNull(n int64) any {
	if n == 0 {
		return nil
	}
	return n
}

func flag(set bool) int64 {
	if set {
		return 1
	}
	return 0
}
