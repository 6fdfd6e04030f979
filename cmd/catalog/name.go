package main

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/source"
)

// names is an app's names.txt: names that replace those of the rule. It has one
// name a line, and "#" begins a comment:
//
//	group saas-api saas                    the vendor's group, and ours
//	operation contacts get-contacts list   the vendor's group and id, and our name
//	trigger ContactCreate contact.created  the vendor's type, and our name without the app
type names struct {
	path       string
	groups     map[string]string
	operations map[[2]string]string
	triggers   map[string]string
	used       map[string]bool // the keys of lines that were applied
	lines      map[string]int  // the number of each line, by its key
}

func readNames(path string) (*names, error) {
	n := &names{
		path: path, groups: map[string]string{}, operations: map[[2]string]string{}, triggers: map[string]string{},
		used: map[string]bool{}, lines: map[string]int{},
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return n, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for number := 1; lines.Scan(); number++ {
		text, _, _ := strings.Cut(lines.Text(), "#")
		words := strings.Fields(text)
		if len(words) == 0 {
			continue
		}
		if err := n.add(words, number); err != nil {
			return nil, fmt.Errorf("%s:%d: %w", path, number, err)
		}
	}
	return n, lines.Err()
}

func (n *names) add(words []string, number int) error {
	key := strings.Join(words[:len(words)-1], " ")
	if first := n.lines[key]; first > 0 {
		return fmt.Errorf("%q is named on line %d already", key, first)
	}
	n.lines[key] = number
	switch {
	case words[0] == "group" && len(words) == 3:
		n.groups[words[1]] = words[2]
	case words[0] == "operation" && len(words) == 4:
		n.operations[[2]string{words[1], words[2]}] = words[3]
	case words[0] == "trigger" && len(words) == 3:
		n.triggers[words[1]] = words[2]
	default:
		return fmt.Errorf("expected %q, %q or %q, found %q", "group theirs ours", "operation group id ours", "trigger theirs ours", strings.Join(words, " "))
	}
	return nil
}

// apply sets the name of every operation and trigger of a source. A name for two
// of them and a line that matches nothing are errors.
func (n *names) apply(app string, from *source.Source) error {
	places := map[string]string{} // of names
	var conflicts []error
	add := func(name, place string) {
		if other, found := places[name]; found {
			conflicts = append(conflicts, fmt.Errorf("%q names both %s and %s; name one of them in %s", name, other, place, n.path))
		}
		places[name] = place
	}
	for _, o := range from.Operations {
		if o.Name == "" {
			o.Name = n.operation(o)
		}
		add(o.Name, o.From)
	}
	for _, t := range from.Triggers {
		if t.Name == "" {
			ours, found := n.triggers[keyOf(t)]
			if !found {
				return fmt.Errorf("%s: trigger %q has no name; add it to %s", t.From, keyOf(t), n.path)
			}
			n.used["trigger "+keyOf(t)] = true
			t.Name = app + "." + ours
		}
		add(t.Name, t.From)
	}
	for line, number := range n.lines {
		if !n.used[line] {
			return fmt.Errorf("%s:%d: %q is not in the documents", n.path, number, line)
		}
	}
	return errors.Join(conflicts...)
}

func (n *names) operation(o *source.Operation) string {
	group, found := n.groups[o.Group]
	if found {
		n.used["group "+o.Group] = true
	} else {
		group = bindings.Snake(o.Group)
	}
	if name, found := n.operations[[2]string{o.Group, o.ID}]; found {
		n.used["operation "+o.Group+" "+o.ID] = true
		return group + "." + name
	}
	return group + "." + operationName(group, o)
}

// operationName returns the name of an operation by the rule.
func operationName(group string, o *source.Operation) string {
	return bindings.OperationName(group, o.ID, o.Method, o.Path)
}

// keyOf returns a trigger's key in names.txt.
func keyOf(t *source.Trigger) string { return cmp.Or(t.Key, t.Vendor) }
