package bindingstest

import (
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

const pollCatalogue = valid + `operation shops.list {"id":"s","method":"GET","path":"/shops","in_query":["since: string"],"answer":"#Shops","pages":{"items":"data"}}
operation shops.search {"id":"p","method":"GET","path":"/shops/{shop}/things","in_path":["shop!: string"],"in_query":["token: string","since: string","from: string"],"answer":"#Found","pages":{"items":"data"}}
type Shops {"fields":["data: [#Shop]"]}
type Shop {"fields":["id: string"]}
type Found {"fields":["data: [#Item]","token: string"]}
type Item {"fields":["key: string","title: string","at: string","stage: string"]}
type Thing2 {"fields":["id: string","name: string","stage: string"]}
trigger acme.thing.updated {"vendor":"ThingUpdate","record":"id","data":"#Thing2"}
trigger acme.thing.moved {"record":"id","data":"#Thing2"}
`

// appWithPoll returns an app with one poll that has all fields.
func appWithPoll(t *testing.T) *bindings.App {
	a := app(t, pollCatalogue)
	a.Polls = []bindings.Poll{{
		Name: "things", Every: time.Minute, Auths: []string{"token"},
		ForEach: &bindings.ForEach{List: bindings.Call{Operation: "shops.list"}, ID: "id"},
		List:    bindings.Call{Operation: "shops.search", Args: map[string]any{"shop": "{of.id}", "since": "{since}"}},
		Sync:    &bindings.Sync{Param: "token", Answer: "token", Without: []string{"since"}, Expired: []int{410}, Deleted: map[string]string{"stage": "gone"}},
		Record:  "key", Updated: "at", Created: "at",
		Data:      map[string]string{"id": "key", "name": "title", "stage": "stage", "shop": "of.id", "account": "{account}"},
		Compare:   []string{"name"},
		OnUpdated: "acme.thing.updated",
		Facets:    []bindings.Facet{{Trigger: "acme.thing.moved", Compare: []string{"stage"}, When: map[string]string{"stage": "done"}}},
	}}
	return a
}

func TestPolls(t *testing.T) {
	var found notes
	testPolls(&found, appWithPoll(t))
	if len(found) > 0 {
		t.Errorf("problems of a valid app: %q", found)
	}
	for _, test := range []struct {
		change func(p *bindings.Poll)
		want   string
	}{
		{func(p *bindings.Poll) { p.Name = "" }, "expected a name of its own"},
		{func(p *bindings.Poll) { p.Every = 0 }, "Every 0s"},
		{func(p *bindings.Poll) { p.Auths = []string{"key"} }, `no way "key" to authorise`},
		{func(p *bindings.Poll) { p.List.Operation = "shops.find" }, `there is no operation "shops.find"`},
		{func(p *bindings.Poll) { p.List.Args = nil }, `shops.search requires "shop"`},
		{func(p *bindings.Poll) { p.List.Args["after"] = "{since}" }, `has no argument "after"`},
		{func(p *bindings.Poll) { p.List.Args["since"] = "{until}" }, "{until} has no value here"},
		{func(p *bindings.Poll) { p.List.Args["from"] = "{from}" }, "{from} has no value here"},
		{func(p *bindings.Poll) { p.List = bindings.Call{Operation: "shop.show"} }, "shop.show is no list with pages"},
		{func(p *bindings.Poll) { p.ForEach.ID = "name" }, `#Shop has no field "name"`},
		{func(p *bindings.Poll) { p.ForEach = nil }, "{of.id} has no value here"},
		{func(p *bindings.Poll) { p.Record = "" }, "Record is empty"},
		{func(p *bindings.Poll) { p.Record = "id" }, `#Item has no field "id"`},
		{func(p *bindings.Poll) { p.Updated = "updated" }, `#Item has no field "updated"`},
		{func(p *bindings.Poll) { p.Deleted = map[string]string{"deleted": "true"} }, `#Item has no field "deleted"`},
		{func(p *bindings.Poll) { p.Data["name"] = "name" }, `#Item has no field "name"`},
		{func(p *bindings.Poll) { p.Adds = map[string]string{"shop": "name"} }, `#Shop has no field "name"`},
		{func(p *bindings.Poll) { p.Adds = map[string]string{"shop": "of.id"} }, "the list is not read for items"},
		{func(p *bindings.Poll) { p.ForEach, p.PerItem = nil, true }, "PerItem, and the list is not read for items"},
		{func(p *bindings.Poll) { p.NewestFirst, p.Updated = true, "" }, "needs Updated"},
		{func(p *bindings.Poll) { p.Sync.Param = "page" }, `has no argument "page"`},
		{func(p *bindings.Poll) { p.Sync.Answer = "next" }, `#Found has no field "next"`},
		{func(p *bindings.Poll) { p.Sync.Deleted = map[string]string{"gone": "true"} }, `#Item has no field "gone"`},
		{func(p *bindings.Poll) { p.Sync.Expired = []int{200} }, "status 200 is no refusal of a token"},
		{func(p *bindings.Poll) { p.Sync.Feed, p.Sync.Complete = true, true }, "it cannot be Complete"},
		{func(p *bindings.Poll) { p.Series = "series" }, `#Item has no field "series"`},
		{func(p *bindings.Poll) { p.Sync.Feed = true }, "Triggers is empty"},
		{func(p *bindings.Poll) { p.OnUpdated, p.Facets = "", nil }, "it has no triggers"},
		{func(p *bindings.Poll) { p.OnUpdated = "acme.thing.changed" }, `there is no trigger "acme.thing.changed"`},
		{func(p *bindings.Poll) { p.Compare = nil }, "Compare does not have"},
		{func(p *bindings.Poll) { p.Compare = []string{"title"} }, `#Thing2 has no field "title"`},
		{func(p *bindings.Poll) { delete(p.Data, "name") }, `event.data has nothing at "name"`},
		{func(p *bindings.Poll) { p.Facets[0].Compare = nil }, "Compare is empty"},
		{func(p *bindings.Poll) { p.Facets[0].When = map[string]string{"done": "yes"} }, `#Thing2 has no field "done"`},
		{func(p *bindings.Poll) { p.Window.Past, p.OnDeleted = time.Hour, "acme.thing.created" }, "there can be no OnDeleted"},
		{func(p *bindings.Poll) { p.Window.Past, p.Created = time.Hour, "" }, "Created is needed"},
		{func(p *bindings.Poll) { p.ForEach.List.Args, p.Created = map[string]any{"since": "{since}"}, "" }, "Created is needed"},
	} {
		var found notes
		a := appWithPoll(t)
		test.change(&a.Polls[0])
		testPolls(&found, a)
		if !strings.Contains(strings.Join(found, "\n"), test.want) {
			t.Errorf("found %q, expected %q", found, test.want)
		}
	}
}
