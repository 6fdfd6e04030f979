package script

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// maxFiles bounds the files of a scan.
	maxFiles = 20_000
	// maxDepth bounds how deep folders are nested.
	maxDepth = 20
)

// tree is the result of a scan of the scripts folder. Paths are relative to the
// folder, with slashes.
type tree struct {
	files   map[string]stamp
	folders []folder
	links   []string // absolute paths of the targets of symbolic links to files
	// unread are the files and folders that could not be read: those below them
	// may still exist. "." means the whole tree.
	unread []string
	// notFiles maps paths of files of scripts to what is there in their place.
	notFiles map[string]string
	problems []Problem
}

// What can be in the place of a file.
const (
	aFolder   = "a folder"
	aLostLink = "a link without a target"
	notAFile  = "something that is no regular file"
)

// folder is a folder to watch.
type folder struct {
	path string // absolute
	id   fileID
}

// scan lists the files and folders of scripts below root and follows symbolic
// links. It returns an error only if root cannot be read.
func scan(root string) (*tree, error) {
	info, err := os.Stat(root)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return nil, fmt.Errorf("%q is not a folder", root)
	}
	t := &tree{files: map[string]stamp{}, notFiles: map[string]string{}}
	if err := t.walk(root, "", info, nil); err != nil {
		return nil, err
	}
	return t, nil
}

func (t *tree) problem(file, format string, args ...any) {
	t.problems = append(t.problems, Problem{File: file, Message: fmt.Sprintf(format, args...)})
}

// walk lists one folder. above are the folders that contain it: a symbolic link
// to one of them ends the walk.
func (t *tree) walk(root, below string, info fs.FileInfo, above []fileID) error {
	id := idOf(info)
	if id != (fileID{}) && slices.Contains(above, id) {
		t.problem(below, "the link leads back to a folder that it lies in; it is passed over")
		return nil
	}
	if len(above) > maxDepth {
		t.problem(below, "more than %d folders within folders; it is passed over", maxDepth)
		return nil
	}
	absolute := filepath.Join(root, filepath.FromSlash(below))
	t.folders = append(t.folders, folder{path: absolute, id: id})
	entries, err := os.ReadDir(absolute)
	if err != nil && below == "" {
		return err
	}
	if err != nil {
		t.unreadable(below, err)
		return nil
	}
	above = append(slices.Clip(above), id)
	for _, entry := range entries {
		t.entry(root, path.Join(below, entry.Name()), entry, above)
	}
	return nil
}

func (t *tree) entry(root, below string, entry fs.DirEntry, above []fileID) {
	name := entry.Name()
	wanted := strings.HasSuffix(name, ".lua") || name == templateFile
	link := entry.Type()&fs.ModeSymlink != 0
	if ignored(name) || !wanted && !link && !entry.IsDir() {
		return
	}
	absolute := filepath.Join(root, filepath.FromSlash(below))
	info, err := os.Stat(absolute)
	switch {
	case errors.Is(err, fs.ErrNotExist) && link && exists(absolute):
		t.notFiles[below] = aLostLink
		if !wanted { // to a folder, maybe
			t.unreadable(below, errors.New(aLostLink))
		}
	case errors.Is(err, fs.ErrNotExist):
		return // deleted since it was listed
	case err != nil:
		t.unreadable(below, err)
	case info.IsDir():
		t.notFiles[below] = aFolder
		if err := t.walk(root, below, info, above); err != nil {
			t.unreadable(below, err)
		}
	case !wanted:
	case !utf8.ValidString(below):
		t.problem(strings.ToValidUTF8(below, "?"), "the name of the file is not UTF-8 text")
	case !info.Mode().IsRegular():
		t.notFiles[below] = notAFile
	case len(t.files) >= maxFiles:
		if !slices.Contains(t.unread, ".") {
			t.unread = append(t.unread, ".")
			t.problem("", "more than %d files; the rest is passed over", maxFiles)
		}
	default:
		t.files[below] = stampOf(info)
		if link {
			if target, err := filepath.EvalSymlinks(absolute); err == nil {
				t.links = append(t.links, target)
			}
		}
	}
}

// exists reports whether there is a file, or a link with or without a target.
func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func (t *tree) unreadable(below string, err error) {
	t.unread = append(t.unread, below)
	var where *fs.PathError
	if errors.As(err, &where) {
		err = where.Err
	}
	t.problem(below, "cannot be read: %v", err)
}

// mayContain reports whether a file that is not in the tree may still exist.
func (t *tree) mayContain(file string) bool {
	if has(t.notFiles, file) {
		return true
	}
	for _, unread := range t.unread {
		if unread == "." || file == unread || strings.HasPrefix(file, unread+"/") {
			return true
		}
	}
	return false
}

// ignored reports whether a file or folder has a name of a test, or one that
// editors and tools use for files of their own.
func ignored(name string) bool {
	return strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") || strings.HasSuffix(name, "_test.lua") ||
		strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#")
}
