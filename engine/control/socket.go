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

	"github.com/tidewire/tidewire/engine/ownership"
)

// maxSocketPath is the length of a path, in bytes, that fits into a sockaddr_un
// on all systems that we build for.
const maxSocketPath = 100

// SocketPath returns where the engine of a data folder listens: in the folder, or, where
// that path is too long for a socket, in a folder of the user below that for temporary
// files, under a name that is a hash of the path.
func SocketPath(data string) (string, error) {
	path, _, err := socketPath(data)
	return path, err
}

// socketPath returns the path of the socket. If that is not in the data folder, it also
// returns the folder of the socket, which only its user may use.
func socketPath(data string) (path, folder string, err error) {
	abs, err := filepath.Abs(data)
	if err != nil {
		return "", "", fmt.Errorf("find the data folder %q: %w", data, err)
	}
	if path = filepath.Join(abs, "control.sock"); len(path) <= maxSocketPath {
		return path, "", nil
	}
	sum := sha256.Sum256([]byte(abs))
	folder = filepath.Join(os.TempDir(), fmt.Sprintf("tidewire-%d", os.Geteuid()))
	path = filepath.Join(folder, hex.EncodeToString(sum[:8])+".sock")
	if len(path) > maxSocketPath {
		return "", "", fmt.Errorf("the path of the data folder %s is too long for a socket in it, and so is that of the folder for temporary files %s; use a data folder with a shorter path, or set TMPDIR", abs, os.TempDir())
	}
	return path, folder, nil
}

// checkSocketFolder returns an error if others may use the folder of a socket, which is
// empty if that is the data folder. An engine that listens there could be anybody's.
func checkSocketFolder(folder string) error {
	if folder == "" {
		return nil
	}
	return ownership.CheckOwnFolder("the folder of the engine's socket", folder)
}

// Listen opens the socket of a data folder for its owner alone. The caller
// holds the store's lock, so that an existing socket is of an engine that was
// killed. Close removes the socket, unless it is another engine's by then, whose
// data folder has taken the place of this one's.
func Listen(data string) (net.Listener, error) {
	path, folder, err := socketPath(data)
	if err != nil {
		return nil, err
	}
	if folder != "" {
		if err := os.Mkdir(folder, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("make the folder of the socket: %w", err)
		}
	}
	if err := checkSocketFolder(folder); err != nil {
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
