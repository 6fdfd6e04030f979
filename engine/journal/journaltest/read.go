package journaltest

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

var versionTests = map[string]func(f *fixture){
	"the sources of a version are stored": func(f *fixture) {
		v := journal.Version{Hash: "h1", Script: "crm", Main: "crm.lua", Sources: map[string]string{"crm.lua": "on()", "lib/x.lua": "é"},
			Params: json.RawMessage(`{"channel":"#x"}`), Format: 3, Created: day}
		if err := f.store.SetLive(f.ctx, []journal.Version{v, {Hash: "h2", Script: "empty"}}, nil); err != nil {
			f.Fatal(err)
		}
		f.reopen()
		got, err := f.store.Version(f.ctx, "h1")
		if err != nil {
			f.Fatal(err)
		}
		want(f, "version", fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", v))
		got, err = f.store.Version(f.ctx, "h2")
		if err != nil || got.Script != "empty" || got.Created.IsZero() {
			f.Errorf("found %+v, %v", got, err)
		}
	},
	"a version that is stored already is skipped": func(f *fixture) {
		for _, text := range []string{"first", "second"} {
			v := journal.Version{Hash: "h1", Script: "crm", Main: "crm.lua", Sources: map[string]string{"crm.lua": text}, Created: day}
			if err := f.store.SetLive(f.ctx, []journal.Version{v}, nil); err != nil {
				f.Fatal(err)
			}
		}
		got, _ := f.store.Version(f.ctx, "h1")
		want(f, "source", got.Sources["crm.lua"], "first")
	},
	"a version that a hook has can be stored later": func(f *fixture) {
		f.queue(1, "c_1", hook("new"))
		_, err := f.store.Version(f.ctx, "v1")
		f.wantErr(err, journal.ErrNotFound)
		if err := f.store.SetLive(f.ctx, []journal.Version{{Hash: "v1", Script: "crm"}}, nil); err != nil {
			f.Fatal(err)
		}
		got, err := f.store.Version(f.ctx, "v1")
		if err != nil || got.Script != "crm" {
			f.Errorf("found %+v, %v", got, err)
		}
	},
	"a script has one live version": func(f *fixture) {
		for _, change := range []struct {
			live    []journal.Version
			removed []string
			want    string
		}{
			{nil, nil, "map[]"},
			{[]journal.Version{{Hash: "h1", Script: "crm"}, {Hash: "h2", Script: "report"}}, nil, "map[crm:h1 report:h2]"},
			{[]journal.Version{{Hash: "h3", Script: "crm"}}, nil, "map[crm:h3 report:h2]"},
			{[]journal.Version{{Hash: "h1", Script: "crm"}}, []string{"report", "unknown"}, "map[crm:h1]"},
			{[]journal.Version{{Hash: "h2", Script: "report"}}, []string{"crm"}, "map[report:h2]"},
		} {
			f.do(f.store.SetLive(f.ctx, change.live, change.removed))
			f.reopen()
			live, err := f.store.LiveScripts(f.ctx)
			want(f, "live versions", fmt.Sprint(live, err), change.want+" <nil>")
		}
	},
	"an unknown version is not found": func(f *fixture) {
		_, err := f.store.Version(f.ctx, "h1")
		f.wantErr(err, journal.ErrNotFound)
	},
}

// history makes six runs: two hooks of crm and one of report, in several states.
func (f *fixture) history() (ids []string) {
	f.Helper()
	for i, h := range []*journal.Hook{
		hook("a", laneless), hook("b", laneless), hook("a", laneless), hook("c", laneless, ofScript("report")), hook("a", laneless), hook("b", laneless),
	} {
		ids = append(ids, f.accept(arrival(contact(fmt.Sprint(i), "c_1", `{}`), h))[0].Runs...)
	}
	// Runs of the two scripts are leased in turn.
	for range 4 {
		a := f.next()
		state := journal.Succeeded
		if slices.Index(ids, a.Run.ID)%2 == 1 {
			state = journal.Failed
		}
		f.finish(lease(a), state)
	}
	f.next() // the fifth is running, without a record yet; the sixth is queued
	return ids
}

func ofScript(name string) func(*journal.Hook) {
	return func(h *journal.Hook) { h.Script = name }
}

var readTests = map[string]func(f *fixture){
	"runs are listed newest first": func(f *fixture) {
		ids := f.history()
		slices.Reverse(ids)
		wantList(f, "runs", f.runs(journal.RunQuery{}), ids)
	},
	"runs are selected by the query": func(f *fixture) {
		ids := f.history()
		pick := func(places ...int) (some []string) {
			for _, p := range places {
				some = append(some, ids[p])
			}
			return some
		}
		third, _ := f.run(ids[2])
		for name, c := range map[string]struct {
			q        journal.RunQuery
			expected []string
		}{
			"script":           {journal.RunQuery{Script: "crm"}, pick(5, 4, 2, 1, 0)},
			"script and hook":  {journal.RunQuery{Script: "crm", Hook: "a"}, pick(4, 2, 0)},
			"hook":             {journal.RunQuery{Hook: "c"}, pick(3)},
			"unknown script":   {journal.RunQuery{Script: "none"}, nil},
			"failed":           {journal.RunQuery{State: journal.Failed}, pick(3, 1)},
			"succeeded":        {journal.RunQuery{State: journal.Succeeded}, pick(2, 0)},
			"running":          {journal.RunQuery{State: journal.Running}, pick(4)},
			"queued":           {journal.RunQuery{State: journal.Queued}, pick(5)},
			"failed of script": {journal.RunQuery{State: journal.Failed, Script: "crm"}, pick(1)},
			"event":            {journal.RunQuery{Event: "highlevel:3"}, pick(3)},
			"unknown event":    {journal.RunQuery{Event: "highlevel:9"}, nil},
			"limit":            {journal.RunQuery{Limit: 2}, pick(5, 4)},
			"limit of script":  {journal.RunQuery{Script: "crm", Limit: 3}, pick(5, 4, 2)},
			"before":           {journal.RunQuery{Before: third.Seq, Limit: 1}, pick(1)},
			"since":            {journal.RunQuery{Since: third.Created}, pick(5, 4, 3, 2)},
			"since later":      {journal.RunQuery{Since: time.Now().Add(time.Hour)}, nil},
		} {
			wantList(f, name, f.runs(c.q), c.expected)
		}
		if _, err := f.store.Runs(f.ctx, journal.RunQuery{State: "lost"}); err == nil {
			f.Error("an unknown state selected something")
		}
	},
	"a run that was leased reads as running everywhere": func(f *fixture) {
		h := f.begun()
		if err := f.store.Bind(h, journal.Binding{Version: "v2"}); err != nil {
			f.Fatal(err)
		}
		one, _ := f.run(h.Run)
		_, ofEvent, err := f.store.Event(f.ctx, one.Event)
		if err != nil {
			f.Fatal(err)
		}
		listed, err := f.store.Runs(f.ctx, journal.RunQuery{State: journal.Running})
		if err != nil || len(listed) != 1 {
			f.Fatalf("found %v, %v", listed, err)
		}
		for _, run := range []journal.Run{one, ofEvent[0], listed[0]} {
			want(f, "state", run.State, journal.Running)
			want(f, "epoch", run.Epoch, h.Epoch)
			want(f, "bound", run.Bound, "v2")
			want(f, "attempts", run.Attempts, 1)
		}
	},
	"events are listed newest first, by type and time": func(f *fixture) {
		for i := range 3 {
			f.accept(arrival(contact(fmt.Sprint(i), "c_1", `{}`), hook("new")))
		}
		f.accept(journal.Arrival{Event: won("1"), StoreUnmatched: true})
		list := func(q journal.EventQuery) (ids []string) {
			events, err := f.store.Events(f.ctx, q)
			if err != nil {
				f.Fatal(err)
			}
			for _, e := range events {
				ids = append(ids, e.ID)
			}
			return ids
		}
		wantList(f, "all", list(journal.EventQuery{}), []string{"emit:1", "highlevel:2", "highlevel:1", "highlevel:0"})
		wantList(f, "limit", list(journal.EventQuery{Limit: 1}), []string{"emit:1"})
		wantList(f, "type", list(journal.EventQuery{Type: "highlevel.contact.created", Limit: 2}), []string{"highlevel:2", "highlevel:1"})
		wantList(f, "unknown type", list(journal.EventQuery{Type: "highlevel.contact.deleted"}), nil)
		second, _, _ := f.store.Event(f.ctx, "highlevel:1")
		wantList(f, "since", list(journal.EventQuery{Since: second.Received}), []string{"emit:1", "highlevel:2", "highlevel:1"})
	},
	"an event has its runs": func(f *fixture) {
		receipt := f.accept(arrival(contact("1", "c_1", `{}`), hook("a"), hook("b")))[0]
		_, runs, err := f.store.Event(f.ctx, "highlevel:1")
		if err != nil || len(runs) != 2 {
			f.Fatalf("found %v, %v", runs, err)
		}
		wantList(f, "runs", []string{runs[0].ID, runs[1].ID}, receipt.Runs)
		_, _, err = f.store.Event(f.ctx, "highlevel:2")
		f.wantErr(err, journal.ErrNotFound)
	},
}
