package ledger

import (
	"errors"
	"slices"
)

// table is the rows of one kind in a batch: those that were loaded, and over them
// those that the batch changes.
type table[K comparable, V any] struct {
	loaded map[K]slot[V]
	staged map[K]V
	order  []K  // the keys of staged, in the order of their first change
	used   bool // the table is not empty; most tables are empty in most batches
}

// slot is a row; ready is false until it is loaded.
type slot[V any] struct {
	value V
	ready bool
}

func (t *table[K, V]) init() { t.loaded, t.staged = map[K]slot[V]{}, map[K]V{} }

// want adds a key to the keys of a Want, unless it was added before.
func (t *table[K, V]) want(key K, keys *[]K) {
	if _, wanted := t.loaded[key]; !wanted {
		t.used = true
		t.loaded[key] = slot[V]{}
		*keys = append(*keys, key)
	}
}

// fill adds the loaded rows of keys.
func (t *table[K, V]) fill(keys []K, values []V) {
	for i, key := range keys {
		t.load(key, values[i])
	}
}

// load adds a loaded row.
func (t *table[K, V]) load(key K, value V) {
	t.used = true
	t.loaded[key] = slot[V]{value, true}
}

// get returns a row with the changes of the batch. If the row is not loaded, get
// adds its key to the keys of a Want and returns errMore.
func (t *table[K, V]) get(key K, keys *[]K) (value V, err error) {
	if len(t.staged) > 0 {
		if value, changed := t.staged[key]; changed {
			return value, nil
		}
	}
	return t.before(key, keys)
}

// before is get without the changes of the batch.
func (t *table[K, V]) before(key K, keys *[]K) (value V, err error) {
	if s := t.loaded[key]; s.ready {
		return s.value, nil
	}
	t.want(key, keys)
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

// each calls f for each element. It continues after errMore, so that the missing
// rows of all elements are loaded together.
func each[T any](all []T, f func(T) error) (more error) {
	for _, one := range all {
		if more = combine(more, f(one)); failed(more) {
			return more
		}
	}
	return more
}

// failed reports whether err is an error other than errMore.
func failed(err error) bool { return err != nil && !errors.Is(err, errMore) }

// combine returns the first failure of two errors, else errMore if one is errMore.
func combine(a, b error) error {
	if a == nil || b != nil && errors.Is(a, errMore) {
		return b
	}
	return a
}
