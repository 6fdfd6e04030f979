package poll_test

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// bounds are how often something may be reported.
type bounds struct{ min, max int }

// oracle is how often each text of a record is to be reported, by what the vendor
// did: its content, or the facet with that text.
//
// A text is reported at most once for each state with that text, and a state that a
// call of ours wrote only by its webhook. It is reported at least once if a webhook
// about somebody else's change to it arrived, or a list contained it first; and each
// time that a list contained it again, unless a webhook or a call of ours has the
// text too: then the list may be behind that.
type oracle struct {
	*timeline
	r       *record
	isFacet bool
	states  []oracleState
	texts   map[string]*bounds
	created bounds

	isKnown   bool // a call, a webhook or a list had the record
	isCreated bool // its creation is known
	// updatedFirst is set if the webhook of a change was the first that was known: a
	// list may report the creation later.
	updatedFirst bool
	listed       int           // the state that the list contained last, -1 for none
	listedAt     time.Duration // when the list contained its text first
}

// oracleState is a state with what is known of it.
type oracleState struct {
	recordState
	isKnown bool // by a webhook or a call
	// readAt is when a list contained it first, 0 if none did after the first.
	readAt  time.Duration
	isFirst bool // a call of ours made it before anything was known of the record
	isBack  bool // the list reported it as a return
}

func (tl *timeline) expect(r *record, isFacet bool) *oracle {
	o := &oracle{timeline: tl, r: r, isFacet: isFacet, isKnown: r.exists, isCreated: r.exists, listed: -1, texts: map[string]*bounds{}}
	if r.exists {
		o.states = []oracleState{{recordState: recordState{at: -time.Hour, text: "old"}}}
	}
	for _, s := range r.states {
		o.states = append(o.states, oracleState{recordState: s})
	}
	for i, s := range o.states {
		if o.texts[s.text] == nil {
			o.texts[s.text] = &bounds{}
		}
		isReported := !s.ours || s.webhook > 0 // the webhook of our own call is an echo
		switch {
		case !isReported, i == 0 && r.exists:
		case i == 0:
			o.created.max = 1
			fallthrough
		default:
			if i > 0 || !isFacet {
				o.texts[s.text].max++
			}
		}
	}
	for _, a := range tl.actions(r) {
		i := a.state
		if r.exists {
			i++
		}
		switch a.kind {
		case callAnswered:
			o.answer(i)
		case webhookArrives:
			o.receive(i)
		case listIsRead:
			o.read(a.at)
		}
	}
	return o
}

func (o *oracle) isCreation(i int) bool { return i == 0 && !o.r.exists }

func (o *oracle) atLeast(text string, n int) { o.texts[text].min = max(o.texts[text].min, n) }

func (o *oracle) answer(i int) {
	s := &o.states[i]
	if !o.isKnown && !o.isCreation(i) {
		s.isFirst = true
		o.texts[s.text].max++
		return
	}
	s.isKnown, o.isKnown = true, true
	o.isCreated = o.isCreated || o.isCreation(i)
}

func (o *oracle) receive(i int) {
	s := &o.states[i]
	switch {
	case o.isCreation(i) && (o.isCreated || s.ours):
	case o.isCreation(i):
		o.created.min = 1
		if !o.isFacet {
			o.atLeast(s.text, 1)
		}
	default:
		if !o.isKnown {
			o.updatedFirst = true
			o.texts[o.states[0].text].max++ // in a list it seems to be a later one
		}
		if !s.ours {
			o.atLeast(s.text, 1)
		}
	}
	if o.seemsEarlier(i) {
		o.texts[s.text].max++
	}
	s.isKnown, o.isKnown = true, true
	o.isCreated = o.isCreated || o.isCreation(i)
}

// seemsEarlier reports whether the webhook of a state seems to be that of an earlier
// state with the same text, which a list contained: no state after that is known yet.
func (o *oracle) seemsEarlier(i int) bool {
	for k, s := range o.states[:i] {
		isLater := func(t oracleState) bool { return t.readAt > 0 || t.isKnown && t.at+webhookTime > s.readAt }
		if s.text == o.states[i].text && s.readAt > 0 && !s.isKnown && !slices.ContainsFunc(o.states[k+1:i], isLater) {
			return true
		}
	}
	return false
}

// read is about the state that the list contains.
func (o *oracle) read(now time.Duration) {
	v := -1
	for i := range o.states {
		if o.states[i].at <= now-o.lag {
			v = i
		}
	}
	if v < 0 {
		return
	}
	s, before := &o.states[v], o.listed
	if s.readAt == 0 {
		s.readAt = now
	}
	isOther := before < 0 || o.states[before].text != s.text
	if o.listed = v; isOther {
		o.listedAt = now
	}
	onlyListed := !slices.ContainsFunc(o.states, func(other oracleState) bool {
		return other.text == s.text && (other.ours || other.webhook > 0)
	})
	switch {
	case now == 0:
	case !o.isKnown:
		o.isKnown, o.isCreated, o.created = true, true, bounds{1, 1}
		if !o.isFacet {
			o.texts[s.text].min++
		}
	case o.updatedFirst && !o.isCreated && o.list.created:
		o.isCreated, o.created = true, bounds{1, 1}
	case s.ours:
	case onlyListed && (isOther || o.isReturn(before, v, now)):
		o.texts[s.text].min++
	case isOther && !(o.isFacet && o.isCreation(v)) && !slices.ContainsFunc(o.states, func(other oracleState) bool { return other.text == s.text && other.isKnown }):
		o.atLeast(s.text, 1)
	}
}

// isReturn reports, once, whether the list contains the text that it contained
// before, and a webhook or a call had another text after that was read first.
func (o *oracle) isReturn(before, v int, now time.Duration) bool {
	is := !o.states[v].isBack && slices.ContainsFunc(o.states[before:v], func(s oracleState) bool {
		if o.list.ofChanges() && !s.ours && s.webhook > o.states[v].readAt {
			return false // the list does not contain the record after the webhook
		}
		return s.isKnown && s.text != o.states[v].text && s.at > o.listedAt && now >= s.at+webhookTime+expectedLag
	})
	o.states[v].isBack = o.states[v].isBack || is
	if is {
		o.listedAt = now
	} else {
		o.listed = before
	}
	return is
}

// check compares the number of events, by verb and text, with what is expected.
func (o *oracle) check(found map[string]int) (problems []string) {
	created, byText := 0, map[string]bounds{}
	for name, n := range found {
		verb, text, _ := strings.Cut(name, " ")
		if o.texts[text] == nil {
			problems = append(problems, fmt.Sprintf("found the text %q, which the record never had", text))
		}
		b := byText[text]
		switch {
		case verb == "created":
			created += n
			if !o.isFacet {
				b.max += n
			}
			if !o.isFacet && !o.updatedFirst {
				b.min += n
			}
		case (verb == "moved") == o.isFacet:
			b.min, b.max = b.min+n, b.max+n
		}
		byText[text] = b
	}
	for text, want := range o.texts {
		if n := byText[text]; n.max < want.min || n.min > want.max {
			problems = append(problems, fmt.Sprintf("%q: found %d events, expected %d to %d", text, n.max, want.min, want.max))
		}
	}
	if created < o.created.min || created > o.created.max {
		problems = append(problems, fmt.Sprintf("created: found %d events, expected %d to %d", created, o.created.min, o.created.max))
	}
	return problems
}

// check compares the events about all records with what is expected.
func (tl *timeline) check(found map[string]map[string]int) (problems []string) {
	for _, r := range tl.records {
		for _, isFacet := range []bool{false, true} {
			if isFacet && tl.list.name != "facet" {
				continue
			}
			for _, problem := range tl.expect(r, isFacet).check(found[r.id]) {
				problems = append(problems, fmt.Sprintf("%s; facet %v: %s; all: %v", r, isFacet, problem, found[r.id]))
			}
		}
	}
	return problems
}
