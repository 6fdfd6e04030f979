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

// models is how many runs an engine makes, of which all old ones are copies;
// portion is how many copies of them are made at a time.
const (
	models  = 1000
	portion = 20
)

// age fills a data folder with old runs, so many or as many as can be made in
// the time. An engine makes the first of them, the rest are copies of its rows
// under other keys, older than all it makes from then on.
func (b *bench) age(ctx context.Context, data string, runs int, most time.Duration) (made int, err error) {
	start := time.Now()
	err = b.with(ctx, data, func(r *rig) error {
		sent, _, err := b.runs(ctx, r, 16, models, max(most, time.Minute))
		if err == nil && sent != models {
			err = fmt.Errorf("made %d runs to copy, expected %d", sent, models)
		}
		return err
	})
	if err != nil {
		return 0, err
	}
	path := (&url.URL{Path: filepath.ToSlash(engine.StorePath(data))}).EscapedPath()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=cache_size(-65536)&_pragma=temp_store(MEMORY)")
	if err != nil {
		return 0, fmt.Errorf("open the journal to age it: %w", err)
	}
	db.SetMaxOpenConns(1) // temporary tables belong to it
	defer func() { err = errors.Join(err, db.Close()) }()
	c, err := newCopier(ctx, db)
	if err != nil {
		return 0, fmt.Errorf("age the journal: %w", err)
	}
	for made = models; made < runs && time.Since(start) < most; made = models * (1 + c.done) {
		if err := c.copy(ctx, min(portion, runs/models-c.done-1)); err != nil {
			return 0, fmt.Errorf("age the journal: %w", err)
		}
	}
	return made, nil
}

// keyed are the tables that grow with each run and their columns that are
// keys made from the time of acceptance, which are moved back in each copy.
var keyed = []struct {
	table string
	moved []string
}{
	{"event", []string{"seq"}},
	{"run", []string{"seq", "event"}},
	{"step", []string{"run"}},
}

// copier copies the rows that a file holds when it is made.
type copier struct {
	db          *sql.DB
	inserts     []string
	first, span int64
	done        int
}

// newCopier sets the rows to copy aside, so that nothing is kept in between
// while they are put in again.
func newCopier(ctx context.Context, db *sql.DB) (*copier, error) {
	c := &copier{db: db}
	if err := db.QueryRowContext(ctx, `SELECT min(seq), max(seq) - min(seq) + 1 FROM (SELECT seq FROM event UNION ALL SELECT seq FROM run)`).
		Scan(&c.first, &c.span); err != nil {
		return nil, err
	}
	for _, k := range keyed {
		if _, err := db.ExecContext(ctx, fmt.Sprintf(`CREATE TEMP TABLE old_%[1]s AS SELECT * FROM %[1]s ORDER BY rowid`, k.table)); err != nil {
			return nil, err
		}
		columns, values, err := copied(ctx, db, k.table, k.moved)
		if err != nil {
			return nil, err
		}
		c.inserts = append(c.inserts, fmt.Sprintf(`WITH RECURSIVE copy (n) AS (SELECT ?1 UNION ALL SELECT n - 1 FROM copy WHERE n > ?2)
			INSERT INTO %[1]s (%[2]s) SELECT %[3]s FROM copy CROSS JOIN old_%[1]s AS old`, k.table, columns, values))
	}
	return c, nil
}

// copy puts in n more copies, older than all there are.
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
	// Ids stand in no order, as vendors' do; they are put in by order, which is quicker.
	if _, err := tx.ExecContext(ctx, `INSERT INTO seen (part, id, event)
		SELECT -1 - (?2 - seq - 1) / ?3 / 4, id, seq FROM event WHERE seq < ?1 ORDER BY 1, 2`, c.first-int64(c.done)*c.span, c.first, c.span); err != nil {
		return err
	}
	c.done += n
	return tx.Commit()
}

// copied gives the columns of a table and what a copy has in them.
func copied(ctx context.Context, db *sql.DB, table string, moved []string) (columns, values string, err error) {
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
		case slices.Contains(moved, name):
			value += " - n * ?3"
		case table == "event" && name == "id":
			value = `'bench:' || lower(hex(randomblob(8)))`
		}
		names, copies = append(names, name), append(copies, value)
	}
	return strings.Join(names, ", "), strings.Join(copies, ", "), rows.Err()
}
