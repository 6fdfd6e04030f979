package ownership_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/tidewire/tidewire/engine/ownership"
)

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestChecks refuses what others could use, with the command to run.
func TestChecks(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes are not checked")
	}
	file := func(mode fs.FileMode) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			must(t, os.WriteFile(path, []byte("k"), 0o600))
			must(t, os.Chmod(path, mode))
		}
	}
	folder := func(mode fs.FileMode) func(t *testing.T, path string) {
		return func(t *testing.T, path string) {
			must(t, os.Mkdir(path, 0o700))
			must(t, os.Chmod(path, mode))
		}
	}
	link := func(t *testing.T, path string) {
		file(0o600)(t, path+".target")
		must(t, os.Symlink(path+".target", path))
	}
	folderLink := func(t *testing.T, path string) {
		folder(0o700)(t, path+".target")
		must(t, os.Symlink(path+".target", path))
	}
	foreign := func(make func(*testing.T, string)) func(*testing.T, string) {
		return func(t *testing.T, path string) {
			if os.Geteuid() != 0 {
				t.Skip("only root can give a file to another user")
			}
			make(t, path)
			must(t, os.Chown(path, 12345, 12345))
		}
	}
	none := func(*testing.T, string) {}
	for name, c := range map[string]struct {
		check func(what, path string) error
		make  func(*testing.T, string)
		want  string // a part of the error; empty: none
	}{
		"folder":                    {ownership.CheckFolder, folder(0o755), ""},
		"folder, missing":           {ownership.CheckFolder, none, ""},
		"folder, group writes":      {ownership.CheckFolder, folder(0o775), "(mode 0775); run: chmod go-w "},
		"folder, all write":         {ownership.CheckFolder, folder(0o777), "(mode 0777); run: chmod go-w "},
		"folder, linked":            {ownership.CheckFolder, folderLink, ""},
		"own folder":                {ownership.CheckOwnFolder, folder(0o700), ""},
		"own folder, others read":   {ownership.CheckOwnFolder, folder(0o755), "(mode 0755); run: chmod 700 "},
		"own folder, a link":        {ownership.CheckOwnFolder, folderLink, "is no folder; remove it"},
		"own folder, a file":        {ownership.CheckOwnFolder, file(0o600), "is no folder; remove it"},
		"own folder, another owner": {ownership.CheckOwnFolder, foreign(folder(0o700)), "belongs to user 12345"},
		"own file":                  {ownership.CheckOwnFile, file(0o600), ""},
		"own file, group reads":     {ownership.CheckOwnFile, file(0o640), "(mode 0640); run: chmod 600 "},
		"own file, others write":    {ownership.CheckOwnFile, file(0o602), "(mode 0602); run: chmod 600 "},
		"own file, a link":          {ownership.CheckOwnFile, link, "is a link, expected a file; run: rm "},
		"own file, a folder":        {ownership.CheckOwnFile, folder(0o700), "is no file"},
		"own file, another owner":   {ownership.CheckOwnFile, foreign(file(0o600)), "belongs to user 12345, and this process runs as user 0; run: sudo chown 0 "},
		"private":                   {ownership.CheckPrivate, file(0o400), ""},
		"private, linked":           {ownership.CheckPrivate, link, ""},
		"private, others read":      {ownership.CheckPrivate, file(0o444), "(mode 0444); run: chmod 600 "},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "it")
			c.make(t, path)
			err := c.check("the thing", path)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), "the thing "+path) || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got %v, expected %q", err, c.want)
			}
		})
	}
	for _, check := range []func(what, path string) error{ownership.CheckOwnFolder, ownership.CheckOwnFile, ownership.CheckPrivate} {
		if err := check("it", filepath.Join(t.TempDir(), "missing")); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("what is missing: %v", err)
		}
	}
}
