package sqlite

import (
	"context"
	"errors"
	"fmt"
)

// pragmaTask sets a bound on the writer's connection, which no other can see.
type pragmaTask struct {
	ticket
	text string
}

func (t *pragmaTask) apply(w *writer) error { return w.conn.run(t.text) }

// SetMaxPages bounds the file, so that SQLite itself finds it full.
func (s *Store) SetMaxPages(n int64) error {
	t := &pragmaTask{ticket: newTicket(), text: fmt.Sprintf("PRAGMA max_page_count = %d", n)}
	return s.writer.queue.do(context.Background(), t)
}

// Migrate brings a file to the version that the texts make.
func Migrate(ctx context.Context, path string, texts ...string) error {
	c, err := connect(path)
	if err != nil {
		return err
	}
	return errors.Join(migrate(ctx, c, path, texts), c.Close())
}
