package asana

import (
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidewire/tidewire/bindings"
	"github.com/tidewire/tidewire/bindings/sandbox"
)

const (
	workspaceID = "1200000000000001"
	userID      = "1200000000000002"
	teamID      = "1200000000000004"
	projectID   = "1200000000000005"
)

// Rules defines what Asana's documents do not, for the sandbox. Records are at the
// top of paths, and name each other by gid.
func Rules() *sandbox.Rules {
	person := func(gid, name, email string) sandbox.Object {
		return sandbox.Object{"gid": gid, "name": name, "email": email, "workspaces": []any{workspaceID}}
	}
	return &sandbox.Rules{
		Account: workspaceID,
		IDs:     []string{"gid"},
		NewID:   func(r *rand.Rand, _ string) string { return "12" + sandbox.Letters(r, 14, "0123456789") },
		Param: func(a *sandbox.App, param, value string) string {
			external, isExternal := strings.CutPrefix(value, "external:")
			switch {
			case param == "user_gid" && value == "me":
				return userID
			case param == "task_gid" && isExternal:
				return taskByExternal(a, external)
			}
			return value
		},
		Derive:     derive,
		Operations: operations(),
		Complete:   complete,
		Show:       show,
		Events:     events,
		Receives:   receives,
		Defaults: map[string]sandbox.Object{
			"tasks": {
				"completed": false, "resource_subtype": "default_task", "created_by": userID, "followers": []any{userID}, "projects": []any{}, "tags": []any{},
			},
			"projects": {"archived": false, "owner": userID},
			"stories":  {"resource_subtype": "comment_added", "type": "comment", "created_by": userID},
			"webhooks": {"active": true},
		},
		Seeds: map[string][]sandbox.Object{
			"workspaces": {{"gid": workspaceID, "name": "Sandbox", "is_organization": true, "email_domains": []any{"sandbox.example"}}},
			"users":      {person(userID, "Ada Sand", "ada@sandbox.example"), person("1200000000000003", "Ben Box", "ben@sandbox.example")},
			"teams":      {{"gid": teamID, "name": "Everyone", "organization": workspaceID}},
			"projects":   {{"gid": projectID, "name": "Launch", "workspace": workspaceID, "team": teamID}},
			"sections": {
				{"gid": "1200000000000006", "name": "To do", "project": projectID},
				{"gid": "1200000000000007", "name": "Done", "project": projectID},
			},
			"tags":             {{"gid": "1200000000000008", "name": "urgent", "workspace": workspaceID}},
			"team_memberships": {{"gid": "1200000000000009", "user": userID, "team": teamID, "is_admin": true}},
			"workspace_memberships": {{"gid": "1200000000000010", "user": userID, "workspace": workspaceID, "is_active": true,
				"is_admin": true, "is_guest": false}},
		},
		InvalidStatus: http.StatusBadRequest,
		Fail:          fail,
		PageSize:      100,
		TokenLifetime: time.Hour,
		TokenFields: func(sandbox.Grant) sandbox.Object {
			return sandbox.Object{"token_type": "bearer", "data": sandbox.Object{"gid": userID, "name": "Ada Sand", "email": "ada@sandbox.example"}}
		},
		Sample: sample(),
		Retry:  sandbox.Retry{Timeout: 10 * time.Second, Attempts: 10, Factor: 2, ShouldRetry: func(status int) bool { return status != http.StatusGone && sandbox.NotAccepted(status) }},
	}
}

// fail writes one error for each problem.
func fail(f *sandbox.Failure, body sandbox.Object) int {
	delete(body, "error")
	const help = "For more information on API status codes and how to handle them, read the docs on errors: https://developers.asana.com/docs/errors"
	var all []any
	for _, p := range f.Problems {
		path := strings.TrimPrefix(p.Path, "data.")
		message := path + ": Not the correct type: expected " + p.Want
		switch p.Kind {
		case sandbox.Missing:
			message = path + ": Missing input"
		case sandbox.Unknown:
			message = path + ": Unknown field"
		}
		all = append(all, sandbox.Object{"message": message, "help": help})
	}
	if len(all) == 0 {
		one := sandbox.Object{"message": f.Message, "help": help}
		if f.Status >= 500 {
			one = sandbox.Object{"message": "Server Error", "phrase": "6 sad squid snuggle softly"}
		}
		all = []any{one}
	}
	body["errors"] = all
	return 0
}

func refuse(status int, message string) *sandbox.Failure {
	kind := bindings.Invalid
	if status == http.StatusNotFound {
		kind = bindings.NotFound
	}
	return &sandbox.Failure{Status: status, Kind: kind, Message: message}
}

// resourceOf is the resource that a word of a path names, if it is not the word
// itself.
var resourceOf = map[string]string{"subtasks": "tasks", "dependencies": "tasks", "dependents": "tasks"}

// parentField is the field in which a record that is created below another one
// names it, if it is not the other's noun.
var parentField = map[string]string{"tasks/subtasks": "parent", "tasks/stories": "target"}

// derive returns the rule of an operation that operations does not name.
func derive(op *bindings.Operation) *sandbox.Rule {
	path := strings.Split(strings.Trim(op.Path, "/"), "/")
	top := path[0]
	switch {
	case len(path) == 1 && op.Method == http.MethodGet:
		return &sandbox.Rule{Verb: sandbox.List, Do: list}
	case len(path) == 1 && op.Method == http.MethodPost:
		return &sandbox.Rule{Verb: sandbox.Create, Do: create("")}
	case len(path) == 2 && op.Method == http.MethodPut:
		return &sandbox.Rule{Verb: sandbox.Update, Do: update}
	case len(path) == 2 && op.Method == http.MethodDelete:
		return &sandbox.Rule{Verb: sandbox.Remove, Do: remove}
	case len(path) != 3:
		return nil
	}
	word := path[2]
	resource := word
	if other := resourceOf[word]; other != "" {
		resource = other
	}
	field := parentField[top+"/"+word]
	if field == "" {
		field = sandbox.Singular(top)
	}
	switch {
	case op.Method == http.MethodGet && op.Pages != nil:
		return &sandbox.Rule{Verb: sandbox.List, Resource: resource, Do: listBelow(top, word)}
	case op.Method == http.MethodPost && strings.ToLower(word) == word && word != "duplicate" && word != "approve" && word != "reject":
		return &sandbox.Rule{Verb: sandbox.Create, Resource: resource, Do: create(field)}
	case op.Method == http.MethodPost:
		for prefix, adds := range map[string]bool{"add": true, "remove": false} {
			if noun, is := strings.CutPrefix(word, prefix); is && fieldResources[plural(noun)] != "" {
				return &sandbox.Rule{Verb: sandbox.Act, Do: changeMembers(sandbox.Fold(noun), adds)}
			}
		}
		return &sandbox.Rule{Verb: sandbox.None}
	}
	return nil
}

func operations() map[string]*sandbox.Rule {
	return map[string]*sandbox.Rule{
		"GET /workspaces/{workspace_gid}/users": {Verb: sandbox.List, Resource: "users", Do: func(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
			return r.List(r.All("users", nil)), nil
		}},
		"GET /workspaces/{workspace_gid}/users/{user_gid}": {Verb: sandbox.Read, Resource: "users", ID: "user_gid"},
		"GET /events":                            {Do: feedSince},
		"GET /workspaces/{workspace_gid}/events": {Do: feedSince},
		"POST /tasks": {Verb: sandbox.Create, Do: create(""), Requires: []sandbox.Requirement{
			{OneOf: []string{"workspace", "projects", "parent"}, Message: "You should specify one of workspace, projects, parent"},
		}},
		"POST /projects": {Verb: sandbox.Create, Do: create(""), Requires: []sandbox.Requirement{
			{OneOf: []string{"workspace", "team"}, Message: "You should specify one of workspace, team"},
		}},
		"POST /batch": {Verb: sandbox.None},
		"POST /rule_triggers/{rule_trigger_gid}/run": {Verb: sandbox.None},
		"POST /tasks/{task_gid}/setParent":           {Verb: sandbox.Act, Do: setParent},
		"POST /sections/{section_gid}/addTask":       {Verb: sandbox.Act, Do: addTask},
	}
}

func refers(v any, gid string) bool {
	switch v := v.(type) {
	case string:
		return v == gid
	case sandbox.Object:
		return sandbox.Text(v["gid"]) == gid
	case []any:
		return slices.ContainsFunc(v, func(e any) bool { return refers(e, gid) })
	}
	return false
}

// plural is the field that lists records of a noun.
func plural(noun string) string { return strings.TrimSuffix(sandbox.Fold(noun), "s") + "s" }

func sample() sandbox.Sample {
	sync := sandbox.Object{"sync": syncToken(1, 0)}
	return sandbox.Sample{
		Body: map[string]sandbox.Object{
			"POST /tasks":                          {"workspace": workspaceID},
			"POST /projects":                       {"workspace": workspaceID},
			"POST /sections/{section_gid}/addTask": {"task": "there"},
		},
		Query: map[string]sandbox.Object{"GET /events": sync, "GET /workspaces/{workspace_gid}/events": sync},
		Prepare: func(a *sandbox.App, _ *bindings.Operation) {
			a.Make("tasks", "there", sandbox.Object{"name": "There"}, nil)
		},
	}
}

// taskByExternal returns the gid of the task that an app has under a gid of its
// own, empty if there is none.
func taskByExternal(a *sandbox.App, gid string) string {
	for _, task := range a.All("tasks", nil) {
		if sandbox.Text(sandbox.Lookup(task.Fields, "external.gid")) == gid {
			return task.ID
		}
	}
	return ""
}
