package sqlite

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"path"

	"github.com/tidewire/tidewire/engine/journal"
)

//go:embed schema/*.sql
var schema embed.FS

// migrations are the texts that bring a file from one version to the next, in
// order; the version of a file is how many of them it has seen.
func migrations() ([]string, error) {
	files, err := fs.ReadDir(schema, "schema")
	if err != nil {
		return nil, err
	}
	texts := make([]string, len(files))
	for i, f := range files {
		text, err := schema.ReadFile(path.Join("schema", f.Name()))
		if err != nil {
			return nil, err
		}
		texts[i] = string(text)
	}
	return texts, nil
}

// migrate brings the file at path, which c has open, to the present version,
// each step in a transaction. Before the first it makes a copy beside it.
func migrate(ctx context.Context, c *conn, path string, texts []string) error {
	var version *stmt
	if err := c.prepare(map[**stmt]string{&version: `PRAGMA user_version`}); err != nil {
		return err
	}
	value, err := version.one()
	if err != nil {
		return err
	}
	have, _ := value.(int64)
	if have > int64(len(texts)) {
		return newer(have, len(texts))
	}
	if have > 0 && have < int64(len(texts)) {
		if err := replaceBackup(ctx, path, BackupPath(path, have)); err != nil {
			return fmt.Errorf("copy the file before it is brought to version %d: %w", len(texts), err)
		}
	}
	for i := int(have); i < len(texts); i++ {
		err := c.transaction(func() error {
			if err := c.run(texts[i]); err != nil {
				return err
			}
			return c.run(fmt.Sprintf(`PRAGMA user_version = %d`, i+1))
		})
		if err != nil {
			return fmt.Errorf("bring the file to version %d: %w", i+1, err)
		}
	}
	return nil
}

// BackupPath names the copy that is made of a journal of an older version
// before it is brought to the present one.
func BackupPath(path string, version int64) string {
	return fmt.Sprintf("%s.version-%d", path, version)
}

func newer(have int64, known int) error {
	return fmt.Errorf("%w: it has version %d, this one reads up to %d; use the newer Tidewire", journal.ErrNewer, have, known)
}
