package datafile

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// newLog returns a log of frames with pages of 512 bytes. A true commit ends a
// transaction.
func newLog(commits ...bool) []byte {
	const page = 512
	put := binary.BigEndian.PutUint32
	log := make([]byte, logHeader)
	for i, v := range []uint32{logMagic, logVersion, page, 0, 7, 8} {
		put(log[4*i:], v)
	}
	sum := checksum{}.add(binary.LittleEndian, log[:24])
	putSum := func(to []byte) { put(to, sum[0]); put(to[4:], sum[1]) }
	putSum(log[24:])
	for i, commit := range commits {
		frame := make([]byte, frameHeader+page)
		put(frame, uint32(i+1))
		if commit {
			put(frame[4:], uint32(i+1))
		}
		copy(frame[8:], log[16:24])
		frame[frameHeader] = byte(i)
		sum = sum.add(binary.LittleEndian, frame[:8]).add(binary.LittleEndian, frame[frameHeader:])
		putSum(frame[16:])
		log = append(log, frame...)
	}
	return log
}

func TestReadLog(t *testing.T) {
	const frame = frameHeader + 512
	zero := func(log []byte, from, to int) []byte {
		clear(log[from:to])
		return log
	}
	six := []bool{false, true, true, true, false, true}
	for name, c := range map[string]struct {
		log   []byte
		valid bool
		want  Log
	}{
		"empty":                         {},
		"part of a header":              {log: newLog()[:20]},
		"no frame":                      {log: newLog(), want: Log{Valid: true}},
		"whole":                         {log: newLog(six...), want: Log{Valid: true, Frames: 6}},
		"no commit at its end":          {log: newLog(true, true, false), want: Log{Valid: true, Frames: 2}},
		"last transaction in part":      {log: newLog(six...)[:logHeader+6*frame-1], want: Log{Valid: true, Frames: 4}},
		"last transaction in any order": {log: zero(newLog(six...), logHeader+4*frame+24, logHeader+4*frame+40), want: Log{Valid: true, Frames: 4, Beyond: 1}},
		"gap of a page":                 {log: zero(newLog(true, true, true, true, true), logHeader+2*frame, logHeader+2*frame+50), want: Log{Valid: true, Frames: 2, Beyond: 1}},
		"gap in a page":                 {log: zero(newLog(true, true, true, true, true), logHeader+2*frame+24, logHeader+2*frame+50), want: Log{Valid: true, Frames: 2, Beyond: 2}},
		"header damaged":                {log: zero(newLog(six...), 16, 20)},
		"all zero":                      {log: make([]byte, 5000)},
	} {
		l, err := readLog(bytes.NewReader(c.log))
		if c.want.Valid {
			c.want.Salt1, c.want.Salt2 = 7, 8
		}
		if err != nil || l != c.want {
			t.Errorf("%s: found %+v, %v, expected %+v", name, l, err, c.want)
		}
	}
}

func FuzzReadLog(f *testing.F) {
	text := newLog(true, false, true, true)
	f.Add(text)
	f.Add(text[:len(text)/2])
	gap := bytes.Clone(text)
	clear(gap[600:700])
	f.Add(gap)
	f.Add([]byte{})
	f.Add(newLog())
	f.Fuzz(func(t *testing.T, text []byte) {
		l, err := readLog(bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		if !l.Valid && (l.Frames > 0 || l.Beyond > 0) || int(l.Frames)*(frameHeader+512) > len(text) {
			t.Errorf("%d bytes have %+v", len(text), l)
		}
	})
}

func FuzzParsePosition(f *testing.F) {
	f.Add("log 1.2 frames 3 stored 4")
	f.Add("log 4294967295.0 frames 10 stored 10")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if p, ok := parsePosition(text); ok && string(p.append(nil)) != text {
			t.Errorf("%q was read as %+v", text, p)
		}
	})
}
