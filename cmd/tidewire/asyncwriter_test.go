package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"
)

func pipe(t *testing.T) (read, write *os.File) {
	t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { read.Close(); write.Close() })
	return read, write
}

// TestAsyncWriterLosesNothing writes from several goroutines. All lines arrive,
// those of each goroutine in their order.
func TestAsyncWriterLosesNothing(t *testing.T) {
	read, write := pipe(t)
	lines := make(chan map[int][]int)
	go func() {
		seen := map[int][]int{}
		for scan := bufio.NewScanner(read); scan.Scan(); {
			var writer, number int
			if _, err := fmt.Sscanf(scan.Text(), "writer %d line %d", &writer, &number); err != nil {
				t.Errorf("found %q", scan.Text())
			}
			seen[writer] = append(seen[writer], number)
		}
		lines <- seen
	}()
	b := newAsyncWriter(write)
	var writers sync.WaitGroup
	for writer := range 8 {
		writers.Go(func() {
			for number := range 20_000 { // more than maxPending and the pipe's buffer
				fmt.Fprintf(b, "writer %d line %d\n", writer, number)
			}
		})
	}
	writers.Wait()
	b.close()
	fmt.Fprintf(b, "writer 9 line 0\n") // after the end it is written at once
	write.Close()
	seen := <-lines
	for writer := range 8 {
		if len(seen[writer]) != 20_000 {
			t.Errorf("writer %d has %d lines", writer, len(seen[writer]))
		}
		for i, number := range seen[writer] {
			if i != number {
				t.Fatalf("writer %d: line %d is at %d", writer, number, i)
			}
		}
	}
	if len(seen[9]) != 1 {
		t.Error("what was written after the end is missing")
	}
}

// TestAsyncWriterDoesNotBlock writes as many bytes as may be pending while nobody
// reads. Writing does not block, and all bytes arrive later.
func TestAsyncWriterDoesNotBlock(t *testing.T) {
	read, write := pipe(t)
	b := newAsyncWriter(write)
	line := make([]byte, 1<<10)
	for range maxPending / len(line) { // far more than the pipe's buffer
		if _, err := b.Write(line); err != nil {
			t.Fatal(err)
		}
	}
	got := make(chan int64, 1)
	go func() {
		n, err := io.Copy(io.Discard, read)
		if err != nil {
			t.Error(err)
		}
		got <- n
	}()
	b.close()
	write.Close()
	if n := <-got; n != maxPending {
		t.Errorf("%d bytes came out, %d were written", n, maxPending)
	}
}
