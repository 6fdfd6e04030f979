package poll

import (
	"context"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
	"github.com/tidewire/tidewire/engine/journal/change"
)

// Scan makes one scan of a poll at once, whether it is due or not, and returns
// the number of events it made.
func (p *Poller) Scan(ctx context.Context, connection, poll string, source journal.Source) (int, error) {
	p.index.plan(p.index.config.Generation())
	p.index.mu.Lock()
	j := p.index.jobs[jobKey{change.PollKey{Connection: connection, Poll: poll}, source}]
	if j == nil {
		p.index.mu.Unlock()
		return 0, errIdle
	}
	j.next = p.clock.Now()
	sc := p.begin(j, p.clock.Now())
	p.index.mu.Unlock()
	err := sc.stopped()
	found := 0
	if err == nil {
		found, err = sc.run(ctx)
	}
	p.done(sc, found, err)
	return found, err
}

type idle struct{}

func (idle) Error() string { return "the poll is not active" }

var errIdle = idle{}

// Idle reports whether Scan found no such job.
func Idle(err error) bool { return err == error(errIdle) }

// ContentHash is the hash that detects changes of content.
func ContentHash(data []byte, same, ignore []string) uint64 { return contentHash(data, same, ignore) }

// ReadTime reads a time as vendors write it.
func ReadTime(text string) time.Time { return readTime(text) }
