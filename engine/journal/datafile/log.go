package datafile

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"
)

// Log is what a write-ahead log contains.
type Log struct {
	Size int64 // in bytes, 0 if there is no file
	// Valid is set if its header is valid. SQLite does not read another log.
	Valid        bool
	Salt1, Salt2 uint32
	// Frames is the number of frames that SQLite reads: up to the last commit
	// before the first frame that is not valid.
	Frames uint32
	// Beyond is the number of commits behind that frame. The last transaction
	// before a power cut may be written in part and in any order, so that one is
	// usual. A commit is synced before the next is written, so that two are not:
	// what was before them was valid once.
	Beyond int
}

// The format of a log, as SQLite documents it: a header, and frames of a header
// and a page.
const (
	logHeader   = 32
	frameHeader = 24
	logVersion  = 3007000
	logMagic    = 0x377f0682 // the last bit is set if checksums are of big-endian words
)

// scanLog reads the write-ahead log at path.
func scanLog(path string) (Log, error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Log{}, nil
	}
	if err != nil {
		return Log{}, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Log{}, err
	}
	l, err := readLog(bufio.NewReaderSize(f, 1<<20))
	l.Size = info.Size()
	return l, err
}

// checksum is the checksum of a log up to one of its frames.
type checksum [2]uint32

func (c checksum) add(order binary.ByteOrder, data []byte) checksum {
	for ; len(data) >= 8; data = data[8:] {
		c[0] += order.Uint32(data) + c[1]
		c[1] += order.Uint32(data[4:]) + c[0]
	}
	return c
}

func readChecksum(data []byte) checksum {
	return checksum{binary.BigEndian.Uint32(data), binary.BigEndian.Uint32(data[4:])}
}

func readLog(r io.Reader) (l Log, err error) {
	var header [logHeader]byte
	if _, err := io.ReadFull(r, header[:]); err != nil {
		return l, endOf(err)
	}
	var order binary.ByteOrder = binary.LittleEndian
	magic, page := binary.BigEndian.Uint32(header[:]), binary.BigEndian.Uint32(header[8:])
	if magic&1 != 0 {
		order = binary.BigEndian
	}
	sum := checksum{}.add(order, header[:24])
	if magic&^1 != logMagic || binary.BigEndian.Uint32(header[4:]) != logVersion || sum != readChecksum(header[24:]) ||
		page < 512 || page > 65536 || page&(page-1) != 0 {
		return l, nil
	}
	l.Valid, l.Salt1, l.Salt2 = true, binary.BigEndian.Uint32(header[16:]), binary.BigEndian.Uint32(header[20:])
	frame := make([]byte, frameHeader+page)
	cut := false // a frame was not valid
	for n := uint32(1); ; n++ {
		if _, err := io.ReadFull(r, frame); err != nil {
			return l, endOf(err)
		}
		valid := [8]byte(frame[8:]) == [8]byte(header[16:]) && // its salts
			readChecksum(frame[16:]) == sum.add(order, frame[:8]).add(order, frame[frameHeader:])
		// Each frame is compared with what the one before it declares, valid or
		// not, so that the frames behind an invalid one are found.
		sum = readChecksum(frame[16:])
		commit := binary.BigEndian.Uint32(frame[4:]) != 0
		switch {
		case !valid:
			cut = true
		case commit && cut:
			l.Beyond++
		case commit:
			l.Frames = n
		}
	}
}

// endOf returns nil for the end of a file, also in the middle of a frame.
func endOf(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return err
}
