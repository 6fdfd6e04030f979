package sqlite

import "database/sql/driver"

// names finds the rows of hooks and versions, which rows of runs refer to.
type names struct {
	hooks    map[hookName]int64
	versions map[string]int64
	rules    map[int64]rule // of the lanes of hooks
	// Added by the open transaction.
	newHooks    []hookName
	newVersions []string
	newRules    []int64
}

type hookName struct{ script, name string }

func newNames() names {
	return names{hooks: map[hookName]int64{}, versions: map[string]int64{}, rules: map[int64]rule{}}
}

// settle keeps what the transaction added, forget drops it.
func (n *names) settle() {
	n.newHooks, n.newVersions, n.newRules = n.newHooks[:0], n.newVersions[:0], n.newRules[:0]
}

func (n *names) forget() {
	for _, h := range n.newHooks {
		delete(n.hooks, h)
	}
	for _, v := range n.newVersions {
		delete(n.versions, v)
	}
	for _, hook := range n.newRules {
		delete(n.rules, hook)
	}
	n.settle()
}

// rule is how a hook makes the keys of its lanes, and the number of that.
type rule struct {
	text   string
	number int64
}

// rule gives the number of the rule by which a hook makes the keys of its
// lanes. It is another one after a reload has changed that.
func (w *writer) rule(hook int64, text string) (int64, error) {
	known, ok := w.ids.rules[hook]
	if ok && known.text == text {
		return known.number, nil
	}
	fresh := true
	err := w.sql.findRule.each(func(row []driver.Value) error {
		before, named := row[0].(string)
		fresh, known = !named, rule{before, row[1].(int64)}
		return nil
	}, hook)
	if err != nil {
		return 0, err
	}
	if fresh || known.text != text {
		if !fresh {
			known.number++
			w.log.Info("a hook's lanes have changed; its runs from before come first", "hook", w.ids.hook(hook))
		}
		if _, err := w.sql.putRule.run(hook, text, known.number); err != nil {
			return 0, err
		}
	}
	w.ids.rules[hook] = rule{text, known.number}
	w.ids.newRules = append(w.ids.newRules, hook)
	return known.number, nil
}

// hook names one by its number, for people.
func (n *names) hook(id int64) string {
	for name, number := range n.hooks {
		if number == id {
			return name.script + " " + name.name
		}
	}
	return ""
}

func (w *writer) hookID(script, name string) (int64, error) {
	h := hookName{script, name}
	if id, ok := w.ids.hooks[h]; ok {
		return id, nil
	}
	id, err := findOrAdd(w.sql.findHook, w.sql.addHook, script, name)
	if err == nil {
		w.ids.hooks[h] = id
		w.ids.newHooks = append(w.ids.newHooks, h)
	}
	return id, err
}

func (w *writer) versionID(hash string) (int64, error) {
	if id, ok := w.ids.versions[hash]; ok {
		return id, nil
	}
	id, err := findOrAdd(w.sql.findVersion, w.sql.addVersion, hash)
	if err == nil {
		w.ids.versions[hash] = id
		w.ids.newVersions = append(w.ids.newVersions, hash)
	}
	return id, err
}

func findOrAdd(find, add *stmt, key ...any) (int64, error) {
	id, err := find.one(key...)
	if err == nil && id == nil {
		id, err = add.one(key...)
	}
	if err != nil {
		return 0, err
	}
	return id.(int64), nil
}
