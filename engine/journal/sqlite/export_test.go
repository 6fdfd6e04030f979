package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"unsafe"

	"github.com/tidewire/tidewire/engine/journal/ledger"
)

// SetMaxPages bounds the file, so that SQLite returns its error for a full disk.
func (s *Store) SetMaxPages(n int64) error {
	return s.inTransaction(context.Background(), func(t *tx) error { return t.conn.run(fmt.Sprintf("PRAGMA max_page_count = %d", n)) })
}

// BreakCommit makes every COMMIT fail, as on a disk that is full by then, until
// restore is called.
func (s *Store) BreakCommit() (restore func() error, err error) {
	var commit, broken *stmt
	change := func(change func(c *conn) error) error {
		return s.inTransaction(context.Background(), func(t *tx) error { return change(t.conn) })
	}
	err = change(func(c *conn) error {
		commit = c.commit
		return c.prepare(map[**stmt]string{&broken: `RELEASE a_savepoint_that_is_not_there`})
	})
	if err != nil {
		return nil, err
	}
	if change(func(c *conn) error { c.commit = broken; return nil }) == nil {
		return nil, errors.New("the commit did not fail")
	}
	return func() error { return change(func(c *conn) error { c.commit = commit; return nil }) }, nil
}

// Migrate migrates a file with these texts.
func Migrate(ctx context.Context, path string, texts ...string) error {
	c, err := connect(path)
	if err != nil {
		return err
	}
	return errors.Join(migrate(ctx, c, path, texts), c.Close())
}

// Migrations returns the texts of all versions of the file.
func Migrations() ([]string, error) { return migrations() }

// Wrap makes the ledger use what wrap returns for the store.
func (c Config) Wrap(wrap func(ledger.Store) ledger.Store) Config {
	c.wrap = wrap
	return c
}

// FailCommit makes the COMMIT of an open transaction fail, until restore is called.
func FailCommit(open ledger.Tx) (restore func(), err error) {
	c := open.(*tx).conn
	commit := c.commit
	if err := c.prepare(map[**stmt]string{&c.commit: `RELEASE a_savepoint_that_is_not_there`}); err != nil {
		return nil, err
	}
	return func() { c.commit = commit }, nil
}

// Memory prints what a store and its ledger have in memory between transactions.
func Memory(store ledger.Store, l *ledger.Ledger) string {
	t := store.(*tx)
	m := memoryPrinter{numbers: map[unsafe.Pointer]int{}}
	m.write(reflect.ValueOf(&t.memory).Elem())
	m.write(reflect.ValueOf(t.dispatch))
	m.write(reflect.ValueOf(l).Elem().FieldByName("timer").FieldByName("at"))
	return m.String()
}

// memoryPrinter prints values with what they point to, and with unexported fields.
type memoryPrinter struct {
	strings.Builder
	numbers map[unsafe.Pointer]int
}

func (m *memoryPrinter) write(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			m.WriteString("nil")
			return
		}
		id, again := m.numbers[v.UnsafePointer()]
		if !again {
			id = len(m.numbers)
			m.numbers[v.UnsafePointer()] = id
		}
		fmt.Fprintf(m, "&%d", id)
		if !again {
			m.write(v.Elem())
		}
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[sync.Mutex]() {
			return
		}
		m.WriteString("{")
		for i := range v.NumField() {
			m.WriteString(v.Type().Field(i).Name + ":")
			m.write(v.Field(i))
			m.WriteString("\n")
		}
		m.WriteString("}")
	case reflect.Map:
		keys := v.MapKeys()
		slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(fmt.Sprintf("%v", a), fmt.Sprintf("%v", b)) })
		for _, key := range keys {
			fmt.Fprintf(m, "[%v]", key)
			m.write(v.MapIndex(key))
		}
	case reflect.Slice:
		for i := range v.Len() {
			m.write(v.Index(i))
			m.WriteString(",")
		}
	case reflect.Func, reflect.Chan, reflect.Interface:
		fmt.Fprint(m, v.IsNil())
	default:
		fmt.Fprintf(m, "%v", v)
	}
}

// Compare returns an error if the memory of an idle store differs from its file.
// Memory may have names, awaited triggers and nouns that the file lacks.
func Compare(store ledger.Store) error {
	t := store.(*tx)
	file := &tx{conn: t.conn, memory: newMemory()}
	var l loadStatements
	var allRuns *stmt
	if err := errors.Join(l.prepare(t.conn), t.conn.prepare(map[**stmt]string{&allRuns: `SELECT ` + runColumns + ` FROM run r`})); err != nil {
		return err
	}
	if err := file.loadMemory(&l); err != nil {
		return err
	}
	var differs []error
	differ := func(what string, memory, file any) {
		if !reflect.DeepEqual(memory, file) {
			differs = append(differs, fmt.Errorf("%s: %+v in memory, %+v in the file", what, memory, file))
		}
	}
	differ("live runs", t.live, file.live)
	differ("open steps", t.open, file.open)
	differ("ids", t.seen, file.seen)
	for trigger, paths := range file.awaited {
		for path := range paths {
			differ("awaited "+trigger+" "+path, t.awaited[trigger][path], true)
		}
	}
	for noun := range file.nouns {
		differ("noun "+noun, t.nouns[noun], true)
	}
	for name, hook := range t.hooks {
		known := memory{hooks: map[ledger.HookName]ledger.Hook{}}
		row, err := (&tx{conn: t.conn, sql: t.sql, memory: known}).hook(name)
		differs = append(differs, err)
		differ(fmt.Sprintf("hook %v", name), hook, row)
	}
	rows, err := runRows(allRuns)
	for _, row := range rows {
		if cached, found := t.dispatch.Row(row.Run.Seq); found {
			differ("run", *cached.Run, *row.Run)
			differ("last step", cached.Last, row.Last)
		}
	}
	return errors.Join(append(differs, err)...)
}

// Tables returns the names of the tables of a journal's file.
func Tables(t testing.TB) (names []string) {
	t.Helper()
	s, err := Open(t.Context(), Config{Path: filepath.Join(t.TempDir(), "tidewire.db")})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	err = s.inTransaction(t.Context(), func(tx *tx) error {
		var tables *stmt
		if err := tx.conn.prepare(map[**stmt]string{&tables: `SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name`}); err != nil {
			return err
		}
		return tables.each(func(row []driver.Value) error {
			names = append(names, row[0].(string))
			return nil
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}
