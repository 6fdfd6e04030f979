package sqlite

// names finds the rows of hooks and versions, which rows of runs refer to.
type names struct {
	hooks    map[hookName]int64
	versions map[string]int64
	// Added by the open transaction.
	newHooks    []hookName
	newVersions []string
}

type hookName struct{ script, name string }

func newNames() names {
	return names{hooks: map[hookName]int64{}, versions: map[string]int64{}}
}

// settle keeps what the transaction added, forget drops it.
func (n *names) settle() { n.newHooks, n.newVersions = n.newHooks[:0], n.newVersions[:0] }

func (n *names) forget() {
	for _, h := range n.newHooks {
		delete(n.hooks, h)
	}
	for _, v := range n.newVersions {
		delete(n.versions, v)
	}
	n.settle()
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
