package sqlite

import (
	"cmp"
	"database/sql/driver"
	"slices"

	"github.com/tidewire/tidewire/engine/journal/ledger"
)

// The ids of events are stored in parts of partIDs ids. A part has a bloom filter
// of filterBytes bytes, with filterProbes bits for each id: of a thousand ids that
// are not in the part, the filter reports one as possibly in it.
const (
	partIDs      = 4096
	filterBytes  = 8 << 10
	filterProbes = 6
)

// bloomFilter is the bloom filter of a part, with the newest event of the part.
type bloomFilter struct {
	part, newest int64
	bits         []byte
}

// bloomHash is the hash of an id: its first bit, and the distance of its bits.
type bloomHash struct{ first, step uint32 }

func hashOf(id string) bloomHash {
	// FNV-1a, with a final mix. The filters in the file depend on it: it must not
	// change.
	h := uint64(14695981039346656037)
	for i := range len(id) {
		h = (h ^ uint64(id[i])) * 1099511628211
	}
	h = (h ^ h>>32) * 0x9e3779b97f4a7c15
	h ^= h >> 29
	return bloomHash{uint32(h), uint32(h>>32) | 1}
}

func (f *bloomFilter) add(id string, event int64) {
	for i, hash := 0, hashOf(id); i < filterProbes; i++ {
		f.bits[hash.first>>3%filterBytes] |= 1 << (hash.first & 7)
		hash.first += hash.step
	}
	f.newest = max(f.newest, event)
}

func (f *bloomFilter) mayHave(hash bloomHash) bool {
	for range filterProbes {
		if f.bits[hash.first>>3%filterBytes]&(1<<(hash.first&7)) == 0 {
			return false
		}
		hash.first += hash.step
	}
	return true
}

// seenIDs is the bloom filters of the stored ids.
type seenIDs struct {
	full   []bloomFilter // of the parts that are full, the oldest first
	open   bloomFilter   // of the newest part, which is not full
	inOpen int           // ids in the newest part
}

func newFilter(part int64) bloomFilter {
	return bloomFilter{part: part, bits: make([]byte, filterBytes)}
}

const putFilter = `INSERT INTO sieve (part, newest, bits) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`

// load reads the bloom filters, and builds those that are not in the file.
func (s *seenIDs) load(c *conn) error {
	var filters, newestPart, nextPart, ids, put *stmt
	err := c.prepare(map[**stmt]string{
		&filters:    `SELECT part, newest, bits FROM sieve`,
		&newestPart: `SELECT max(part) FROM seen`,
		&nextPart:   `SELECT part FROM seen WHERE part > ? ORDER BY part LIMIT 1`,
		&ids:        `SELECT id, event FROM seen WHERE part = ?`,
		&put:        putFilter,
	})
	if err != nil {
		return err
	}
	err = filters.each(func(row []driver.Value) error {
		s.full = append(s.full, bloomFilter{row[0].(int64), row[1].(int64), slices.Clone(row[2].([]byte))})
		return nil
	})
	if err != nil {
		return err
	}
	hasFilter := map[int64]bool{}
	s.open = newFilter(0)
	for _, f := range s.full {
		hasFilter[f.part] = true
		s.open = newFilter(f.part + 1)
	}
	newest, err := newestPart.one()
	if err != nil {
		return err
	}
	for last := int64(-maxSeq); ; {
		next, err := nextPart.one(last)
		part, more := next.(int64)
		if err != nil || !more {
			slices.SortFunc(s.full, func(a, b bloomFilter) int { return cmp.Compare(a.part, b.part) })
			return err
		}
		if last = part; hasFilter[part] {
			continue
		}
		f, n, err := buildFilter(ids, part)
		if err != nil {
			return err
		}
		if part == newest && part >= s.open.part && n < partIDs {
			s.open, s.inOpen = f, n
			continue
		}
		if _, err := put.run(f.part, f.newest, f.bits); err != nil {
			return err
		}
		if s.full = append(s.full, f); part >= s.open.part {
			s.open = newFilter(part + 1)
		}
	}
}

// buildFilter returns the bloom filter of a part, and the number of its ids.
func buildFilter(ids *stmt, part int64) (f bloomFilter, n int, err error) {
	f = newFilter(part)
	err = ids.each(func(row []driver.Value) error {
		f.add(row[0].(string), row[1].(int64))
		n++
		return nil
	}, part)
	return f, n, err
}

// isSeen reports whether an id is stored.
func (t *tx) isSeen(id string) (bool, error) {
	hash := hashOf(id)
	if found, err := t.partHas(&t.seen.open, hash, id); found || err != nil {
		return found, err
	}
	for i := len(t.seen.full) - 1; i >= 0; i-- {
		if found, err := t.partHas(&t.seen.full[i], hash, id); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

func (t *tx) partHas(f *bloomFilter, hash bloomHash, id string) (bool, error) {
	if !f.mayHave(hash) {
		return false, nil
	}
	event, err := t.sql.findSeen.one(f.part, id)
	return event != nil, err
}

// addSeen writes a new id. If the newest part is full, addSeen writes its bloom
// filter and begins a new part.
func (t *tx) addSeen(id ledger.ID) error {
	newest, n := t.seen.open, t.seen.inOpen
	if filled := len(t.filled); filled > 0 {
		newest, n = bloomFilter{part: t.filled[filled-1].part + 1}, 0
	}
	if n+len(t.ids) >= partIDs {
		full := newFilter(newest.part)
		copy(full.bits, newest.bits)
		full.newest = newest.newest
		for _, one := range t.ids {
			full.add(one.ID, one.Event)
		}
		if _, err := t.sql.putFilter.run(full.part, full.newest, full.bits); err != nil {
			return err
		}
		t.filled, t.ids = append(t.filled, full), t.ids[:0]
		newest.part++
	}
	t.ids = append(t.ids, id)
	_, err := t.sql.addSeen.run(newest.part, id.ID, id.Event)
	return err
}

// commit adds the parts that a transaction has filled, and the ids that it wrote
// after them.
func (s *seenIDs) commit(filled []bloomFilter, ids []ledger.ID) {
	if n := len(filled); n > 0 {
		s.full = append(s.full, filled...)
		s.open, s.inOpen = newFilter(filled[n-1].part+1), 0
	}
	for _, id := range ids {
		s.open.add(id.ID, id.Event)
	}
	s.inOpen += len(ids)
}

// whereSeen selects the event of an id. It searches the newest part first.
const whereSeen = `WITH RECURSIVE p (part) AS (SELECT max(part) FROM seen UNION ALL
	SELECT part - 1 FROM p WHERE part > (SELECT min(part) FROM seen))
	SELECT s.event FROM p CROSS JOIN seen s ON s.part = p.part AND s.id = ? LIMIT 1`
