package sqlite

import (
	"context"
	"errors"
	"fmt"
)

// SetMaxPages bounds the file, so that SQLite itself finds it full.
func (s *Store) SetMaxPages(n int64) error {
	return s.alone(context.Background(), func(t *tx) error { return t.conn.run(fmt.Sprintf("PRAGMA max_page_count = %d", n)) })
}

// BreakCommit makes every commit fail, as on a disk that is full by then; mend
// ends that.
func (s *Store) BreakCommit() (mend func() error, err error) {
	var commit, broken *stmt
	change := func(change func(c *conn) error) error {
		return s.alone(context.Background(), func(t *tx) error { return change(t.conn) })
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

// Migrate brings a file to the version that the texts make.
func Migrate(ctx context.Context, path string, texts ...string) error {
	c, err := connect(path)
	if err != nil {
		return err
	}
	return errors.Join(migrate(ctx, c, path, texts), c.Close())
}

// Migrations are the texts of all versions of the file.
func Migrations() ([]string, error) { return migrations() }
