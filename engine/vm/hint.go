package vm

import (
	"fmt"
	"slices"
	"strings"
)

// verbs are groups of words with the same meaning at the beginning of an
// operation's name.
var verbs = [][]string{
	{"get", "find", "fetch", "read", "show", "retrieve", "load"},
	{"list", "all", "search", "query", "index"},
	{"create", "add", "new", "insert", "make", "post"},
	{"update", "edit", "change", "set", "patch", "modify", "put"},
	{"delete", "remove", "destroy", "drop", "cancel"},
	{"send", "post", "deliver"},
	{"upsert", "create_or_update", "save"},
}

// hint is the end of the error for an unknown group: the group that was
// probably meant, or all groups.
func (m *module) hint(name string) string {
	if edition := m.app.Name + "." + name; slices.Contains(m.app.Modules(), edition) {
		return fmt.Sprintf("; it is an edition of %s: write require %q", m.app.Name, edition)
	}
	if near := didYouMean(name, m.list()); near != "" {
		return near
	}
	return "; its groups are " + listing(m.list())
}

// hint is the end of the error for an unknown operation: the operation that was
// probably meant, or all operations.
func (g *group) hint(name string) string {
	all := g.list()
	bare := g.withoutNoun(snake(name))
	if slices.Contains(all, bare) {
		return "; did you mean " + bare + "?"
	}
	for _, one := range []string{name, bare} {
		if near := didYouMean(one, all); near != "" {
			return near
		}
	}
	name = bare
	if meant := synonyms(name, all); meant != nil {
		return "; did you mean " + strings.Join(meant, " or ") + "?"
	}
	return "; it has " + listing(all)
}

// withoutNoun removes the noun of the group from the name of an operation. The vendor's
// own names repeat it: create_contact is contacts.create.
func (g *group) withoutNoun(name string) string {
	noun := strings.TrimSuffix(g.short, "s")
	if stem, plural := strings.CutSuffix(g.short, "ies"); plural {
		noun = stem + "y"
	}
	for _, end := range []string{"_" + g.short, "_" + noun} {
		if before, found := strings.CutSuffix(name, end); found {
			return before
		}
		if before, after, found := strings.Cut(name, end+"_"); found {
			return before + "_" + after
		}
	}
	return name
}

// synonyms returns the names that begin with another word for the same verb and
// go on as the given name. If the name is the verb alone, they go on with
// anything.
func synonyms(name string, all []string) []string {
	var loose []string
	for _, same := range verbs {
		for _, verb := range same {
			rest, found := strings.CutPrefix(name, verb)
			if !found || rest != "" && rest[0] != '_' {
				continue
			}
			for _, other := range same {
				if slices.Contains(all, other+rest) {
					return []string{other + rest}
				}
				if rest == "" {
					loose = append(loose, beginning(all, other+"_")...)
				}
			}
		}
	}
	return loose[:min(len(loose), 3)]
}

// beginning returns the names with a prefix.
func beginning(all []string, prefix string) (found []string) {
	for _, name := range all {
		if strings.HasPrefix(name, prefix) {
			found = append(found, name)
		}
	}
	return found
}

// snake writes createContact and create-contact as create_contact.
func snake(name string) string {
	var b strings.Builder
	for i, r := range name {
		switch {
		case r == '-':
			r = '_'
		case r >= 'A' && r <= 'Z':
			if i > 0 {
				b.WriteByte('_')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// listing joins at most 50 names.
func listing(names []string) string {
	if len(names) > 50 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:50], ", "), len(names)-50)
	}
	return strings.Join(names, ", ")
}
