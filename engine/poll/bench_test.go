package poll_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/tidewire/tidewire/engine/journal"
)

// BenchmarkAHundredThousandRecords walks a list of 100,000 notes in pages of a
// hundred: a first scan that stores sightings, then scans that compare. It
// reports the largest use of the heap, without that of the fixture.
func BenchmarkAHundredThousandRecords(b *testing.B) {
	const records, page = 100_000, 100
	changed := atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, _ := strconv.Atoi(r.URL.Query().Get("after"))
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"notes":[`)
		for i := from; i < from+page; i++ {
			if i > from {
				fmt.Fprint(w, ",")
			}
			text := "note"
			if int64(i) == changed.Load() {
				text = "changed"
			}
			fmt.Fprintf(w, `{"id":"note_%08d","text":"%s %d","tags":["a","b"],"author":{"id":"u_%d","name":"Somebody"}}`, i, text, i, i%50)
		}
		if from+page < records {
			fmt.Fprintf(w, `],"next":"%d"}`, from+page)
		} else {
			fmt.Fprint(w, `]}`)
		}
	}))
	defer server.Close()
	changed.Store(-1)
	open := func(b *testing.B) *fixture {
		return newFixture(b, onlyNotes, func(w *fixture) { w.setting.BaseURL = server.URL })
	}
	scan := func(b *testing.B, w *fixture) int {
		peak := watchHeap()
		n, err := w.poller.Scan(b.Context(), "helpdesk", "notes", journal.Poll)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(peak())/(1<<20), "MB-heap")
		return n
	}
	b.Run("noting", func(b *testing.B) {
		for b.Loop() {
			scan(b, open(b))
		}
		b.ReportMetric(records*float64(b.N)/b.Elapsed().Seconds(), "records/s")
	})
	b.Run("comparing", func(b *testing.B) {
		w := open(b)
		scan(b, w)
		for b.Loop() {
			changed.Add(1)
			if n := scan(b, w); n == 0 {
				b.Fatal("the change was not found")
			}
		}
		b.ReportMetric(records*float64(b.N)/b.Elapsed().Seconds(), "records/s")
	})
}

// watchHeap measures the use of the heap, and returns the largest increase since
// the beginning.
func watchHeap() func() int64 {
	read := func() int64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	runtime.GC()
	before, maxUse := read(), int64(0)
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		for {
			select {
			case <-stop:
				return
			case <-time.After(20 * time.Millisecond):
				runtime.GC()
				maxUse = max(maxUse, read()-before)
			}
		}
	}()
	return func() int64 {
		close(stop)
		<-done
		return maxUse
	}
}
