package sqlite

import (
	"database/sql/driver"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/engine/journal"
)

// approvalTrigger is what stands in place of a trigger for those who wait for
// a decision. No event has that type.
const approvalTrigger = "approval"

// awaitKey is where an await is found.
type awaitKey struct{ trigger, path, class string }

// awaitKeys gives all places of an await. Of its where one path is taken, so
// that an event need not be shown to each run that waits for its trigger.
func awaitKeys(a *journal.Await) (keys []awaitKey) {
	if a.Approval != "" {
		return []awaitKey{{approvalTrigger, "", a.Approval}}
	}
	path, classes := "", []string{""}
	for p, values := range a.Where {
		if path != "" && p > path {
			continue
		}
		path, classes = p, nil
		for _, v := range values {
			if c := journal.Class([]byte(v)); c != "" && !slices.Contains(classes, c) {
				classes = append(classes, c)
			}
		}
	}
	for _, t := range a.Triggers {
		for _, c := range classes {
			if k := (awaitKey{t, path, c}); !slices.Contains(keys, k) {
				keys = append(keys, k)
			}
		}
	}
	return keys
}

// await makes a waiting run found.
func (w *writer) await(run int64, a *journal.Await) error {
	for _, k := range awaitKeys(a) {
		if _, err := w.sql.addAwait.run(k.trigger, k.path, k.class, run); err != nil {
			return err
		}
		if k.trigger == approvalTrigger {
			continue
		}
		if w.awaited[k.trigger] == nil {
			w.awaited[k.trigger] = map[string]bool{}
		}
		w.awaited[k.trigger][k.path] = true
	}
	return nil
}

// answer wakes the runs that wait for an event. What memory says of awaited
// triggers may be too much, never too little.
func (w *writer) answer(receipt *journal.Receipt, seq int64, e *journal.Event) error {
	if len(w.awaited) == 0 {
		return nil
	}
	var runs []int64
	for _, k := range w.awaitedBy(e) {
		err := w.sql.findAwaits.each(func(row []driver.Value) error {
			runs = append(runs, row[0].(int64))
			return nil
		}, k.trigger, k.path, k.class)
		if err != nil {
			return err
		}
	}
	slices.Sort(runs)
	for _, run := range slices.Compact(runs) {
		s, err := w.standing(run)
		if err != nil {
			return err
		}
		if s == nil || s.state != waiting || s.event == seq || !s.park.Await.Matches(e) {
			continue
		}
		if err := w.wake(s, happened(e)); err != nil {
			return err
		}
		receipt.Woken = append(receipt.Woken, journal.RunID(run, w.salt))
	}
	return nil
}

// awaitedBy gives the places at which an event may be waited for.
func (w *writer) awaitedBy(e *journal.Event) (keys []awaitKey) {
	add := func(trigger string, paths map[string]bool) {
		for path := range paths {
			class := ""
			if path != "" {
				value, found := journal.Lookup(e.Data, path)
				if !found {
					value = []byte("null")
				}
				if class = journal.Class(value); class == "" {
					continue
				}
			}
			keys = append(keys, awaitKey{trigger, path, class})
		}
	}
	for trigger, paths := range w.awaited {
		if trigger == e.Type || strings.Contains(trigger, "*") && journal.MatchTrigger(trigger, e.Type) {
			add(trigger, paths)
		}
	}
	return keys
}
