package bindings

import "strings"

// TriggerName is the name of a trigger: of an app ("highlevel.contact.created",
// app.noun.verb), of a path for requests ("in:/orders"), of events that scripts
// make ("emit:order.paid"), or of the engine ("run.failed", "every").
type TriggerName string

// App returns the app in the name, which may not exist, and "" for a trigger of
// no app.
func (n TriggerName) App() string {
	app, _, dotted := strings.Cut(string(n), ".")
	if !dotted || strings.Contains(app, ":") || app == "run" {
		return ""
	}
	return app
}

// Matches reports whether a pattern is for the trigger: a part of the pattern that
// is "*" matches any one part, so that highlevel.contact.* is for
// highlevel.contact.created and not for highlevel.contact.note.created.
func (n TriggerName) Matches(pattern string) bool {
	name := string(n)
	for {
		want, restWanted, moreWanted := strings.Cut(pattern, ".")
		part, rest, more := strings.Cut(name, ".")
		if moreWanted != more || want != "*" && want != part || part == "" {
			return false
		}
		if !more {
			return true
		}
		pattern, name = restWanted, rest
	}
}

// AppNoun returns the noun with its app, such as "highlevel.contact", and "" for
// a trigger without a noun.
func (n TriggerName) AppNoun() string {
	if n.Noun() == "" {
		return ""
	}
	return string(n)[:strings.LastIndexByte(string(n), '.')]
}

// Noun returns what the trigger is about, such as "contact" or
// "contact.note", and "" for a trigger of no app.
func (n TriggerName) Noun() string {
	local := n.Local()
	return local[:max(0, strings.LastIndexByte(local, '.'))]
}

// Verb returns what happened, such as "created", and "" for a trigger of no app.
func (n TriggerName) Verb() string {
	local := n.Local()
	return local[strings.LastIndexByte(local, '.')+1:]
}

// Local returns the name inside the app, such as "contact.created", and "" for a
// trigger of no app.
func (n TriggerName) Local() string {
	app := n.App()
	if app == "" {
		return ""
	}
	return string(n)[len(app)+1:]
}
