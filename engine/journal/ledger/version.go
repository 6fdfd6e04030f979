package ledger

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/tidewire/tidewire/engine/journal"
)

type versionTask struct {
	waiter
	versions []journal.Version
	files    [][]byte
	awaits   [][]byte
}

// PutVersions implements journal.Store.
func (l *Ledger) PutVersions(ctx context.Context, versions ...journal.Version) error {
	if len(versions) == 0 {
		return nil
	}
	t := &versionTask{waiter: newWaiter(), versions: versions, files: make([][]byte, len(versions)), awaits: make([][]byte, len(versions))}
	for i, v := range versions {
		if v.Hash == "" {
			return fmt.Errorf("store the sources of script %q: the version has no hash", v.Script)
		}
		files := v.Sources
		if files == nil {
			files = map[string]string{}
		}
		var err error
		if t.files[i], err = json.Marshal(files); err == nil && len(v.Awaits) > 0 {
			t.awaits[i], err = json.Marshal(v.Awaits)
		}
		if err != nil {
			return fmt.Errorf("store the sources of script %q: %w", v.Script, err)
		}
	}
	if err := l.queue.do(ctx, t); err != nil {
		return fmt.Errorf("store the sources of %d scripts: %w", len(versions), err)
	}
	return nil
}

func (t *versionTask) collect(b *batch) {
	for _, v := range t.versions {
		b.versions.want(v.Hash, &b.want.Versions)
	}
}

func (t *versionTask) decide(b *batch) error {
	for i, v := range t.versions {
		id, err := b.versions.get(v.Hash, &b.want.Versions)
		if err != nil {
			return err
		}
		if v.Created.IsZero() {
			v.Created = b.now
		}
		b.changeCount++
		b.changes.Sources = append(b.changes.Sources, Sources{id, v, t.files[i], t.awaits[i]})
	}
	return nil
}
