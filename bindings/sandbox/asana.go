package sandbox

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

const (
	asanaWorkspace = "1200000000000001"
	asanaMe        = "1200000000000002"
	asanaTeam      = "1200000000000004"
	asanaProject   = "1200000000000005"
)

// asana is what Asana's paths leave out: records stand at the top, and refer
// to each other by gid.
func asana() *rules {
	person := func(gid, name, email string) object {
		return object{"gid": gid, "name": name, "email": email, "workspaces": []any{asanaWorkspace}}
	}
	return &rules{
		account: asanaWorkspace,
		ids:     []string{"gid"},
		id:      func(r *rand.Rand, _ string) string { return "12" + letters(r, 14, "0123456789") },
		stands: func(_ *app, param, value string) string {
			if param == "user_gid" && value == "me" {
				return asanaMe
			}
			return value
		},
		derive:     asanaDerived,
		operations: asanaOperations(),
		settle:     asanaSettle,
		show:       asanaShow,
		announce:   asanaAnnounce,
		wants:      asanaWants,
		seeds: map[string][]object{
			"workspaces": {{"gid": asanaWorkspace, "name": "Sandbox", "is_organization": true, "email_domains": []any{"sandbox.example"}}},
			"users":      {person(asanaMe, "Ada Sand", "ada@sandbox.example"), person("1200000000000003", "Ben Box", "ben@sandbox.example")},
			"teams":      {{"gid": asanaTeam, "name": "Everyone", "organization": asanaWorkspace}},
			"projects":   {{"gid": asanaProject, "name": "Launch", "workspace": asanaWorkspace, "team": asanaTeam}},
			"sections": {
				{"gid": "1200000000000006", "name": "To do", "project": asanaProject},
				{"gid": "1200000000000007", "name": "Done", "project": asanaProject},
			},
			"tags":             {{"gid": "1200000000000008", "name": "urgent", "workspace": asanaWorkspace}},
			"team_memberships": {{"gid": "1200000000000009", "user": asanaMe, "team": asanaTeam, "is_admin": true}},
			"workspace_memberships": {{"gid": "1200000000000010", "user": asanaMe, "workspace": asanaWorkspace, "is_active": true,
				"is_admin": true, "is_guest": false}},
		},
		invalid:   http.StatusBadRequest,
		fail:      failAsana,
		pageSize:  100,
		tokenLife: time.Hour,
		grant: func(authority) object {
			return object{"token_type": "bearer", "data": object{"gid": asanaMe, "name": "Ada Sand", "email": "ada@sandbox.example"}}
		},
		delivery: delivery{timeout: 10 * time.Second, attempts: 10, factor: 2, again: func(status int) bool { return status != http.StatusGone && notAccepted(status) }},
	}
}

// failAsana writes one error for each thing that is wrong.
func failAsana(f *failure, body object) int {
	delete(body, "error")
	const help = "For more information on API status codes and how to handle them, read the docs on errors: https://developers.asana.com/docs/errors"
	var all []any
	for _, p := range f.problems {
		path := strings.TrimPrefix(p.Path, "data.")
		message := path + ": Not the correct type: expected " + p.Want
		switch p.Kind {
		case missing:
			message = path + ": Missing input"
		case unknown:
			message = path + ": Unknown field"
		}
		all = append(all, object{"message": message, "help": help})
	}
	if len(all) == 0 {
		one := object{"message": f.message, "help": help}
		if f.status >= 500 {
			one = object{"message": "Server Error", "phrase": "6 sad squid snuggle softly"}
		}
		all = []any{one}
	}
	body["errors"] = all
	return 0
}

func asanaError(status int, message string) *failure {
	kind := bindings.Invalid
	if status == http.StatusNotFound {
		kind = bindings.NotFound
	}
	return &failure{status: status, kind: kind, message: message}
}

// asanaNouns are the resources that a path's word means where it is not the
// word itself.
var asanaNouns = map[string]string{"subtasks": "tasks", "dependencies": "tasks", "dependents": "tasks"}

// asanaHeld are the fields by which a record that is made below another holds
// it, where it is not the other's noun.
var asanaHeld = map[string]string{"tasks/subtasks": "parent", "tasks/stories": "target"}

// asanaDerived is what an operation means that no table names.
func asanaDerived(op *bindings.Operation) *rule {
	path := template(op.Path)
	top := path[0].text
	switch {
	case len(path) == 1 && op.Method == http.MethodGet:
		return &rule{verb: list, do: asanaList}
	case len(path) == 1 && op.Method == http.MethodPost:
		return &rule{verb: create, do: asanaCreate("")}
	case len(path) == 2 && op.Method == http.MethodPut:
		return &rule{verb: change, do: asanaChange}
	case len(path) == 2 && op.Method == http.MethodDelete:
		return &rule{verb: remove, do: asanaRemove}
	case len(path) != 3:
		return nil
	}
	word := path[2].text
	resource := word
	if other := asanaNouns[word]; other != "" {
		resource = other
	}
	held := asanaHeld[top+"/"+word]
	if held == "" {
		held = singular(top)
	}
	switch {
	case op.Method == http.MethodGet && op.Pages != nil:
		return &rule{verb: list, resource: resource, do: asanaBelow(top, word)}
	case op.Method == http.MethodPost && strings.ToLower(word) == word && word != "duplicate" && word != "approve" && word != "reject":
		return &rule{verb: create, resource: resource, do: asanaCreate(held)}
	case op.Method == http.MethodPost:
		for prefix, adds := range map[string]bool{"add": true, "remove": false} {
			if noun, is := strings.CutPrefix(word, prefix); is && asanaFields[asanaPlural(noun)] != "" {
				return &rule{verb: act, do: asanaMember(fold(noun), adds)}
			}
		}
		return &rule{verb: none}
	}
	return nil
}

func asanaOperations() map[string]*rule {
	return map[string]*rule{
		"GET /workspaces/{workspace_gid}/users": {verb: list, resource: "users", do: func(r *request) (result, *failure) {
			return asanaCut(r, r.app.store.all("users", nil)), nil
		}},
		"GET /workspaces/{workspace_gid}/users/{user_gid}": {verb: read, resource: "users", id: "user_gid"},
		"GET /events":                                {do: asanaFeed},
		"GET /workspaces/{workspace_gid}/events":     {do: asanaFeed},
		"POST /batch":                                {verb: none},
		"POST /rule_triggers/{rule_trigger_gid}/run": {verb: none},
		"POST /tasks/{task_gid}/setParent":           {verb: act, do: asanaParent},
		"POST /sections/{section_gid}/addTask":       {verb: act, do: asanaIntoSection},
	}
}

func asanaRefers(v any, gid string) bool {
	switch v := v.(type) {
	case string:
		return v == gid
	case object:
		return text(v["gid"]) == gid
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return asanaRefers(e, gid) })
	}
	return false
}

// asanaPlural is the field for several of a noun.
func asanaPlural(noun string) string { return strings.TrimSuffix(fold(noun), "s") + "s" }
