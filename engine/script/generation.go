package script

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/engine/journal"
)

// Generation is all scripts as loaded at one moment. It never changes, however
// often the folder changes.
type Generation struct {
	// Scripts are the live scripts by name.
	Scripts map[string]*Script

	routes map[string]route // by event type
	// wildcardEmits are the hooks with a wildcard for emitted events, whose types
	// are not known before they are emitted.
	wildcardEmits []*journal.Hook
	schedules     []Schedule
	inbound       map[string]*Inbound // by path
	responders    responders
	nouns         map[string]bool // of the triggers that hooks name: "highlevel.contact"
	awaits        awaitedTriggers // of the scripts
	pinned        *pinnedAwaits   // of replaced versions; nil: none
	replaced      chan struct{}
}

// route is the hooks of an event type, by script and registration.
type route struct {
	hooks []*journal.Hook
	// byConnection is set when a hook names a connection.
	byConnection bool
}

// newGeneration builds the tables for Match.
func newGeneration(scripts map[string]*Script, known *triggers, pinned *pinnedAwaits) *Generation {
	g := &Generation{
		Scripts:    scripts,
		routes:     map[string]route{},
		inbound:    map[string]*Inbound{},
		responders: responders{},
		nouns:      map[string]bool{},
		pinned:     pinned,
		replaced:   make(chan struct{}),
	}
	for _, name := range slices.Sorted(maps.Keys(scripts)) {
		s := scripts[name]
		g.awaits.add(s.Awaits)
		for i, hook := range s.Hooks {
			if table := s.details[i].timetable; table != nil {
				g.schedules = append(g.schedules, Schedule{Hook: hook, Timetable: table})
				continue
			}
			for _, in := range s.details[i].inbound {
				g.inbound[in.Path] = in
			}
			g.responders.add(hook, s.details[i])
			g.add(hook, known)
		}
	}
	return g
}

func (g *Generation) add(hook *journal.Hook, known *triggers) {
	for _, trigger := range hook.Triggers {
		names := []string{trigger}
		switch {
		case !strings.Contains(trigger, "*"):
		case strings.HasPrefix(trigger, emitPrefix):
			g.wildcardEmits = append(g.wildcardEmits, hook)
			continue
		default:
			names = known.match(trigger)
		}
		for _, name := range names {
			r := g.routes[name]
			if n := len(r.hooks); n > 0 && r.hooks[n-1] == hook {
				continue // named by two triggers of one hook
			}
			r.hooks = append(r.hooks, hook)
			r.byConnection = r.byConnection || hook.Connection != ""
			g.routes[name] = r
			if noun := bindings.TriggerName(name).AppNoun(); noun != "" {
				g.nouns[noun] = true
			}
		}
	}
}

// Match returns the hooks for an event of this type and connection, by script
// and order of registration. The journal evaluates their where and lane. The
// slice is shared and must not be changed.
func (g *Generation) Match(event, connection string) []*journal.Hook {
	r := g.routes[event]
	wild := len(g.wildcardEmits) > 0 && strings.HasPrefix(event, emitPrefix)
	if !r.byConnection && !wild {
		return r.hooks
	}
	hooks := slices.Clone(r.hooks)
	if wild {
		hooks = g.withWildcardEmits(hooks, event)
	}
	return slices.DeleteFunc(hooks, func(hook *journal.Hook) bool {
		return hook.Connection != "" && hook.Connection != connection
	})
}

// HasNoun reports whether a hook names a trigger of a noun: "highlevel.contact".
func (g *Generation) HasNoun(noun string) bool { return g.nouns[noun] }

// withWildcardEmits adds the hooks whose wildcards name an emitted event.
func (g *Generation) withWildcardEmits(hooks []*journal.Hook, event string) []*journal.Hook {
	for _, hook := range g.wildcardEmits {
		if hook.MatchesType(event) && !slices.Contains(hooks, hook) {
			hooks = append(hooks, hook)
		}
	}
	slices.SortFunc(hooks, func(a, b *journal.Hook) int {
		indexA, _ := g.Scripts[a.Script].Index(a.Name)
		indexB, _ := g.Scripts[b.Script].Index(b.Name)
		return cmp.Or(cmp.Compare(a.Script, b.Script), cmp.Compare(indexA, indexB))
	})
	return hooks
}

// Hook finds a hook by its script's name and its own. The number is its index
// in Script.Hooks.
func (g *Generation) Hook(script, hook string) (*Script, int, bool) {
	s := g.Scripts[script]
	if s == nil {
		return nil, 0, false
	}
	i, found := s.Index(hook)
	return s, i, found
}

// Schedules are the every() hooks.
func (g *Generation) Schedules() []Schedule { return g.schedules }

// Inbound finds an address of the scripts' own by its path: "/orders".
func (g *Generation) Inbound(path string) (*Inbound, bool) {
	in, found := g.inbound["/"+strings.TrimPrefix(path, "/")]
	return in, found
}

// Hooks lists all hooks by script and order of registration.
func (g *Generation) Hooks() []*journal.Hook {
	var all []*journal.Hook
	for _, s := range g.Scripts {
		all = append(all, s.Hooks...)
	}
	slices.SortStableFunc(all, func(a, b *journal.Hook) int { return cmp.Compare(a.Script, b.Script) })
	return all
}

// Replaced is closed when a newer generation is live.
func (g *Generation) Replaced() <-chan struct{} { return g.replaced }
