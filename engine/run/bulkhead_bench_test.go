package run_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// BenchmarkCallsWhileAVendorHangs measures how long it takes from the acceptance
// of an event until the vendor gets the call of its run, with 600 runs of another
// vendor that does not answer, and without. With -benchtime 5000x the 99th
// percentile is of 5,000 calls.
func BenchmarkCallsWhileAVendorHangs(b *testing.B) {
	for name, hanging := range map[string]int{"none": 0, "600": 600} {
		b.Run("hanging="+name, func(b *testing.B) { benchmarkCalls(b, hanging) })
	}
}

func benchmarkCalls(b *testing.B, hanging int) {
	const senders = 8
	w := newFixture(b, map[string]string{"orders": shopAndBank})
	goOn := make(chan struct{})
	release := sync.OnceFunc(func() { close(goOn) })
	b.Cleanup(release)
	var arrivals sync.Map // of the calls, by tag
	w.vendor.answers(func(_ int, r request) reply {
		if strings.HasSuffix(r.Token, "shop") {
			<-goOn
		} else if arrived, found := arrivals.Load(strings.TrimPrefix(r.Query, "tag=")); found {
			close(arrived.(chan struct{}))
		}
		return ok
	})
	waiting := w.orders("shop", hanging)
	eventually(b, "all have a call or wait", func() bool {
		return !slices.ContainsFunc(waiting, func(id string) bool { return w.runner.Current(id) == nil })
	})
	took := make([]time.Duration, b.N)
	var next atomic.Int64
	var group sync.WaitGroup
	b.ResetTimer()
	for range senders {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(b.N); i = next.Add(1) - 1 {
				id, arrived := fmt.Sprint("b", i), make(chan struct{})
				arrivals.Store(id, arrived)
				began := time.Now()
				if err := w.acceptOrder("bank", id); err != nil {
					b.Error(err)
					return
				}
				select {
				case <-arrived:
				case <-time.After(timeout):
				}
				took[i] = time.Since(began)
			}
		})
	}
	group.Wait()
	b.StopTimer()
	slices.Sort(took)
	for _, p := range []int{50, 99} {
		b.ReportMetric(float64(took[(len(took)-1)*p/100].Microseconds()), fmt.Sprintf("p%d-µs", p))
	}
	release()
}

// BenchmarkRunsOfOneApp reports how often runs are suspended that fill all places
// and call one app, which answers at once.
func BenchmarkRunsOfOneApp(b *testing.B) {
	const senders = 16
	w := newFixture(b, map[string]string{"orders": shopAndBank})
	var arrived atomic.Int64
	w.vendor.answers(func(int, request) reply { arrived.Add(1); return ok })
	b.ResetTimer()
	var group sync.WaitGroup
	for sender := range senders {
		group.Go(func() {
			for i := sender; i < b.N; i += senders {
				if err := w.acceptOrder("shop", fmt.Sprint(i)); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	group.Wait()
	eventually(b, "all runs call", func() bool { return arrived.Load() == int64(b.N) })
	b.StopTimer()
	b.ReportMetric(float64(len(w.logged("run waits for the calls of others")))/float64(b.N), "suspended/run")
}

// acceptOrder accepts an event of an app, from any goroutine.
func (w *fixture) acceptOrder(app, id string) error {
	_, err := w.runner.Accept(w.Context(), journal.Event{ID: "bench:" + id, Type: app + ".order.created", Connection: app,
		Account: "account of " + app, Source: journal.Webhook, Data: json.RawMessage(`{"id":"` + id + `"}`)})
	return err
}
