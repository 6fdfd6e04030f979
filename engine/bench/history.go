package bench

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"

	_ "modernc.org/sqlite" // the driver of the journal's file

	"github.com/tidewire/tidewire/engine"
)

// An engine makes originals runs; all other old runs are copies of them.
// copyBatch is how many copies of each are made in one transaction.
const (
	originals = 1000
	copyBatch = 20
)

// addHistory adds old runs to a data folder: the number given, or as many as can
// be made in the time. An engine makes the first of them. The others are copies
// of its rows under other keys, older than all runs that it makes later.
func (b *bench) addHistory(ctx context.Context, data string, runs int, within time.Duration) (made int, err error) {
	start := time.Now()
	err = b.with(ctx, data, func(r *instance) error {
		sent, _, err := b.runs(ctx, r, 16, originals, max(within, time.Minute))
		if err == nil && sent != originals {
			err = fmt.Errorf("made %d runs to copy, expected %d", sent, originals)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	path := (&url.URL{Path: filepath.ToSlash(engine.StorePath(data))}).EscapedPath()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=cache_size(-65536)&_pragma=temp_store(MEMORY)")
	if err != nil {
		return 0, fmt.Errorf("open the journal to add old runs: %w", err)
	}
	db.SetMaxOpenConns(1) // temporary tables exist in one connection only
	defer func() { err = errors.Join(err, db.Close()) }()
	c, err := newCopier(ctx, db)
	if err != nil {
		return 0, fmt.Errorf("add old runs to the journal: %w", err)
	}
	for made = originals; made < runs && time.Since(start) < within; made = originals * (1 + c.done) {
		if err := c.copy(ctx, min(copyBatch, runs/originals-c.done-1)); err != nil {
			return 0, fmt.Errorf("add old runs to the journal: %w", err)
		}
	}
	return made, nil
}

// copiedTables are the tables with rows of each run. Their time columns are keys
// made from the time of acceptance, which is earlier in each copy.
var copiedTables = []struct {
	table       string
	timeColumns []string
}{
	{"event", []string{"seq"}},
	{"run", []string{"seq", "event"}},
	{"step", []string{"run"}},
}

// copier copies the rows that a file has when newCopier is called.
type copier struct {
	db          *sql.DB
	inserts     []string
	first, span int64
	done        int
}

// newCopier copies the rows to temporary tables, from which they are inserted
// without a result set in memory.
func newCopier(ctx context.Context, db *sql.DB) (*copier, error) {
	c := &copier{db: db}
	if err := db.QueryRowContext(ctx, `SELECT min(seq), max(seq) - min(seq) + 1 FROM (SELECT seq FROM event UNION ALL SELECT seq FROM run)`).
		Scan(&c.first, &c.span); err != nil {
		return nil, err
	}
	for _, k := range copiedTables {
		if _, err := db.ExecContext(ctx, fmt.Sprintf(`CREATE TEMP TABLE old_%[1]s AS SELECT * FROM %[1]s ORDER BY rowid`, k.table)); err != nil {
			return nil, err
		}
		columns, values, err := copyColumns(ctx, db, k.table, k.timeColumns)
		if err != nil {
			return nil, err
		}
		c.inserts = append(c.inserts, fmt.Sprintf(`WITH RECURSIVE copy (n) AS (SELECT ?1 UNION ALL SELECT n - 1 FROM copy WHERE n > ?2)
			INSERT INTO %[1]s (%[2]s) SELECT %[3]s FROM copy CROSS JOIN old_%[1]s AS old`, k.table, columns, values))
	}
	return c, nil
}

// copy inserts n more copies of the rows, older than all others.
func (c *copier) copy(ctx context.Context, n int) error {
	tx, err := c.db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, insert := range c.inserts {
		if _, err := tx.ExecContext(ctx, insert, c.done+n, c.done+1, c.span); err != nil {
			return err
		}
	}
	// Ids are random, as those of vendors. They are sorted for the insert, which
	// is faster.
	if _, err := tx.ExecContext(ctx, `INSERT INTO seen (part, id, event)
		SELECT -1 - (?2 - seq - 1) / ?3 / 4, id, seq FROM event WHERE seq < ?1 ORDER BY 1, 2`, c.first-int64(c.done)*c.span, c.first, c.span); err != nil {
		return err
	}
	c.done += n
	return tx.Commit()
}

// copyColumns returns the columns of a table and the expressions of their values
// in a copy.
func copyColumns(ctx context.Context, db *sql.DB, table string, timeColumns []string) (columns, values string, err error) {
	rows, err := db.QueryContext(ctx, `SELECT name FROM pragma_table_info(?)`, table)
	if err != nil {
		return "", "", err
	}
	defer rows.Close()
	var names, copies []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return "", "", err
		}
		value := "old." + name
		switch {
		case slices.Contains(timeColumns, name):
			value += " - n * ?3"
		case table == "event" && name == "id":
			value = `'bench:' || lower(hex(randomblob(8)))`
		}
		names, copies = append(names, name), append(copies, value)
	}
	return strings.Join(names, ", "), strings.Join(copies, ", "), rows.Err()
}
