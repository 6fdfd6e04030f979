package journal

import "strings"

// A run's id is "run_", its Seq in eleven digits of base 32, and three digits
// that each store draws for itself. A store makes Seq from the time in
// microseconds, raised where needed so that it always grows. So ids sort by
// acceptance, hold no letter that reads like another, and those of a store
// that was deleted and begun anew do not come again: idempotency keys, which
// are made from them, stay unique.
const (
	runPrefix  = "run_"
	seqDigits  = 11
	saltDigits = 3
	// MaxSalt is the largest salt of a run id.
	MaxSalt = 1<<(5*saltDigits) - 1

	idDigits = "0123456789abcdefghjkmnpqrstvwxyz"
)

// RunID writes the id of a run.
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

// ParseRunID reads the id of a run.
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
