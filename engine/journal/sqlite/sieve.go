package sqlite

import (
	"cmp"
	"database/sql/driver"
	"slices"
)

// The ids of events are kept in parts of so many, with sieveBytes bytes of bits
// for each, sieveProbes of them an id: of a thousand ids that are not in a part
// one looks as if it might be.
const (
	partIDs     = 4096
	sieveBytes  = 8 << 10
	sieveProbes = 6
)

// sieve tells of a part which ids are not in it.
type sieve struct {
	part, newest int64
	bits         []byte
}

// scent is what a sieve knows an id by.
type scent struct{ first, step uint32 }

func scentOf(id string) scent {
	// FNV-1a, and a last stir. It is kept in the file: it must stay the same.
	h := uint64(14695981039346656037)
	for i := range len(id) {
		h = (h ^ uint64(id[i])) * 1099511628211
	}
	h = (h ^ h>>32) * 0x9e3779b97f4a7c15
	h ^= h >> 29
	return scent{uint32(h), uint32(h>>32) | 1}
}

func (s *sieve) add(id string, event int64) {
	for i, at := 0, scentOf(id); i < sieveProbes; i++ {
		s.bits[at.first>>3%sieveBytes] |= 1 << (at.first & 7)
		at.first += at.step
	}
	s.newest = max(s.newest, event)
}

func (s *sieve) mayHave(at scent) bool {
	for range sieveProbes {
		if s.bits[at.first>>3%sieveBytes]&(1<<(at.first&7)) == 0 {
			return false
		}
		at.first += at.step
	}
	return true
}

// seen is what memory knows of the ids that are kept. It may be too much, after
// a transaction that was undone, never too little.
type seen struct {
	full   []sieve // the oldest first
	open   sieve   // of the part that grows
	inOpen int
}

func newSieve(part int64) sieve { return sieve{part: part, bits: make([]byte, sieveBytes)} }

const putSieve = `INSERT INTO sieve (part, newest, bits) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`

// load reads the sieves, and makes those that are not in the file.
func (s *seen) load(c *conn) error {
	var sieves, nextPart, ids, put *stmt
	err := c.prepare(map[**stmt]string{
		&sieves:   `SELECT part, newest, bits FROM sieve`,
		&nextPart: `SELECT part FROM seen WHERE part > ? ORDER BY part LIMIT 1`,
		&ids:      `SELECT id, event FROM seen WHERE part = ?`,
		&put:      putSieve,
	})
	if err != nil {
		return err
	}
	err = sieves.each(func(row []driver.Value) error {
		s.full = append(s.full, sieve{row[0].(int64), row[1].(int64), slices.Clone(row[2].([]byte))})
		return nil
	})
	if err != nil {
		return err
	}
	known := map[int64]bool{}
	s.open = newSieve(0)
	for _, one := range s.full {
		known[one.part] = true
		s.open = newSieve(one.part + 1)
	}
	for last := int64(-over); ; {
		next, err := nextPart.one(last)
		part, more := next.(int64)
		if err != nil || !more {
			slices.SortFunc(s.full, func(a, b sieve) int { return cmp.Compare(a.part, b.part) })
			return err
		}
		if last = part; known[part] {
			continue
		}
		one, n, err := sift(ids, part)
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
			s.open = newSieve(part + 1)
		}
	}
}

// sift makes the sieve of a part, and counts its ids.
func sift(ids *stmt, part int64) (s sieve, n int, err error) {
	s = newSieve(part)
	err = ids.each(func(row []driver.Value) error {
		s.add(row[0].(string), row[1].(int64))
		n++
		return nil
	}, part)
	return s, n, err
}

// isSeen reports whether an id is kept.
func (w *writer) isSeen(id string) (bool, error) {
	if old, err := w.isInFull(id); old || err != nil {
		return old, err
	}
	event, err := w.sql.findSeen.one(w.seen.open.part, id)
	return event != nil, err
}

func (w *writer) isInFull(id string) (bool, error) {
	at := scentOf(id)
	for i := len(w.seen.full) - 1; i >= 0; i-- {
		s := &w.seen.full[i]
		if !s.mayHave(at) {
			continue
		}
		if event, err := w.sql.findSeen.one(s.part, id); event != nil || err != nil {
			return event != nil, err
		}
	}
	return false, nil
}

// addSeen keeps the id of an event. It reports false where it is kept already.
func (w *writer) addSeen(id string, event int64) (bool, error) {
	if old, err := w.isInFull(id); old || err != nil {
		return false, err
	}
	s := &w.seen
	if s.inOpen >= partIDs {
		if _, err := w.sql.putSieve.run(s.open.part, s.open.newest, s.open.bits); err != nil {
			return false, err
		}
		s.full = append(s.full, s.open)
		s.open, s.inOpen = newSieve(s.open.part+1), 0
	}
	added, err := w.sql.addSeen.run(s.open.part, id, event)
	if err != nil || added == 0 {
		return false, err
	}
	s.open.add(id, event)
	s.inOpen++
	return true, nil
}

// whereSeen finds the event of an id, in the newest part first.
const whereSeen = `WITH RECURSIVE p (part) AS (SELECT max(part) FROM seen UNION ALL
	SELECT part - 1 FROM p WHERE part > (SELECT min(part) FROM seen))
	SELECT s.event FROM p CROSS JOIN seen s ON s.part = p.part AND s.id = ? LIMIT 1`
