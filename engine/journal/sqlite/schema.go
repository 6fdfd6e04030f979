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

// migrations returns the SQL texts that change a file from one version to the next,
// in order. The version of a file is the number of texts that were executed on it.
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

// migrate changes the file at path, which c has open, to the newest version, each
// step in a transaction. Before the first step it copies an older file to BackupPath.
func migrate(ctx context.Context, c *conn, path string, texts []string) error {
	have, err := versionOf(c)
	if err != nil {
		return err
	}
	if have > int64(len(texts)) {
		return newer(have, len(texts))
	}
	if have > 0 && have < int64(len(texts)) {
		if err := replaceBackup(ctx, path, BackupPath(path, have)); err != nil {
			return fmt.Errorf("copy the file before it is brought to version %d: %w", len(texts), err)
		}
	}
	return bringUp(c, have, texts)
}

// versionOf returns the version of a file.
func versionOf(c *conn) (int64, error) {
	var version *stmt
	if err := c.prepare(map[**stmt]string{&version: `PRAGMA user_version`}); err != nil {
		return 0, err
	}
	value, err := version.one()
	have, _ := value.(int64)
	return have, err
}

// bringUp changes a file of a version to the newest one.
func bringUp(c *conn, have int64, texts []string) error {
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

// BackupPath returns the path of the copy that Open makes of a journal of an older
// version before it changes the file to the newest version.
func BackupPath(path string, version int64) string {
	return fmt.Sprintf("%s.version-%d", path, version)
}

func newer(have int64, known int) error {
	return fmt.Errorf("%w: it has version %d, this one reads up to %d; use the newer Tidewire", journal.ErrNewer, have, known)
}
