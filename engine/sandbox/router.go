package sandbox

import (
	"sort"
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

// router finds the operation of a method and path. A literal segment wins
// over a parameter, from the left.
type router struct {
	root node
}

type node struct {
	literal map[string]*node
	param   *node
	plans   map[string]*plan // by method
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
		at.plans = map[string]*plan{}
	}
	if at.plans[method] == nil {
		at.plans[method] = p
	}
}

// find gives the plan and the values of the parameters in order; without a
// plan it gives the methods that the path has, none where there is no such
// path.
func (r *router) find(method, path string) (*plan, []string, []string) {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	seen := map[string]bool{}
	if p, values := r.root.find(method, parts, nil, seen); p != nil {
		return p, values, nil
	}
	methods := make([]string, 0, len(seen))
	for m := range seen {
		methods = append(methods, m)
	}
	sort.Strings(methods)
	return nil, nil, methods
}

func (n *node) find(method string, parts, values []string, seen map[string]bool) (*plan, []string) {
	if len(parts) == 0 {
		for m := range n.plans {
			seen[m] = true
		}
		return n.plans[method], values
	}
	if next := n.literal[parts[0]]; next != nil {
		if p, v := next.find(method, parts[1:], values, seen); p != nil {
			return p, v
		}
	}
	if n.param != nil && parts[0] != "" {
		return n.param.find(method, parts[1:], append(values, parts[0]), seen)
	}
	return nil, nil
}
