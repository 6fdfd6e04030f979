package document

import (
	"fmt"
	"strings"

	"github.com/tidewire/tidewire/bindings"
)

// operationName is the name of an operation, derived from method and path. Graph
// names its operations in its documentation only, where "List messages in a chat"
// is chat-list-messages; the id made here has the same words in the order that
// the rule for our names requires: list-chat-messages.
type operationName struct {
	group string
	id    string
	kind  recordKind // of the records it is about
	noun  string     // of one of them; empty if the path ends in an action
	list  bool       // the answer has many
	delta bool       // the answer has the changes since a token
	item  bool       // the path ends with the id of one
}

// recordKind is a word of a path that names records.
type recordKind struct {
	noun  string // of one of them, as ids have it
	group string // of operations; empty if they belong to the group before
	typ   string // of a record; empty if it is not described
	// single is set if there is one record and no id follows; within if ids
	// omit the nouns before it.
	single, within bool
}

var recordKinds = map[string]recordKind{
	"channels":       {noun: "channel", group: "channels", typ: "channel", within: true},
	"chats":          {noun: "chat", group: "chats", typ: "chat"},
	"hostedContents": {noun: "hosted-content", typ: "chatMessageHostedContent"},
	"installedApps":  {noun: "installed-app", typ: "teamsAppInstallation"},
	"joinedTeams":    {noun: "joined-team", typ: "team"},
	"me":             {noun: "me", group: "me", typ: "user", single: true},
	"members":        {noun: "member", typ: "conversationMember"},
	"message":        {noun: "message", typ: "chatMessage", single: true},
	"messages":       {noun: "message", typ: "chatMessage"},
	"pinnedMessages": {noun: "pinned-message", typ: "pinnedChatMessageInfo"},
	"replies":        {noun: "reply", typ: "chatMessage"},
	"schedule":       {noun: "schedule", group: "schedules", typ: "schedule", single: true, within: true},
	"shifts":         {noun: "shift", group: "shifts", typ: "shift", within: true},
	"subscriptions":  {noun: "subscription", group: "subscriptions", typ: "subscription"},
	"tabs":           {noun: "tab", typ: "teamsTab"},
	"tags":           {noun: "tag", group: "tags", typ: "teamworkTag", within: true},
	"teams":          {noun: "team", group: "teams", typ: "team"},
	"teamsApp":       {noun: "teams-app", single: true},
	"users":          {noun: "user", group: "users", typ: "user"},
}

// tagMember is the type of a tag's members, which differs from that of all others.
const tagMember = "teamworkTagMember"

func nameOf(method, path string) (operationName, error) {
	n := operationName{}
	var nouns []string
	action := ""
	for word := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		kind, known := recordKinds[word]
		if action != "" || n.delta {
			return n, fmt.Errorf("%q comes after an action", word)
		}
		n.item = strings.HasPrefix(word, "{")
		switch {
		case n.item:
		case word == "delta()":
			n.delta = true
		case !known:
			action = word
		default:
			nouns = n.add(nouns, kind)
		}
	}
	if n.group == "" {
		return n, fmt.Errorf("what is it about?")
	}
	if n.group == "tags" && n.kind.noun == "member" {
		n.kind.typ = tagMember
	}
	return n.named(method, action, nouns)
}

// add adds a word of the path that names records, and returns the nouns of the id.
func (n *operationName) add(nouns []string, kind recordKind) []string {
	if kind.within {
		nouns = nil
	}
	// Replies and contents belong to messages.
	if last := len(nouns) - 1; last >= 0 && nouns[last] == "message" {
		nouns = nouns[:last]
	}
	// The chats of a person belong to the person.
	if kind.group != "" && (n.group == "" || kind.within) {
		n.group = kind.group
	}
	n.kind = kind
	return append(nouns, kind.noun)
}

// verbs are the verbs of methods, for one record and for all.
var verbs = map[string]string{"GET": "get", "POST": "create", "PATCH": "update", "PUT": "set", "DELETE": "delete"}

// listAll is a function that lists the messages of many places.
const listAll = "getAllMessages()"

func (n operationName) named(method, action string, nouns []string) (operationName, error) {
	verb := verbs[method]
	if verb == "" {
		return n, fmt.Errorf("%s is no method of Graph's", method)
	}
	whole := strings.Join(nouns, "-")
	switch {
	case action == listAll:
		n.id, n.list, n.noun = "list-all-"+whole+"-messages", true, "message"
		n.kind = recordKinds["messages"]
	case strings.HasSuffix(action, "()"):
		return n, fmt.Errorf("unknown function %q", action)
	case action != "":
		n.id = strings.ReplaceAll(bindings.Snake(action), "_", "-")
		if !strings.Contains("-"+n.id+"-", "-"+whole+"-") { // markChatReadForUser contains it
			n.id += "-" + whole
		}
	case n.delta:
		n.id, n.list, n.noun = "list-"+plural(whole)+"-delta", true, n.kind.noun
	case method == "GET" && !n.item && !n.kind.single:
		n.id, n.list, n.noun = "list-"+plural(whole), true, n.kind.noun
	default:
		n.id, n.noun = verb+"-"+whole, n.kind.noun
	}
	return n, nil
}

func plural(noun string) string {
	if stem, found := strings.CutSuffix(noun, "y"); found {
		return stem + "ies"
	}
	return noun + "s"
}
