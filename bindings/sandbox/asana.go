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
func asana() *Rules {
	person := func(gid, name, email string) Object {
		return Object{"gid": gid, "name": name, "email": email, "workspaces": []any{asanaWorkspace}}
	}
	return &Rules{
		Account: asanaWorkspace,
		IDs:     []string{"gid"},
		NewID:   func(r *rand.Rand, _ string) string { return "12" + Letters(r, 14, "0123456789") },
		Param: func(_ *App, param, value string) string {
			if param == "user_gid" && value == "me" {
				return asanaMe
			}
			return value
		},
		Derive:     asanaDerived,
		Operations: asanaOperations(),
		Complete:   asanaComplete,
		Show:       asanaShow,
		Announce:   asanaAnnounce,
		Wants:      asanaWants,
		Defaults: map[string]Object{
			"tasks": {
				"completed": false, "resource_subtype": "default_task", "created_by": asanaMe, "followers": []any{asanaMe}, "projects": []any{}, "tags": []any{},
			},
			"projects": {"archived": false, "owner": asanaMe},
			"stories":  {"resource_subtype": "comment_added", "type": "comment", "created_by": asanaMe},
			"webhooks": {"active": true},
		},
		Seeds: map[string][]Object{
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
		InvalidStatus: http.StatusBadRequest,
		Fail:          failAsana,
		PageSize:      100,
		TokenLife:     time.Hour,
		Grant: func(Authority) Object {
			return Object{"token_type": "bearer", "data": Object{"gid": asanaMe, "name": "Ada Sand", "email": "ada@sandbox.example"}}
		},
		Sample: asanaSample(),
		Retry:  Retry{Timeout: 10 * time.Second, Attempts: 10, Factor: 2, Again: func(status int) bool { return status != http.StatusGone && NotAccepted(status) }},
	}
}

// failAsana writes one error for each thing that is wrong.
func failAsana(f *Failure, body Object) int {
	delete(body, "error")
	const help = "For more information on API status codes and how to handle them, read the docs on errors: https://developers.asana.com/docs/errors"
	var all []any
	for _, p := range f.Problems {
		path := strings.TrimPrefix(p.Path, "data.")
		message := path + ": Not the correct type: expected " + p.Want
		switch p.Kind {
		case Missing:
			message = path + ": Missing input"
		case Unknown:
			message = path + ": Unknown field"
		}
		all = append(all, Object{"message": message, "help": help})
	}
	if len(all) == 0 {
		one := Object{"message": f.Message, "help": help}
		if f.Status >= 500 {
			one = Object{"message": "Server Error", "phrase": "6 sad squid snuggle softly"}
		}
		all = []any{one}
	}
	body["errors"] = all
	return 0
}

func asanaError(status int, message string) *Failure {
	kind := bindings.Invalid
	if status == http.StatusNotFound {
		kind = bindings.NotFound
	}
	return &Failure{Status: status, Kind: kind, Message: message}
}

// asanaNouns are the resources that a path's word means where it is not the
// word itself.
var asanaNouns = map[string]string{"subtasks": "tasks", "dependencies": "tasks", "dependents": "tasks"}

// asanaHeld are the fields by which a record that is made below another holds
// it, where it is not the other's noun.
var asanaHeld = map[string]string{"tasks/subtasks": "parent", "tasks/stories": "target"}

// asanaDerived is what an operation means that no table names.
func asanaDerived(op *bindings.Operation) *Rule {
	path := strings.Split(strings.Trim(op.Path, "/"), "/")
	top := path[0]
	switch {
	case len(path) == 1 && op.Method == http.MethodGet:
		return &Rule{Verb: List, Do: asanaList}
	case len(path) == 1 && op.Method == http.MethodPost:
		return &Rule{Verb: Create, Do: asanaCreate("")}
	case len(path) == 2 && op.Method == http.MethodPut:
		return &Rule{Verb: Update, Do: asanaChange}
	case len(path) == 2 && op.Method == http.MethodDelete:
		return &Rule{Verb: Remove, Do: asanaRemove}
	case len(path) != 3:
		return nil
	}
	word := path[2]
	resource := word
	if other := asanaNouns[word]; other != "" {
		resource = other
	}
	held := asanaHeld[top+"/"+word]
	if held == "" {
		held = Singular(top)
	}
	switch {
	case op.Method == http.MethodGet && op.Pages != nil:
		return &Rule{Verb: List, Resource: resource, Do: asanaBelow(top, word)}
	case op.Method == http.MethodPost && strings.ToLower(word) == word && word != "duplicate" && word != "approve" && word != "reject":
		return &Rule{Verb: Create, Resource: resource, Do: asanaCreate(held)}
	case op.Method == http.MethodPost:
		for prefix, adds := range map[string]bool{"add": true, "remove": false} {
			if noun, is := strings.CutPrefix(word, prefix); is && asanaFields[asanaPlural(noun)] != "" {
				return &Rule{Verb: Act, Do: asanaMember(Fold(noun), adds)}
			}
		}
		return &Rule{Verb: None}
	}
	return nil
}

func asanaOperations() map[string]*Rule {
	return map[string]*Rule{
		"GET /workspaces/{workspace_gid}/users": {Verb: List, Resource: "users", Do: func(r *Call) (Result, *Failure) {
			return r.List(r.All("users", nil)), nil
		}},
		"GET /workspaces/{workspace_gid}/users/{user_gid}": {Verb: Read, Resource: "users", ID: "user_gid"},
		"GET /events":                            {Do: asanaFeed},
		"GET /workspaces/{workspace_gid}/events": {Do: asanaFeed},
		"POST /tasks": {Verb: Create, Do: asanaCreate(""), Requires: []Need{
			{OneOf: []string{"workspace", "projects", "parent"}, Message: "You should specify one of workspace, projects, parent"},
		}},
		"POST /projects": {Verb: Create, Do: asanaCreate(""), Requires: []Need{
			{OneOf: []string{"workspace", "team"}, Message: "You should specify one of workspace, team"},
		}},
		"POST /batch": {Verb: None},
		"POST /rule_triggers/{rule_trigger_gid}/run": {Verb: None},
		"POST /tasks/{task_gid}/setParent":           {Verb: Act, Do: asanaParent},
		"POST /sections/{section_gid}/addTask":       {Verb: Act, Do: asanaIntoSection},
	}
}

func asanaRefers(v any, gid string) bool {
	switch v := v.(type) {
	case string:
		return v == gid
	case Object:
		return Text(v["gid"]) == gid
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return asanaRefers(e, gid) })
	}
	return false
}

// asanaPlural is the field for several of a noun.
func asanaPlural(noun string) string { return strings.TrimSuffix(Fold(noun), "s") + "s" }

func asanaSample() Sample {
	sync := Object{"sync": asanaToken(1, 0)}
	return Sample{
		Body: map[string]Object{
			"POST /tasks":                          {"workspace": asanaWorkspace},
			"POST /projects":                       {"workspace": asanaWorkspace},
			"POST /sections/{section_gid}/addTask": {"task": "there"},
		},
		Query: map[string]Object{"GET /events": sync, "GET /workspaces/{workspace_gid}/events": sync},
		Prepare: func(a *App, _ *bindings.Operation) {
			a.Make("tasks", "there", Object{"name": "There"}, nil)
		},
	}
}
