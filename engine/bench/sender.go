package bench

import (
	"bufio"
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// bodySize is that of each webhook, in bytes.
const bodySize = 1 << 10

const (
	orderPrefix  = "o-"
	numberDigits = 12
)

// The kinds of order that are sent.
const (
	created = "order.created"
	queued  = "order.queued"
	parked  = "order.parked"
)

// senderGroup makes senders that post to one engine. Numbers of orders increase
// and do not repeat within a process.
type senderGroup struct {
	address string
	kind    string
	next    *atomic.Int64
}

// burst posts from several senders at the same time, at least once from each,
// until limit posts are acknowledged or the time is over. It returns how many
// were acknowledged, and in what time.
func (f senderGroup) burst(ctx context.Context, senders, limit int, within time.Duration) (int, time.Duration, error) {
	all, err := f.dial(ctx, senders)
	if err != nil {
		return 0, 0, err
	}
	defer closeAll(all)
	stop := context.AfterFunc(ctx, func() { closeAll(all) })
	defer stop()
	var started, done atomic.Int64
	var group errgroup.Group
	start := time.Now()
	for _, s := range all {
		group.Go(func() error {
			for first := true; started.Add(1) <= int64(limit) && (first || time.Since(start) < within); first = false {
				if err := s.post(f.next.Add(1)); err != nil {
					return err
				}
				done.Add(1)
			}
			return nil
		})
	}
	err = group.Wait()
	elapsed := time.Since(start)
	if ctx.Err() != nil {
		return 0, 0, context.Cause(ctx)
	}
	return int(done.Load()), elapsed, err
}

func (f senderGroup) dial(ctx context.Context, n int) (all []*sender, err error) {
	for range n {
		s, err := newSender(ctx, f.address, f.kind)
		if err != nil {
			closeAll(all)
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

func closeAll(all []*sender) {
	for _, s := range all {
		s.conn.Close()
	}
}

// sender posts signed webhooks on one connection. The request is made once and
// changed in place.
type sender struct {
	conn     net.Conn
	reader   *bufio.Reader
	request  []byte
	body     []byte // the last part of request
	mac      hash.Hash
	sum      []byte
	lastTime int64
	// Parts of request that change.
	eventID, orderID, timestamp, signature []byte
}

func newSender(ctx context.Context, address, kind string) (*sender, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("connect a sender: %w", err)
	}
	body := orderBody(kind)
	head := fmt.Sprintf("POST /hooks/%s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n%s: t=%010d,v1=%064d\r\n\r\n",
		appName, address, len(body), signatureHeader, 0, 0)
	s := &sender{conn: conn, reader: bufio.NewReaderSize(conn, 4<<10), request: []byte(head + body), mac: hmac.New(sha256.New, []byte(secret))}
	s.body = s.request[len(head):]
	part := func(before string, length int) []byte {
		at := bytes.Index(s.request, []byte(before)) + len(before)
		return s.request[at : at+length]
	}
	s.eventID = part(`{"id":"`, 16)
	s.orderID = part(`"`+orderPrefix, numberDigits)
	s.timestamp = part(": t=", 10)
	s.signature = part(",v1=", 64)
	return s, nil
}

// orderBody returns the body of a webhook with zeros as ids.
func orderBody(kind string) string {
	const before = `{"id":"%016d","type":"%s","created_at":"2026-01-05T09:30:00Z","data":{"id":"` + orderPrefix + `%012d","title":"Sixty tiles, glazed, sea green",` +
		`"kind":"company","amount":"1249.50","customer":{"name":"Ada Lovelace & Sons","email":"ada@example.com","phone":"+33123456789","city":"Paris"},` +
		`"tags":["spring","wholesale","paris"],"note":"`
	const after = `"}}`
	text := fmt.Sprintf(before, 0, kind, 0)
	note := strings.Repeat("to the yard behind the house, not to the door; ", bodySize/40)
	return text + note[:bodySize-len(text)-len(after)] + after
}

// post sends one order and reads its acknowledgement.
func (s *sender) post(number int64) error {
	// Ids in no order, like those of vendors.
	hexDigits(s.eventID, uint64(number)*0x9e3779b97f4a7c15)
	appendNumber(s.orderID[:0], number)
	if now := time.Now().Unix(); now != s.lastTime {
		s.lastTime = now
		strconv.AppendInt(s.timestamp[:0], now, 10)
	}
	s.mac.Reset()
	s.mac.Write(s.timestamp)
	s.mac.Write([]byte{'.'})
	s.mac.Write(s.body)
	s.sum = s.mac.Sum(s.sum[:0])
	hex.Encode(s.signature, s.sum)
	if _, err := s.conn.Write(s.request); err != nil {
		return fmt.Errorf("post order %d: %w", number, err)
	}
	status, err := s.reader.ReadSlice('\n')
	if err != nil {
		return fmt.Errorf("read the answer to order %d: %w", number, err)
	}
	if !bytes.HasPrefix(status, []byte("HTTP/1.1 200 ")) {
		return fmt.Errorf("order %d was not accepted: %w", number, errors.New(strings.TrimSpace(string(status))))
	}
	if err := skipMessage(s.reader); err != nil {
		return fmt.Errorf("read the answer to order %d: %w", number, err)
	}
	return nil
}

// appendNumber appends a number with numberDigits digits.
func appendNumber(to []byte, number int64) []byte {
	var digits [numberDigits]byte
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = byte('0' + number%10)
		number /= 10
	}
	return append(to, digits[:]...)
}

func hexDigits(to []byte, n uint64) {
	for i := len(to) - 1; i >= 0; i-- {
		to[i] = "0123456789abcdef"[n&15]
		n >>= 4
	}
}
