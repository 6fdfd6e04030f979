package ledger

import (
	"errors"
	"slices"
)

// table is the rows of one kind in a batch: those that were loaded, and over
// them those that the batch changes.
type table[K comparable, V any] struct {
	loaded map[K]slot[V]
	staged map[K]V
	order  []K  // of staged, in the order of their first change
	used   bool // something is in it; most tables stay empty in most batches
}

// slot holds a loaded row; ready is false until it is loaded.
type slot[V any] struct {
	value V
	ready bool
}

func (t *table[K, V]) init() { t.loaded, t.staged = map[K]slot[V]{}, map[K]V{} }

// want adds a key to those that are wanted, if it is neither loaded nor wanted
// yet.
func (t *table[K, V]) want(key K, want *[]K) {
	if _, asked := t.loaded[key]; !asked {
		t.used = true
		t.loaded[key] = slot[V]{}
		*want = append(*want, key)
	}
}

// fill takes the answers to the keys that were wanted.
func (t *table[K, V]) fill(keys []K, values []V) {
	for i, key := range keys {
		t.load(key, values[i])
	}
}

// load takes a row that was loaded.
func (t *table[K, V]) load(key K, value V) {
	t.used = true
	t.loaded[key] = slot[V]{value, true}
}

// get gives a row as the batch leaves it. Where it is not loaded it is asked
// for, with errMore.
func (t *table[K, V]) get(key K, want *[]K) (value V, err error) {
	if len(t.staged) > 0 {
		if value, changed := t.staged[key]; changed {
			return value, nil
		}
	}
	return t.before(key, want)
}

// before gives a row as it was loaded.
func (t *table[K, V]) before(key K, want *[]K) (value V, err error) {
	if s := t.loaded[key]; s.ready {
		return s.value, nil
	}
	t.want(key, want)
	return value, errMore
}

// set changes a row.
func (t *table[K, V]) set(key K, value V) {
	if _, again := t.staged[key]; !again {
		t.used = true
		t.order = append(t.order, key)
	}
	t.staged[key] = value
}

// unset drops the change of a row.
func (t *table[K, V]) unset(key K) {
	if _, staged := t.staged[key]; staged {
		delete(t.staged, key)
		t.order = slices.DeleteFunc(t.order, func(k K) bool { return k == key })
	}
}

// reset drops what the batch changed.
func (t *table[K, V]) reset() {
	if t.used {
		clear(t.staged)
		t.order = t.order[:0]
	}
}

// clear drops what was loaded too.
func (t *table[K, V]) clear() {
	if t.used {
		t.reset()
		clear(t.loaded)
		t.used = false
	}
}

// each calls f for each of a list. It goes on where f needs further rows, so
// that these are loaded together.
func each[T any](all []T, f func(T) error) (more error) {
	for _, one := range all {
		if more = combine(more, f(one)); failed(more) {
			return more
		}
	}
	return more
}

// failed reports whether an error is another one than errMore.
func failed(err error) bool { return err != nil && !errors.Is(err, errMore) }

// combine gives the error that counts of two: errMore only where no other is.
func combine(a, b error) error {
	if a == nil || b != nil && errors.Is(a, errMore) {
		return b
	}
	return a
}
