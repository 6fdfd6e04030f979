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
	removed  []string
	files    [][]byte
	awaits   [][]byte
}

// SetLive implements journal.Store.
func (l *Ledger) SetLive(ctx context.Context, versions []journal.Version, removed []string) error {
	if len(versions)+len(removed) == 0 {
		return nil
	}
	t := &versionTask{waiter: newWaiter(), versions: versions, removed: removed, files: make([][]byte, len(versions)), awaits: make([][]byte, len(versions))}
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
		return fmt.Errorf("store the versions of %d scripts: %w", len(versions)+len(removed), err)
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
		b.changes.Versions = append(b.changes.Versions, LiveVersion{id, v, t.files[i], t.awaits[i]})
	}
	b.changeCount += len(t.removed)
	b.changes.DropLive = append(b.changes.DropLive, t.removed...)
	return nil
}
