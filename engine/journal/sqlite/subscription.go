package sqlite

import (
	"cmp"
	"context"
	"database/sql"
	"encoding/json"
	"slices"

	"github.com/tidewire/tidewire/engine/journal"
)

// Subscriptions implements journal.Reader.
func (r *Reader) Subscriptions(ctx context.Context) (all []journal.Subscription, err error) {
	all, err = list(ctx, r.db, func(row *sql.Rows) (sub journal.Subscription, err error) {
		var data []byte
		if err = row.Scan(&data); err == nil {
			err = json.Unmarshal(data, &sub)
		}
		return sub, err
	}, `SELECT data FROM subscription`)
	if err != nil {
		return nil, r.fail("list subscriptions", err)
	}
	slices.SortFunc(all, func(a, b journal.Subscription) int {
		return cmp.Or(cmp.Compare(a.Connection, b.Connection), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Item, b.Item),
			a.Created.Compare(b.Created), cmp.Compare(a.Key, b.Key))
	})
	return all, nil
}
