package main

import (
	"strings"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// runs show has what a run does and waits for now, and which attempt it is in.
func TestShowLiveRun(t *testing.T) {
	began := time.Now().Add(-90 * time.Second)
	run := journal.Run{ID: "run_1", State: journal.Running, Attempts: 2, Started: began, Current: &journal.Current{
		Began: began, Step: 4, Name: "crm.contacts.get", Position: "sync.lua:12", Started: time.Now().Add(-3 * time.Second),
		Waits: "the rate limit of 5 in 1s, per connection", Until: time.Now().Add(time.Second),
	}}
	parked := journal.Run{ID: "run_2", State: journal.Retrying, Attempts: 2, Started: began, Park: &journal.Parked{Since: began, Until: time.Now()}}
	waiting := journal.Run{ID: "run_3", State: journal.Queued, Current: &journal.Current{Began: began, Step: 1, Waits: "the calls of other runs"}}
	throttled := journal.Run{ID: "run_4", State: journal.Throttled, Park: &journal.Parked{Since: began}, Problem: &journal.Problem{Message: "failed 5 times"}}
	undecided := journal.Run{ID: "run_5", State: journal.Held, Park: &journal.Parked{Since: began, Until: time.Now().Add(time.Second)}}
	for _, c := range []struct {
		run  journal.Run
		want []string
	}{
		{run, []string{"\nstep        4 crm.contacts.get at sync.lua:12, for 3", "\nwaits for   the rate limit of 5 in 1s, per connection, until ",
			"\nattempt     2\n", "\nexecuted    1m30", "\ntook        1m30"}},
		{waiting, []string{"\nwaits for   the calls of other runs\n"}},
		{throttled, []string{"\nwaits for   the app to answer again; tidewire doctor has when it is tried\n", "\nerror       failed 5 times\n"}},
		{undecided, []string{"\nwaits for   a decision: tidewire runs decide run_5 retry|skip|fail\n", ", when it is looked up whether the call was done\n"}},
		{parked, []string{"\nattempt     2, when it goes on\n", "\nexecuted    0s\n", "\ntook        1m30"}},
	} {
		var out strings.Builder
		showRun(&out, c.run)
		for _, want := range c.want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%q is not in\n%s", want, out.String())
			}
		}
	}
}

// runs show has what was found out about a call whose result is not known.
func TestShowLookup(t *testing.T) {
	step := journal.Step{Number: 1, Name: "crm.notes.create", State: journal.Begun,
		Result: []byte(`{"sent":"2026-03-02T09:00:00Z","absent":"2026-03-02T09:00:05Z","failures":2,"candidates":[{"id":7},{"id":8}]}`)}
	var out strings.Builder
	showStep(&out, step)
	for _, want := range []string{"\n     look-up no record at ", "\n     look-up failed 2 times\n", "\n     candidate 1  {\"id\":7}\n     candidate 2  {\"id\":8}\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in\n%s", want, out.String())
		}
	}
	out.Reset()
	step.Result = []byte(`{"sent":"2026-03-02T09:00:00Z","failures":1}`)
	if showStep(&out, step); !strings.Contains(out.String(), "\n     look-up failed once\n") {
		t.Errorf("after one failure:\n%s", out.String())
	}
	out.Reset()
	showStep(&out, journal.Step{Number: 2, Name: "crm.notes.list", State: journal.Done, Duration: 3 * time.Second, Waited: 1500 * time.Millisecond})
	if want := "\n     waited  1.5s for a rate limit\n"; !strings.Contains(out.String(), want) {
		t.Errorf("%q is not in\n%s", want, out.String())
	}
	if strings.Contains(out.String(), "result") {
		t.Errorf("a look-up is printed as a result:\n%s", out.String())
	}
}
