package poll

import (
	"context"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
)

// Look makes one look of a poll at once, whether it is due or not, and gives
// the number of events it made.
func (p *Poller) Look(ctx context.Context, connection, poll string, source journal.Source) (int, error) {
	p.plan(p.Generation())
	p.mu.Lock()
	j := p.jobs[jobKey{change.PollKey{Connection: connection, Poll: poll}, source}]
	if j == nil {
		p.mu.Unlock()
		return 0, errIdle
	}
	j.next = p.Now()
	l := p.begin(j, p.Now())
	p.mu.Unlock()
	err := l.stopped()
	found := 0
	if err == nil {
		found, err = l.run(ctx)
	}
	p.done(l, found, err)
	return found, err
}

type idle struct{}

func (idle) Error() string { return "the poll is not active" }

var errIdle = idle{}

// Idle reports whether Look found nothing to be looked at.
func Idle(err error) bool { return err == error(errIdle) }

// Fingerprint is what tells contents apart.
func Fingerprint(data []byte, same, ignore []string) uint64 { return contentHash(data, same, ignore) }

// ReadTime reads a time as vendors write it.
func ReadTime(text string) time.Time { return readTime(text) }
