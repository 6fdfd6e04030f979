package sandbox

import (
	"maps"
	"slices"
	"strings"
)

// segment is one part of a path template between slashes.
type segment struct {
	text  string // the name, of a parameter too
	param bool
}

func template(path string) []segment {
	var all []segment
	for part := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if inner, ok := strings.CutPrefix(part, "{"); ok && strings.HasSuffix(inner, "}") {
			all = append(all, segment{strings.TrimSuffix(inner, "}"), true})
			continue
		}
		all = append(all, segment{part, false})
	}
	return all
}

// shape writes a template without the names of its parameters.
func shape(all []segment) string {
	var b strings.Builder
	for _, s := range all {
		b.WriteByte('/')
		if s.param {
			b.WriteString("{}")
		} else {
			b.WriteString(s.text)
		}
	}
	return b.String()
}

// router finds the operations of a method and path. A literal segment has
// precedence over a parameter, from the left.
type router struct {
	root node
}

type node struct {
	literal map[string]*node
	param   *node
	plans   map[string][]*plan // by method: at most one for each edition
}

func (r *router) add(method string, path []segment, p *plan) {
	at := &r.root
	for _, s := range path {
		next := at.param
		if !s.param {
			next = at.literal[s.text]
		}
		if next == nil {
			next = &node{literal: map[string]*node{}}
			if s.param {
				at.param = next
			} else {
				if at.literal == nil {
					at.literal = map[string]*node{}
				}
				at.literal[s.text] = next
			}
		}
		at = next
	}
	if at.plans == nil {
		at.plans = map[string][]*plan{}
	}
	same := func(other *plan) bool { return other.types == p.types }
	if !slices.ContainsFunc(at.plans[method], same) {
		at.plans[method] = append(at.plans[method], p)
	}
}

// match is a plan that matches a request, with the values of its parameters in
// order.
type match struct {
	plan   *plan
	values []string
}

// find returns the plans that match, the best first and one for each edition. If
// there is none, it returns the methods that the path has; none if there is no
// such path.
func (r *router) find(method, path string) ([]match, []string) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	s := search{method: method, seen: map[string]bool{}}
	s.from(&r.root, parts, nil)
	if len(s.found) > 0 {
		return s.found, nil
	}
	return nil, slices.Sorted(maps.Keys(s.seen))
}

// search is a walk down the tree of paths.
type search struct {
	method string
	seen   map[string]bool // methods that the path has
	found  []match
}

func (s *search) from(n *node, parts, values []string) {
	if len(parts) == 0 {
		for m := range n.plans {
			s.seen[m] = true
		}
		for _, p := range n.plans[s.method] {
			if !slices.ContainsFunc(s.found, func(m match) bool { return m.plan.types == p.types }) {
				s.found = append(s.found, match{p, values})
			}
		}
		return
	}
	if next := n.literal[parts[0]]; next != nil {
		s.from(next, parts[1:], values)
	}
	if n.param != nil && parts[0] != "" {
		s.from(n.param, parts[1:], append(slices.Clip(values), parts[0]))
	}
}
