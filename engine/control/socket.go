package control

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// maxSocketPath is the length of a path, in bytes, that fits into a sockaddr_un
// on all systems that we build for.
const maxSocketPath = 100

// SocketPath returns where the engine of a data folder listens: in the folder,
// or, where that path is too long for a socket, in the folder for temporary
// files under a name that is a hash of the path.
func SocketPath(data string) (string, error) {
	abs, err := filepath.Abs(data)
	if err != nil {
		return "", fmt.Errorf("find the data folder %q: %w", data, err)
	}
	path := filepath.Join(abs, "control.sock")
	if len(path) <= maxSocketPath {
		return path, nil
	}
	sum := sha256.Sum256([]byte(abs))
	return filepath.Join(os.TempDir(), fmt.Sprintf("tidewire-%d-%s.sock", os.Getuid(), hex.EncodeToString(sum[:8]))), nil
}

// Listen opens the socket of a data folder for its owner alone. The caller
// holds the store's lock, so that an existing socket is of an engine that was
// killed. Close removes the socket, unless it is another engine's by then, whose
// data folder has taken the place of this one's.
func Listen(data string) (net.Listener, error) {
	path, err := SocketPath(data)
	if err != nil {
		return nil, err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("remove the socket of an engine that is gone: %w", err)
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen for commands: %w", err)
	}
	listener.(*net.UnixListener).SetUnlinkOnClose(false)
	made, err := os.Stat(path)
	if err == nil {
		err = os.Chmod(path, 0o600)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("close the socket to others: %w", err), listener.Close())
	}
	return &socket{Listener: listener, path: path, made: made}, nil
}

// socket is a listener with the file of its socket.
type socket struct {
	net.Listener
	path    string
	made    fs.FileInfo
	closing sync.Once
}

func (s *socket) Close() error {
	s.closing.Do(func() { // while it is open, no other file has its identity
		if present, err := os.Stat(s.path); err == nil && os.SameFile(present, s.made) {
			_ = os.Remove(s.path)
		}
	})
	return s.Listener.Close()
}

// NotRunning reports whether an error of a Client means that no engine is
// running.
func NotRunning(err error) bool {
	var dial *net.OpError
	return errors.As(err, &dial) && dial.Op == "dial" && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED))
}
