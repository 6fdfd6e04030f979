package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strings"

	"modernc.org/sqlite"

	"github.com/tidewire/tidewire/engine/journal"
)

// immutable is the mode that reads a file which no process changes: nothing is
// written, not even beside it.
const immutable = "immutable"

// source returns the driver's name of a file, with pragmas that each connection
// sets.
func source(path, mode string, pragmas ...string) string {
	slashed := filepath.ToSlash(path)
	if filepath.IsAbs(path) && !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed // C:/… is /C:/… in a URI
	}
	query := url.Values{"mode": {mode}, "_pragma": pragmas}
	if mode == immutable {
		query.Set("mode", "ro")
		query.Set("immutable", "1")
	}
	return "file:" + (&url.URL{Path: slashed}).EscapedPath() + "?" + query.Encode()
}

// conn is the connection of the writer. It uses the driver directly: database/sql
// takes as long as the statements themselves.
type conn struct {
	raw                     driver.Conn
	prepared                []*stmt
	begin, commit, rollback *stmt
}

func connect(path string, pragmas ...string) (*conn, error) {
	connector, err := sqlite.NewConnector(source(path, "rwc", pragmas...))
	if err != nil {
		return nil, err
	}
	raw, err := connector.Connect(context.Background())
	if err != nil {
		return nil, err
	}
	c := &conn{raw: raw}
	if err := c.prepare(map[**stmt]string{
		&c.begin: `BEGIN IMMEDIATE`, &c.commit: `COMMIT`, &c.rollback: `ROLLBACK`,
	}); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

// prepare prepares statements. Close closes them.
func (c *conn) prepare(texts map[**stmt]string) error {
	for to, text := range texts {
		raw, err := c.raw.Prepare(text)
		if err != nil {
			return fmt.Errorf("prepare %q: %w", text, err)
		}
		s := &stmt{raw: raw.(preparedStmt)}
		*to, c.prepared = s, append(c.prepared, s)
	}
	return nil
}

// run executes a text of one or more statements.
func (c *conn) run(text string) error {
	raw, err := c.raw.Prepare(text)
	if err != nil {
		return err
	}
	_, err = raw.(preparedStmt).ExecContext(context.Background(), nil)
	return errors.Join(err, raw.Close())
}

// transaction calls f in a transaction, before the writer starts.
func (c *conn) transaction(f func() error) error {
	if _, err := c.begin.run(); err != nil {
		return err
	}
	err := f()
	if err == nil {
		_, err = c.commit.run()
	}
	if err != nil {
		c.undo()
	}
	return err
}

// Close closes the prepared statements too: SQLite has the file open until then.
func (c *conn) Close() (err error) {
	for _, s := range c.prepared {
		err = errors.Join(err, s.raw.Close())
	}
	return errors.Join(err, c.raw.Close())
}

// undo rolls a transaction back. It ignores the error of SQLite for a transaction
// that SQLite has rolled back already.
func (c *conn) undo() { _, _ = c.rollback.run() }

// stmt is a prepared statement of the writer. One goroutine uses it.
type stmt struct {
	raw  preparedStmt
	args []driver.NamedValue
}

// preparedStmt is the interface of the driver's statements.
type preparedStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

func (s *stmt) bind(values []any) []driver.NamedValue {
	s.args = s.args[:0]
	for i, v := range values {
		s.args = append(s.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return s.args
}

// run executes the statement and returns how many rows it changed. Values are
// int64, string, []byte and nil.
func (s *stmt) run(values ...any) (changed int64, err error) {
	result, err := s.raw.ExecContext(context.Background(), s.bind(values))
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// each calls f with each row. The row is valid until f returns.
func (s *stmt) each(f func(row []driver.Value) error, values ...any) (err error) {
	rows, err := s.raw.QueryContext(context.Background(), s.bind(values))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	row := make([]driver.Value, len(rows.Columns()))
	for {
		switch err := rows.Next(row); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := f(row); err != nil {
			return err
		}
	}
}

// one returns the first value of the first row, nil if there is no row.
func (s *stmt) one(values ...any) (value driver.Value, err error) {
	first := true
	err = s.each(func(row []driver.Value) error {
		if first {
			value, first = row[0], false
		}
		return nil
	}, values...)
	return value, err
}

// The result codes of a full disk or database.
const (
	codeFull    = 13
	codeShmSize = 10 | 19<<8
)

// explain wraps an error of SQLite with the journal's error of the same meaning.
func explain(err error) error {
	var coded *sqlite.Error
	if !errors.As(err, &coded) {
		return err
	}
	if code := coded.Code(); code&0xff == codeFull || code == codeShmSize {
		return fmt.Errorf("%w: %w", journal.ErrFull, err)
	}
	return err
}
