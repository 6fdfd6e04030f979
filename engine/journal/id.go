package journal

import "strings"

// A run's id is "run_", its Seq in eleven digits of base 32, and a salt of three
// digits that each store chooses at random. A store makes Seq from the time in
// microseconds, and increases it where needed so that it always grows. So ids
// sort by acceptance and contain no letters that look alike. A store that was
// deleted and created again does not repeat the ids of the old one: idempotency
// keys, which are made from them, stay unique.
const (
	runPrefix  = "run_"
	seqDigits  = 11
	saltDigits = 3
	// MaxSalt is the largest salt of a run id.
	MaxSalt = 1<<(5*saltDigits) - 1

	idDigits = "0123456789abcdefghjkmnpqrstvwxyz"
)

// RunID returns the id of a run.
func RunID(seq int64, salt uint16) string {
	var id [len(runPrefix) + seqDigits + saltDigits]byte
	copy(id[:], runPrefix)
	writeDigits(id[len(runPrefix):len(runPrefix)+seqDigits], uint64(seq))
	writeDigits(id[len(runPrefix)+seqDigits:], uint64(salt))
	return string(id[:])
}

func writeDigits(to []byte, n uint64) {
	for i := len(to) - 1; i >= 0; i-- {
		to[i] = idDigits[n&31]
		n >>= 5
	}
}

// ParseRunID returns the parts of a run's id; ok is false for any other text.
func ParseRunID(id string) (seq int64, salt uint16, ok bool) {
	digits, found := strings.CutPrefix(id, runPrefix)
	if !found || len(digits) != seqDigits+saltDigits {
		return 0, 0, false
	}
	for i := range len(digits) {
		digit := strings.IndexByte(idDigits, digits[i])
		if digit < 0 {
			return 0, 0, false
		}
		if i < seqDigits {
			seq = seq<<5 | int64(digit)
		} else {
			salt = salt<<5 | uint16(digit)
		}
	}
	return seq, salt, true
}
