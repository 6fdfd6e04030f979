package control_test

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/engine/control"
)

// longFolder returns a data folder whose path is too long for a socket, and sets the
// folder for temporary files to one that is empty.
func longFolder(t *testing.T) (data, temporary string) {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("modes are not checked")
	}
	temporary, err := os.MkdirTemp("/tmp", "tw")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(temporary) })
	t.Setenv("TMPDIR", temporary)
	data = filepath.Join(temporary, strings.Repeat("d", 120))
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	return data, temporary
}

// TestLongPath has the socket in a folder that only its user may use.
func TestLongPath(t *testing.T) {
	data, _ := longFolder(t)
	client, err := control.Dial(data)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := client.Status(t.Context()); !control.NotRunning(err) {
		t.Errorf("before an engine runs: %v", err)
	}
	listener, err := control.Listen(data)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	path, err := control.SocketPath(data)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(filepath.Dir(path))
	if err != nil || info.Mode().Perm() != 0o700 || filepath.Dir(path) == os.TempDir() {
		t.Errorf("the socket is %s, in a folder of mode %v, %v; expected a folder of its own, 0700", path, info.Mode(), err)
	}
	again, err := control.Listen(data) // of an engine that was killed, and of another folder
	if err != nil {
		t.Fatal(err)
	}
	again.Close()
}

// TestForeignSocketFolder refuses a folder of the socket that others may use, on both
// sides: who made it could be the engine that answers.
func TestForeignSocketFolder(t *testing.T) {
	for name, prepare := range map[string]func(t *testing.T, folder string) error{
		"open to others": func(t *testing.T, folder string) error {
			if err := os.Mkdir(folder, 0o700); err != nil {
				return err
			}
			return os.Chmod(folder, 0o777)
		},
		"a link": func(t *testing.T, folder string) error {
			if err := os.Mkdir(folder+"-target", 0o700); err != nil {
				return err
			}
			return os.Symlink(folder+"-target", folder)
		},
		"of another user": func(t *testing.T, folder string) error {
			if os.Geteuid() != 0 {
				t.Skip("only root can give a folder to another user")
			}
			if err := os.Mkdir(folder, 0o700); err != nil {
				return err
			}
			return os.Chown(folder, 12345, 12345)
		},
	} {
		t.Run(name, func(t *testing.T) {
			data, _ := longFolder(t)
			path, err := control.SocketPath(data)
			if err != nil {
				t.Fatal(err)
			}
			if err := prepare(t, filepath.Dir(path)); err != nil {
				t.Fatal(err)
			}
			const want = "the folder of the engine's socket"
			if listener, err := control.Listen(data); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("the engine listens: %v", err)
				if err == nil {
					listener.Close()
				}
			}
			client, err := control.Dial(data)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			if _, err := client.Status(t.Context()); err == nil || !strings.Contains(err.Error(), want) || control.NotRunning(err) {
				t.Errorf("the command gets %v", err)
			}
		})
	}
}

// TestTooLongTemporaryFolder names both folders where no socket fits.
func TestTooLongTemporaryFolder(t *testing.T) {
	data, temporary := longFolder(t)
	t.Setenv("TMPDIR", filepath.Join(temporary, strings.Repeat("t", 120)))
	if _, err := control.Listen(data); err == nil || !strings.Contains(err.Error(), "use a data folder with a shorter path, or set TMPDIR") {
		t.Errorf("got %v", err)
	}
}
