package sqlite

import (
	"cmp"
	"database/sql/driver"
	"slices"

	"github.com/tidewire/tidewire/engine/journal/ledger"
)

// The ids of events are kept in parts of so many, with filterBytes bytes of bits
// for each, filterProbes of them an id: of a thousand ids that are not in a part
// one looks as if it might be.
const (
	partIDs      = 4096
	filterBytes  = 8 << 10
	filterProbes = 6
)

// bloomFilter tells of a part which ids are not in it.
type bloomFilter struct {
	part, newest int64
	bits         []byte
}

// bloomHash is what a sieve knows an id by.
type bloomHash struct{ first, step uint32 }

func hashOf(id string) bloomHash {
	// FNV-1a, and a last stir. It is kept in the file: it must stay the same.
	h := uint64(14695981039346656037)
	for i := range len(id) {
		h = (h ^ uint64(id[i])) * 1099511628211
	}
	h = (h ^ h>>32) * 0x9e3779b97f4a7c15
	h ^= h >> 29
	return bloomHash{uint32(h), uint32(h>>32) | 1}
}

func (s *bloomFilter) add(id string, event int64) {
	for i, at := 0, hashOf(id); i < filterProbes; i++ {
		s.bits[at.first>>3%filterBytes] |= 1 << (at.first & 7)
		at.first += at.step
	}
	s.newest = max(s.newest, event)
}

func (s *bloomFilter) mayHave(at bloomHash) bool {
	for range filterProbes {
		if s.bits[at.first>>3%filterBytes]&(1<<(at.first&7)) == 0 {
			return false
		}
		at.first += at.step
	}
	return true
}

// seenIDs is what memory knows of the ids that are kept.
type seenIDs struct {
	full   []bloomFilter // the oldest first
	open   bloomFilter   // of the part that grows
	inOpen int
}

func newFilter(part int64) bloomFilter {
	return bloomFilter{part: part, bits: make([]byte, filterBytes)}
}

const putFilter = `INSERT INTO sieve (part, newest, bits) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`

// load reads the sieves, and makes those that are not in the file.
func (s *seenIDs) load(c *conn) error {
	var sieves, nextPart, ids, put *stmt
	err := c.prepare(map[**stmt]string{
		&sieves:   `SELECT part, newest, bits FROM sieve`,
		&nextPart: `SELECT part FROM seen WHERE part > ? ORDER BY part LIMIT 1`,
		&ids:      `SELECT id, event FROM seen WHERE part = ?`,
		&put:      putFilter,
	})
	if err != nil {
		return err
	}
	err = sieves.each(func(row []driver.Value) error {
		s.full = append(s.full, bloomFilter{row[0].(int64), row[1].(int64), slices.Clone(row[2].([]byte))})
		return nil
	})
	if err != nil {
		return err
	}
	known := map[int64]bool{}
	s.open = newFilter(0)
	for _, one := range s.full {
		known[one.part] = true
		s.open = newFilter(one.part + 1)
	}
	for last := int64(-maxSeq); ; {
		next, err := nextPart.one(last)
		part, more := next.(int64)
		if err != nil || !more {
			slices.SortFunc(s.full, func(a, b bloomFilter) int { return cmp.Compare(a.part, b.part) })
			return err
		}
		if last = part; known[part] {
			continue
		}
		one, n, err := buildFilter(ids, part)
		if err != nil {
			return err
		}
		if part >= s.open.part && n < partIDs { // at most the last one
			s.open, s.inOpen = one, n
			continue
		}
		if _, err := put.run(one.part, one.newest, one.bits); err != nil {
			return err
		}
		if s.full = append(s.full, one); part >= s.open.part {
			s.open = newFilter(part + 1)
		}
	}
}

// buildFilter makes the sieve of a part, and counts its ids.
func buildFilter(ids *stmt, part int64) (s bloomFilter, n int, err error) {
	s = newFilter(part)
	err = ids.each(func(row []driver.Value) error {
		s.add(row[0].(string), row[1].(int64))
		n++
		return nil
	}, part)
	return s, n, err
}

// isSeen reports whether an id is kept.
func (t *tx) isSeen(id string) (bool, error) {
	at := hashOf(id)
	if found, err := t.partHas(&t.seen.open, at, id); found || err != nil {
		return found, err
	}
	for i := len(t.seen.full) - 1; i >= 0; i-- {
		if found, err := t.partHas(&t.seen.full[i], at, id); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

func (t *tx) partHas(s *bloomFilter, at bloomHash, id string) (bool, error) {
	if !s.mayHave(at) {
		return false, nil
	}
	event, err := t.sql.findSeen.one(s.part, id)
	return event != nil, err
}

// addSeen writes an id that is not kept yet. A part that is full gets its
// sieve.
func (t *tx) addSeen(id ledger.ID) error {
	open := newestPart{t.seen.open, t.seen.inOpen}
	if n := len(t.filled); n > 0 {
		open = newestPart{part: bloomFilter{part: t.filled[n-1].part + 1}}
	}
	if open.ids+len(t.ids) >= partIDs {
		full := newFilter(open.part.part)
		copy(full.bits, open.part.bits)
		full.newest = open.part.newest
		for _, one := range t.ids {
			full.add(one.ID, one.Event)
		}
		if _, err := t.sql.putFilter.run(full.part, full.newest, full.bits); err != nil {
			return err
		}
		t.filled, t.ids = append(t.filled, full), t.ids[:0]
		open.part.part++
	}
	t.ids = append(t.ids, id)
	_, err := t.sql.addSeen.run(open.part.part, id.ID, id.Event)
	return err
}

// newestPart is the part that grows, and how many ids are in it.
type newestPart struct {
	part bloomFilter
	ids  int
}

// commit takes over the parts that were filled, and the ids behind them.
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

// whereSeen finds the event of an id, in the newest part first.
const whereSeen = `WITH RECURSIVE p (part) AS (SELECT max(part) FROM seen UNION ALL
	SELECT part - 1 FROM p WHERE part > (SELECT min(part) FROM seen))
	SELECT s.event FROM p CROSS JOIN seen s ON s.part = p.part AND s.id = ? LIMIT 1`
