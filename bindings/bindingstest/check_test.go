package bindingstest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

type notes []string

func (n *notes) Error(args ...any)                 { *n = append(*n, fmt.Sprint(args...)) }
func (n *notes) Errorf(format string, args ...any) { *n = append(*n, fmt.Sprintf(format, args...)) }

const valid = `operation things.list {"id":"l","method":"GET","path":"/things","in_query":["account: string","cursor: string"],"account":"account","scopes":["things.read"],"answer":"#Things","pages":{"items":"things","cursors":{"cursor":"next"}}}
operation things.create {"id":"c","method":"POST","path":"/things","body":{"encoding":"json","type":"#Thing"},"own_key":{"args":{"id":"{key}"},"auths":["token"]},"find":[{"with":["name"],"operation":"things.search","args":{"account":"{args.name}"},"match":{"name":"{args.name}"},"answer":{"id":"{found.id}"}}],"answer":"#Thing"}
operation things.search {"id":"f","method":"GET","path":"/search","in_query":["account: string"],"answer":"#Things","pages":{"items":"things"}}
operation shop.show {"id":"s","method":"GET","path":"/shop"}
operation things.update {"id":"u","method":"PUT","path":"/things/{id}","in_path":["id!: string"],"body":{"encoding":"json","type":"#Thing"},"idempotent":"sets the same again","idempotent_with":["name"]}
type Thing {"fields":["id: string","name: string"]}
type Things {"fields":["things: [#Thing]","next: string"]}
trigger acme.thing.created {"vendor":"ThingCreate","record":"id","data":"#Thing"}
`

func app(t *testing.T, catalogue string) *bindings.App {
	t.Helper()
	c, err := bindings.ParseCatalogue([]byte(catalogue))
	if err != nil {
		t.Fatal(err)
	}
	return &bindings.App{
		Name: "acme", Title: "Acme", BaseURL: "https://api.acme.example", Docs: "https://acme.example",
		Auth:      []bindings.Auth{{Name: "token", Fields: []string{"token"}, Header: "Authorization", Format: "Bearer {token}"}},
		Test:      &bindings.Test{Operation: "shop.show"},
		Account:   bindings.Account{Noun: "shop"},
		Limits:    []bindings.Limit{{Requests: 1, Per: time.Second, Scope: bindings.PerHost}},
		Webhook:   &bindings.Webhook{Type: "type"},
		Catalogue: c,
	}
}

func problemsOf(a *bindings.App) notes {
	var n notes
	testApp(&n, a)
	testAuth(&n, a)
	for _, c := range a.Catalogues() {
		testCatalogue(&n, c)
	}
	if len(n) == 0 {
		testEditions(&n, a)
		for _, c := range a.Catalogues() {
			testOperations(&n, a, c)
			testPages(&n, c)
		}
		testTriggers(&n, a)
	}
	return n
}

// TestValid checks that a valid app has no problem, TestBroken that each invalid
// one has.
func TestValid(t *testing.T) {
	if found := problemsOf(app(t, valid)); len(found) > 0 {
		t.Errorf("problems of a valid app: %q", found)
	}
}

func TestBroken(t *testing.T) {
	for _, test := range []struct{ old, broken, want string }{
		{"things.list", "things.end", "a script cannot write this name"},
		{"things.list", "things.List", "a script cannot write this name"},
		{"operation things.update", "operation request.update", "the group hides acme.request"},
		{`"path":"/things/{id}"`, `"path":"/things/{thing}"`, `has ["thing"], declared are ["id"]`},
		{`"in_path":["id!: string"]`, `"in_path":["id: string"]`, `path parameter "id" is not required`},
		{`"account":"account"`, `"account":"shop"`, `the account's parameter "shop" is none of its arguments`},
		{`"account":"account"`, `"account":"account","join":{"cursor":","}`, `"cursor" is written as one text, and is no list of the query`},
		{`"cursors":{"cursor":"next"}`, `"cursors":{"after":"next"}`, `"after" is none of its arguments`},
		{`"cursors":{"cursor":"next"}`, `"cursors":{"cursor":"meta.next"}`, `#Things has no field "meta"`},
		{`"cursors":{"cursor":"next"}`, `"cursors":{"cursor":"item:uid"}`, `#Thing has no field "uid"`},
		{`"cursors":{"cursor":"next"}`, `"url":"more"`, `#Things has no field "more"`},
		{`"cursors":{"cursor":"next"}`, `"url":"account"`, `"account" is one of its other arguments`},
		{`"cursors":{"cursor":"next"}`, `"url":"next","offset":"cursor"`, `2 ways to read its pages`},
		{`,"pages":{"items":"things","cursors":{"cursor":"next"}}`, ``, `things.list has the parameter "cursor" and answers a list`},
		{`,"cursors":{"cursor":"next"}`, ``, `things.list has the parameter "cursor", and its pages do not use it`},
		{`"items":"things","cursors"`, `"items":"*","cursors"`, `the answer is declared`},
		{`"cursors":{"cursor":"next"}`, `"cursors":{"cursor":"next"},"zero":true`, `the first page is 0, and no parameter has the number of the page`},
		{`"cursors":{"cursor":"next"}`, `"cursors":{"cursor":"next"},"with":{"all":"true"}`, `"all" is none of its arguments`},
		{`"cursors":{"cursor":"next"}`, `"page":"cursor","size":5`, `size_param "" and size 5 go together`},
		{`"items":"things"`, `"items":"next"`, `items "next" is of type string, expected a list`},
		{`"items":"things",`, ``, `pages has no items; set the path of the list in #Things`},
		{`"items":"things"`, `"items":"data"`, `#Things has no field "data"`},
		{`"idempotent_with":["name"]`, `"idempotent_with":["email"]`, `idempotent by "email"`},
		{`"method":"GET"`, `"method":"GET","idempotent":"reads"`, `things.list only reads`},
		{`{"args":{"id":"{key}"}`, `{"args":{"uid":"{key}"}`, `things.create: own_key: "uid" is none of its arguments`},
		{`"auths":["token"]`, `"auths":["oauth"]`, `own_key: there is no way to authorise called "oauth"`},
		{`"with":["name"]`, `"with":["title"]`, `find.0: "title" is none of its arguments`},
		{`{"account":"{args.name}"}`, `{"shop":"{args.name}"}`, `find.0: things.search has no argument "shop"`},
		{`{"account":"{args.name}"}`, `{"account":"{args.title}"}`, `{args.title}: "title" is none of its arguments`},
		{`"match":{"name"`, `"match":{"title"`, `#Thing has no field "title"`},
		{`"{found.id}"`, `"{found.uid}"`, `#Thing has no field "uid"`},
		{`"answer":{"id"`, `"answer":{"uid"`, `answer: #Thing has no field "uid"`},
		{`"method":"PUT"`, `"method":"SET"`, `method "SET"`},
		{`"method":"PUT"`, `"method":"GET"`, "a GET with a body"},
		{`"encoding":"json"`, `"encoding":"xml"`, `encoding "xml"`},
		{`"encoding":"json","type":"#Thing"`, `"encoding":"json","type":"#Thong"`, "there is no type #Thong"},
		{`"name: string"`, `"name: file"`, `"name" is a file in a body of json`},
		{`"name: string"`, `"name: strong"`, "expected a type ("},
		{`"name: string"`, `"id: string"`, `"id" is declared twice`},
		{`{"fields":["things: [#Thing]","next: string"]}`, `{"is":"#Things"}`, "#Things is itself"},
		{`acme.thing.created`, `acme.thing.create`, "expected a verb in the past"},
		{`acme.thing.created`, `other.thing.created`, "expected acme.noun.verb_past"},
		{`"record":"id"`, `"record":"id","form":"click"`, `the form "click", which the app does not have`},
		{`"record":"id"`, `"decides":{"answer":["value"]}`, `decides: "value": #Thing has no field "value"`},
		{`"record":"id"`, `"decides":{"by":"name"}`, "decides, and there is no path of the answer"},
		{`"record":"id"`, `"respond_within":"2m"`, "respond_within 2m0s: expected a minute at most, and a webhook"},
		{`"record":"id"`, `"recrd":"id"`, `catalogue line 8: acme.thing.created: unknown key "recrd"; did you mean "record"?`},
		{`"record":"id"`, `"record":"uid"`, `record: "uid": #Thing has no field "uid"`},
		{`"vendor":"ThingCreate",`, ``, "acme.thing.created has no vendor, the type of its webhook, and no poll makes it"},
		{"trigger acme.thing.created", `trigger acme.thing.made {"vendor":"ThingCreate"}` + "\ntrigger acme.thing.created", "cannot be distinguished"},
		{"operation things.list", `operation things.all {"id":"a","method":"GET","path":"/things"}` + "\noperation things.list", "are both GET /things"},
		{`"method":"PUT"`, `"method":"PUT","limit":"slow"`, `the app has no limit "slow"`},
		{`"method":"PUT"`, `"method":"PUT","key":true`, "the app has no header for it"},
	} {
		if !strings.Contains(valid, test.old) {
			t.Fatalf("%q is not in the valid catalogue", test.old)
		}
		found := problemsOf(app(t, strings.Replace(valid, test.old, test.broken, 1)))
		if !strings.Contains(strings.Join(found, "\n"), test.want) {
			t.Errorf("%s for %s: found %q, expected %q", test.broken, test.old, found, test.want)
		}
	}
}

// oauth returns a function that adds a valid way with one change.
func oauth(change func(*bindings.OAuth)) func(*bindings.App) {
	return func(a *bindings.App) {
		way := bindings.Auth{Name: "oauth", Fields: []string{"client_id"}, Header: "Authorization", Format: "Bearer {access_token}",
			OAuth: &bindings.OAuth{AuthorizeURL: "https://acme.example/a", TokenURL: "https://acme.example/t", Rotates: true, Grace: time.Second}}
		change(way.OAuth)
		a.Auth = append(a.Auth, way)
	}
}

func TestBrokenApp(t *testing.T) {
	for _, test := range []struct {
		change func(*bindings.App)
		want   string
	}{
		{func(a *bindings.App) { a.Name = "Acme" }, `name "Acme"`},
		{func(a *bindings.App) { a.BaseURL = "http://api.acme.example" }, "expected https"},
		{func(a *bindings.App) { a.BaseURL += "/" }, "ends with a slash"},
		{func(a *bindings.App) { a.Auth[0].Format = "Bearer {secret}" }, "{secret}"},
		{func(a *bindings.App) { a.Auth = nil }, "no way to authorise"},
		{func(a *bindings.App) { a.Auth = append(a.Auth, a.Auth[0]) }, `way "token": expected a name of its own`},
		{func(a *bindings.App) { a.Auth[0].Plain = []string{"tenant"} }, `"tenant" is plain and no setting`},
		{func(a *bindings.App) { a.Auth[0].Defaults = map[string]string{"token": "x"} }, `"token" has a default and is not optional`},
		{oauth(func(o *bindings.OAuth) { o.TokenURL = "http://acme.example" }), `TokenURL "http://acme.example": expected https`},
		{oauth(func(o *bindings.OAuth) { o.AuthorizeURL = "" }), `AuthorizeURL "": expected https`},
		{oauth(func(o *bindings.OAuth) { o.TokenURL = "https://acme.example/{tenant}" }), "{tenant}"},
		{oauth(func(o *bindings.OAuth) { o.TokenAuth = "smoke" }), `unknown TokenAuth "smoke"`},
		{oauth(func(o *bindings.OAuth) { o.Rotates = false }), "a grace of 1s"},
		{oauth(func(o *bindings.OAuth) { o.Scopes.ReadOnly = []string{"things.peek"} }), `no operation or trigger needs the scope "things.peek"`},
		{func(a *bindings.App) { a.Test = nil }, "Test is nil"},
		{func(a *bindings.App) { a.Test = &bindings.Test{Operation: "things.update"} }, `reads only, found "things.update"`},
		{func(a *bindings.App) {
			a.Test = &bindings.Test{Operation: "things.list", Args: map[string]string{"x": ""}}
		}, `no parameter "x"`},
		{func(a *bindings.App) { a.Test = &bindings.Test{Operation: "things.list", Account: "shop"} }, `no field "shop"`},
		{func(a *bindings.App) { a.Test.Others = []string{"things.update"} }, `needs only the account, found "things.update"`},
		{func(a *bindings.App) {
			op, _ := a.Operation("shop.show")
			op.Scopes = []string{"shop.read"}
		}, `nothing tests a connection with the scope "things.read" alone; things.list would`},
		{func(a *bindings.App) { a.Variants = []bindings.Variant{{Name: "boss"}, {Name: "boss"}} }, `variant "boss": expected a name of its own`},
		{func(a *bindings.App) {
			a.Variants = []bindings.Variant{{Name: "boss", Parent: true}, {Name: "chief", Parent: true}}
		}, "2 variants are parents"},
		{func(a *bindings.App) { a.Limits[0].Per = 0 }, "1 requests per 0s"},
		{func(a *bindings.App) { a.Limits[0].Scope = "moon" }, `unknown scope "moon"`},
		{func(a *bindings.App) { a.Webhook = nil }, "the app sends none"},
		{func(a *bindings.App) { a.KeyHeader = "Idempotency-Key" }, "go together"},
	} {
		a := app(t, valid)
		test.change(a)
		if found := strings.Join(problemsOf(a), "\n"); !strings.Contains(found, test.want) {
			t.Errorf("found %q, expected %q", found, test.want)
		}
	}
}

// TestBrokenAccounts: each change makes it unclear for whom a webhook is.
func TestBrokenAccounts(t *testing.T) {
	webhook := func(change func(*bindings.App)) *bindings.App {
		a := app(t, valid)
		a.Auth[0].Optional = []string{"client_id"}
		a.Account.Paths = []string{"shop"}
		a.Webhook = &bindings.Webhook{
			Type: "type", SharedKey: new(true), AppID: &bindings.AppID{Path: "id"}, Installed: []string{"ThingCreate"},
			Signatures: []bindings.Signature{{Name: "ed25519", Algorithm: bindings.Ed25519, Key: "the vendor's"}},
		}
		change(a)
		return a
	}
	for _, test := range []struct {
		change func(*bindings.App)
		want   string
	}{
		{func(*bindings.App) {}, ""},
		{func(a *bindings.App) { a.Webhook.SharedKey = new(false) }, ""},
		{func(a *bindings.App) { a.Webhook.SharedKey = nil }, "SharedKey is set: false, a signature has the vendor's key: true"},
		{func(a *bindings.App) { a.Webhook.Signatures[0].Key = "" }, "SharedKey is set: true, a signature has the vendor's key: false"},
		{func(a *bindings.App) { a.Account.Paths = nil }, "no webhook could be accepted"},
		{func(a *bindings.App) { a.Webhook.AppID = nil }, "an installation of another app would count"},
		{func(a *bindings.App) { a.Webhook.AppID.Path = "appId" }, `acme.thing.created: AppID: "appId": #Thing has no field "appId"`},
		{func(a *bindings.App) { a.Auth[0].Optional = nil }, "a way to authorise that has a client_id"},
	} {
		var found notes
		checkAccounts(&found, webhook(test.change))
		if text := strings.Join(found, "\n"); test.want == "" && text != "" || !strings.Contains(text, test.want) {
			t.Errorf("found %q, expected %q", text, test.want)
		}
	}
}

func TestBrokenEdition(t *testing.T) {
	const v2 = `operation things.list {"id":"l","method":"GET","path":"/things"}
operation things.update {"id":"u","method":"PUT","path":"/things/{thing}","in_path":["thing!: string"]}
`
	for _, test := range []struct{ name, text, want string }{
		{"v2", v2, ""},
		{"V2", v2, `edition "V2": expected a name of its own`},
		{"things", v2, `edition "things": the app has a group of this name`},
		{"v2", strings.Replace(v2, "things.update", "things.replace", 1), "v2.things.replace: PUT /things/{} is called things.update by the app"},
		{"v2", v2 + `trigger acme.thing.deleted {"vendor":"ThingDelete"}`, `edition "v2" has 1 triggers`},
		{"v2", strings.Replace(v2, "things.list", "things.end", 1), "v2.things.end: a script cannot write this name"},
	} {
		a := app(t, valid)
		edition, err := bindings.ParseEdition(test.name, []byte(test.text))
		if err != nil {
			t.Fatal(err)
		}
		a.Editions = []bindings.Edition{edition}
		found := strings.Join(problemsOf(a), "\n")
		if test.want == "" && found != "" || !strings.Contains(found, test.want) {
			t.Errorf("edition %s of %s: found %q, expected %q", test.name, test.text, found, test.want)
		}
	}
}
