package datafile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
)

// Position is how far a write-ahead log is written.
type Position struct {
	// Salt1 and Salt2 are those of the log. SQLite increments Salt1 when it
	// begins to write the log from its start again.
	Salt1, Salt2 uint32
	Frames       uint32 // up to the last commit
	Stored       uint32 // of these, how many are in the database file too

	page uint32 // the size of a page, in bytes
}

// same reports whether two positions are of the same log, and equally far.
func (p Position) same(q Position) bool {
	p.page, q.page = 0, 0
	return p == q
}

// The wal-index (the -shm file) begins with two copies of a header. The number
// of frames that a checkpoint has written is behind them.
const (
	indexHeader  = 48
	indexStored  = 2 * indexHeader
	indexRead    = indexStored + 4
	indexVersion = 3007000
)

// readIndex reads the position from a wal-index. It returns false for an index
// that is not initialized, or is being changed.
func readIndex(index *os.File) (p Position, ok bool) {
	var b [indexRead]byte
	if n, err := index.ReadAt(b[:], 0); n < len(b) && err != nil {
		return p, false
	}
	native := binary.NativeEndian
	if native.Uint32(b[:]) != indexVersion || b[12] == 0 || !bytes.Equal(b[:indexHeader], b[indexHeader:indexStored]) {
		return p, false
	}
	return Position{
		Salt1: binary.BigEndian.Uint32(b[32:]), Salt2: binary.BigEndian.Uint32(b[36:]), // SQLite copies them from the log
		Frames: native.Uint32(b[16:]), Stored: native.Uint32(b[indexStored:]),
		page: pageSize(native.Uint16(b[14:])),
	}, true
}

// pageSize decodes a size of 16 bits: 1 is 65,536.
func pageSize(n uint16) uint32 { return uint32(n)&0xfe00 | uint32(n)&1<<16 }

// inLog reports whether the last frame of a position is in the log, or cannot be read.
func (p Position) inLog(log io.ReaderAt) bool {
	if p.Frames == 0 || p.page == 0 {
		return true
	}
	var salts [8]byte
	at := logHeader + int64(p.Frames-1)*int64(frameHeader+p.page) + 8
	if n, err := log.ReadAt(salts[:], at); n < len(salts) {
		return err != nil && !errors.Is(err, io.EOF)
	}
	return binary.BigEndian.Uint32(salts[:]) == p.Salt1 && binary.BigEndian.Uint32(salts[4:]) == p.Salt2
}

// positionFormat is the text of a position, as it is in the lock file.
const positionFormat = "log %d.%d frames %d stored %d"

func (p Position) append(to []byte) []byte {
	to = strconv.AppendUint(append(to, "log "...), uint64(p.Salt1), 10)
	to = strconv.AppendUint(append(to, '.'), uint64(p.Salt2), 10)
	to = strconv.AppendUint(append(to, " frames "...), uint64(p.Frames), 10)
	return strconv.AppendUint(append(to, " stored "...), uint64(p.Stored), 10)
}

// parsePosition reads the text of a position; false for any other text.
func parsePosition(text string) (p Position, ok bool) {
	n, err := fmt.Sscanf(text, positionFormat, &p.Salt1, &p.Salt2, &p.Frames, &p.Stored)
	return p, err == nil && n == 4 && p.Stored <= p.Frames && string(p.append(nil)) == text
}
