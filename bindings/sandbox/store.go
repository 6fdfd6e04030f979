package sandbox

import (
	"slices"
	"strings"
	"time"
)

// Record is one stored record.
type Record struct {
	ID     string
	Fields Object
	Links  map[string]string // the ids of the records that it is under, by folded parameter
	At     int64             // Unix milliseconds of its creation, unique
	// Version is the store's version when it was last changed.
	Version int64
	// Content is the content of an uploaded file, which is in no answer.
	Content []byte

	key map[string]string // its keys in the index, by field
	// changed is the number of the last change of the store that changed it.
	changed int64
}

// collection is all records of one resource in the order of their creation.
type collection struct {
	byID  map[string]*Record
	order []*Record
	index map[string]*Record // "field\x00account\x00value"
}

// store is the records of one app. Its app's lock guards it.
type store struct {
	collections map[string]*collection
	rules       *Rules
	last        int64
	version     int64 // number of records stored and removed
	changes     int64
}

func newStore(r *Rules) *store {
	return &store{collections: map[string]*collection{}, rules: r}
}

func (s *store) collection(name string) *collection {
	c := s.collections[name]
	if c == nil {
		c = &collection{byID: map[string]*Record{}, index: map[string]*Record{}}
		s.collections[name] = c
	}
	return c
}

// uniqueTime returns the time of a new record: now, or a little later, so that no
// two are the same and a list has one order.
func (s *store) uniqueTime(now time.Time) int64 {
	s.last = max(s.last+1, now.UnixMilli())
	return s.last
}

func (s *store) get(resource, id string) *Record {
	if c := s.collections[resource]; c != nil {
		return c.byID[id]
	}
	return nil
}

// put stores a new record or a changed one.
func (s *store) put(resource string, r *Record) {
	s.version++
	r.Version = s.version
	c := s.collection(resource)
	if c.byID[r.ID] == nil {
		c.order = append(c.order, r)
	}
	c.byID[r.ID] = r
	s.changes++
	r.changed = s.changes
	c.unindex(r)
	for _, field := range s.rules.Unique[resource].Fields {
		if v := Text(r.Fields[field]); v != "" {
			key := s.key(field, r.Fields, v)
			if c.index[key] == nil {
				c.index[key] = r
				r.key[field] = key
			}
		}
	}
}

func (c *collection) unindex(r *Record) {
	for _, key := range r.key {
		delete(c.index, key)
	}
	r.key = map[string]string{}
}

// remove removes a record with all records under it.
func (s *store) remove(resource string, r *Record) {
	s.version++
	c := s.collection(resource)
	delete(c.byID, r.ID)
	c.unindex(r)
	c.order = slices.DeleteFunc(c.order, func(o *Record) bool { return o == r })
	link := Singular(Fold(resource[strings.LastIndexByte(resource, '/')+1:])) + "id"
	for name := range s.collections {
		if !strings.HasPrefix(name, resource+"/") {
			continue
		}
		for _, child := range slices.Clone(s.collections[name].order) {
			if child.Links[link] == r.ID {
				s.remove(name, child)
			}
		}
	}
}

// duplicate finds the record that Rules.Unique treats as the same as one with
// these fields, and the field that decides.
func (s *store) duplicate(resource string, fields Object) (*Record, string) {
	c := s.collection(resource)
	for _, field := range s.rules.Unique[resource].Fields {
		if v := Text(fields[field]); v != "" {
			if r := c.index[s.key(field, fields, v)]; r != nil {
				return r, field
			}
		}
	}
	return nil, ""
}

func (s *store) key(field string, fields Object, value string) string {
	account := Text(fields[s.rules.AccountField])
	return field + "\x00" + account + "\x00" + strings.ToLower(strings.TrimSpace(value))
}

// all returns the records that are under all of links.
func (s *store) all(resource string, links map[string]string) []*Record {
	c := s.collections[resource]
	if c == nil {
		return nil
	}
	if len(links) == 0 {
		return slices.Clone(c.order)
	}
	var found []*Record
	for _, r := range c.order {
		if r.under(links) {
			found = append(found, r)
		}
	}
	return found
}

// under reports whether a record is under all of links; one that has no such link
// and no such field is under every record.
func (r *Record) under(links map[string]string) bool {
	for name, id := range links {
		if have, found := r.Links[name]; found {
			if have != id {
				return false
			}
			continue
		}
		if have, found := folded(r.Fields, name); found && Text(have) != id {
			return false
		}
	}
	return true
}

// folded finds a field by its folded name.
func folded(fields Object, name string) (any, bool) {
	for key, v := range fields {
		if Fold(key) == name {
			return v, true
		}
	}
	return nil, false
}
