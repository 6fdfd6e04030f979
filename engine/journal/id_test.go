package journal_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/tidewire/tidewire/engine/journal"
)

func TestRunID(t *testing.T) {
	if id := journal.RunID(1_795_471_051_591_924, 21_348); id != "run_1k0z2q3r47mmv4" {
		t.Errorf("found %q", id)
	}
	for _, id := range []string{"", "run_", "run_1k0z2q3r47mm", "RUN_1k0z2q3r47mmv4", "run_1k0z2q3r47mmvl", "run_1k0z2q3r47mmv4x", "run_1K0Z2Q3R47MMV4"} {
		if _, _, ok := journal.ParseRunID(id); ok {
			t.Errorf("%q was read as an id", id)
		}
	}
}

func TestRunIDsSortByAcceptanceAndReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seqs := rapid.Int64Range(0, 1<<55-1)
		salts := rapid.Uint16Range(0, journal.MaxSalt)
		seq, later := seqs.Draw(t, "seq"), seqs.Draw(t, "later")
		salt := salts.Draw(t, "salt")
		id := journal.RunID(seq, salt)
		gotSeq, gotSalt, ok := journal.ParseRunID(id)
		if !ok || gotSeq != seq || gotSalt != salt {
			t.Fatalf("%q reads as %d, %d, %v", id, gotSeq, gotSalt, ok)
		}
		if other := journal.RunID(later, salt); (id < other) != (seq < later) {
			t.Fatalf("%q and %q do not sort as %d and %d", id, other, seq, later)
		}
	})
}
