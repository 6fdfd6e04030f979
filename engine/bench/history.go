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

// models is how many runs an engine makes, of which all old ones are copies.
const models = 1000

// age fills a data folder with old runs: an engine makes the first of them,
// the rest are copies of its rows under other keys, older than all it makes
// from then on.
func (b *bench) age(ctx context.Context, data string, runs int) error {
	err := b.with(ctx, data, func(r *rig) error {
		sent, _, err := b.runs(ctx, r, 16, models, time.Minute)
		if err == nil && sent != models {
			err = fmt.Errorf("made %d runs to copy, expected %d", sent, models)
		}
		return err
	})
	if err != nil {
		return err
	}
	path := (&url.URL{Path: filepath.ToSlash(engine.StorePath(data))}).EscapedPath()
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=journal_mode(WAL)&_pragma=synchronous(OFF)&_pragma=cache_size(-262144)")
	if err != nil {
		return fmt.Errorf("open the journal to age it: %w", err)
	}
	db.SetMaxOpenConns(1)
	if err := multiply(ctx, db, max(0, runs/models-1)); err != nil {
		return errors.Join(fmt.Errorf("age the journal: %w", err), db.Close())
	}
	return db.Close()
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

// multiply copies all events, runs and steps so many times.
func multiply(ctx context.Context, db *sql.DB, copies int) error {
	var first, last int64
	if err := db.QueryRowContext(ctx, `SELECT min(seq), max(seq) FROM (SELECT seq FROM event UNION ALL SELECT seq FROM run)`).
		Scan(&first, &last); err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	for _, k := range keyed {
		columns, values, err := copied(ctx, tx, k.table, k.moved)
		if err != nil {
			return err
		}
		query := fmt.Sprintf(`WITH RECURSIVE copy (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copy WHERE n < ?1)
			INSERT INTO %[1]s (%[2]s) SELECT %[3]s FROM (SELECT n FROM copy ORDER BY n DESC) CROSS JOIN %[1]s AS old
			WHERE old.%[4]s >= ?3 ORDER BY n DESC, old.rowid`, k.table, columns, values, k.moved[0])
		if _, err := tx.ExecContext(ctx, query, copies, last-first+1, first); err != nil {
			return fmt.Errorf("copy the rows of %s: %w", k.table, err)
		}
	}
	// Ids stand in no order, as vendors' do; they are put in by order, which is quicker.
	if _, err := tx.ExecContext(ctx, `INSERT INTO seen (id, event) SELECT id, seq FROM event WHERE seq < ?1 ORDER BY id`, first); err != nil {
		return fmt.Errorf("copy the ids of events: %w", err)
	}
	return tx.Commit()
}

// copied gives the columns of a table and what a copy has in them.
func copied(ctx context.Context, tx *sql.Tx, table string, moved []string) (columns, values string, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT name FROM pragma_table_info(?)`, table)
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
			value += " - n * ?2"
		case table == "event" && name == "id":
			value = `'bench:' || lower(hex(randomblob(8)))`
		}
		names, copies = append(names, name), append(copies, value)
	}
	return strings.Join(names, ", "), strings.Join(copies, ", "), rows.Err()
}
