package slack

import (
	"bytes"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"slices"
	"strings"

	"github.com/tidewire/tidewire/bindings/sandbox"
)

const (
	uploadPath = "/upload/v1/"
	filePath   = "/files-pri/"
)

// A file is uploaded in three steps: the client asks for an address, posts the
// bytes there, and completes the upload.

func newUpload(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	if r.PositiveArg("length") == 0 {
		return sandbox.Result{}, refuse("missing_argument")
	}
	token, file := sandbox.Letters(r.Random, 32, sandbox.MixedAlphabet), "F0"+sandbox.Letters(r.Random, 9, sandbox.UpperAlphabet)
	r.Save("uploads", &sandbox.Record{ID: file, Fields: sandbox.Object{"ticket": token, "name": r.Fields["filename"], "alt_txt": r.Fields["alt_txt"]}})
	return sandbox.Result{Fields: sandbox.Object{"file_id": file, "upload_url": r.URL() + uploadPath + token}}, nil
}

// receiveUpload stores the bytes of a file, sent as they are or as a part of a
// form.
func receiveUpload(a *sandbox.App, h *http.Request, raw []byte, at string) (sandbox.Reply, bool) {
	token, found := strings.CutPrefix(at, uploadPath)
	if !found || h.Method != http.MethodPost && h.Method != http.MethodPut {
		return sandbox.Reply{}, false
	}
	for _, upload := range a.All("uploads", nil) {
		if upload.Fields["ticket"] != token {
			continue
		}
		content, err := uploadedBytes(h, raw)
		if err != nil || len(content) == 0 {
			return textReply(http.StatusBadRequest, "no file in the request"), true
		}
		upload.Content = content
		return textReply(http.StatusOK, fmt.Sprintf("OK - %d", len(content))), true
	}
	return textReply(http.StatusNotFound, "no such upload"), true
}

// uploadedBytes returns the first file of a multipart body, or the body.
func uploadedBytes(h *http.Request, raw []byte) ([]byte, error) {
	kind, params, _ := mime.ParseMediaType(h.Header.Get("Content-Type"))
	if kind != "multipart/form-data" {
		return raw, nil
	}
	parts := multipart.NewReader(bytes.NewReader(raw), params["boundary"])
	for {
		part, err := parts.NextPart()
		if err != nil {
			return nil, err
		}
		if part.FileName() != "" {
			return io.ReadAll(part)
		}
	}
}

func textReply(status int, text string) sandbox.Reply {
	return sandbox.Reply{Status: status, Header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, Body: []byte(text)}
}

// download answers with the bytes of a file. It needs a token.
func download(a *sandbox.App, h *http.Request, at string) (sandbox.Reply, bool) {
	id, found := strings.CutPrefix(at, filePath)
	if !found || h.Method != http.MethodGet {
		return sandbox.Reply{}, false
	}
	id, _, _ = strings.Cut(id, "/")
	file := a.Get("files", id)
	if file == nil || !a.Authorized(h) {
		return textReply(http.StatusNotFound, "no such file"), true
	}
	return sandbox.Reply{Status: http.StatusOK, Header: http.Header{"Content-Type": {sandbox.Text(file.Fields["mimetype"])}}, Body: file.Content}, true
}

func completeUpload(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	given, _ := r.Fields["files"].([]any)
	channels := splitList(r.Fields["channels"])
	if one := r.Fields["channel_id"]; !sandbox.Empty(one) {
		channels = []any{one}
	}
	for _, id := range channels {
		if r.Get("channels", sandbox.Text(id)) == nil {
			return sandbox.Result{}, refuse("channel_not_found")
		}
	}
	for _, v := range given {
		id := sandbox.Text(sandbox.Lookup(v, "id"))
		if upload := r.Get("uploads", id); upload == nil || upload.Content == nil {
			return sandbox.Result{}, refuse("file_not_found")
		}
	}
	out, files := sandbox.Result{}, []any{}
	for _, v := range given {
		made := makeFile(r, sandbox.Text(sandbox.Lookup(v, "id")), sandbox.Text(sandbox.Lookup(v, "title")), channels)
		files = append(files, made.Fields)
		out.Changes = append(out.Changes, sandbox.Change{Record: made, Trigger: "file.created",
			Fields: sandbox.Object{"file_id": made.ID, "user_id": botID, "file": sandbox.Object{"id": made.ID}}})
	}
	for _, id := range channels {
		out.Changes = append(out.Changes, shareFiles(r, sandbox.Text(id), files)...)
	}
	out.Fields = sandbox.Object{"files": files}
	return out, nil
}

// makeFile creates the file of an upload.
func makeFile(r *sandbox.Call, id, title string, channels []any) *sandbox.Record {
	upload := r.Get("uploads", id)
	name := sandbox.Text(upload.Fields["name"])
	if title == "" {
		title = name
	}
	kind := http.DetectContentType(upload.Content)
	kind, _, _ = strings.Cut(kind, ";")
	ending := strings.TrimPrefix(path.Ext(name), ".")
	address := r.URL() + filePath + id + "/" + name
	r.Remove("uploads", upload)
	made := r.Make("files", id, sandbox.Object{
		"name": name, "title": title, "mimetype": kind, "filetype": ending, "pretty_type": strings.ToUpper(ending), "user": botID,
		"size": sandbox.Count(len(upload.Content)), "created": sandbox.Number(r.Now.Unix()), "mode": "hosted", "is_external": false, "is_public": len(channels) > 0,
		"public_url_shared": false, "url_private": address, "url_private_download": address, "alt_txt": upload.Fields["alt_txt"],
		"permalink": "https://sandbox.slack.com/files/" + botID + "/" + id + "/" + name, "channels": channels,
	}, nil)
	made.Content = upload.Content
	return made
}

// shareFiles posts files into a channel.
func shareFiles(r *sandbox.Call, channel string, files []any) []sandbox.Change {
	messages := "messages"
	fields := sandbox.Object{"type": "message", "user": botID, "bot_id": "B0SANDBOT01", "text": sandbox.Text(r.Fields["initial_comment"]), "files": sandbox.Clone(files)}
	for _, name := range []string{"blocks", "thread_ts"} {
		if v := r.Fields[name]; !sandbox.Empty(v) {
			fields[name] = sandbox.Clone(v)
		}
	}
	posted := r.Make(messages, "", fields, map[string]string{"channel": channel})
	event, _ := sandbox.Clone(posted.Fields).(sandbox.Object)
	event["channel"], event["subtype"], event["event_ts"] = channel, "file_share", posted.ID
	changes := []sandbox.Change{{Resource: messages, Record: posted, Trigger: "message.file_shared", Fields: event}}
	for _, f := range files {
		id := sandbox.Text(sandbox.Lookup(f, "id"))
		changes = append(changes, sandbox.Change{Record: posted, Trigger: "file.shared",
			Fields: sandbox.Object{"file_id": id, "user_id": botID, "file": sandbox.Object{"id": id}, "channel_id": channel}})
	}
	return changes
}

// findFile finds the file that a request names.
func findFile(r *sandbox.Call) (*sandbox.Record, *sandbox.Failure) {
	if found := r.Get("files", sandbox.Text(r.Fields["file"])); found != nil {
		return found, nil
	}
	return nil, refuse("file_not_found")
}

func fileInfo(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	found, failed := findFile(r)
	if failed != nil {
		return sandbox.Result{}, failed
	}
	return sandbox.Result{Listed: true, Page: r.PageOf(r.All("comments", nil)), Fields: sandbox.Object{"file": found.Fields}}, nil
}

func listFiles(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	all := slices.DeleteFunc(r.All("files", nil), func(f *sandbox.Record) bool {
		channels, _ := f.Fields["channels"].([]any)
		return !sandbox.Empty(r.Fields["channel"]) && !slices.Contains(channels, r.Fields["channel"]) ||
			!sandbox.Empty(r.Fields["user"]) && r.Fields["user"] != f.Fields["user"]
	})
	return sandbox.Result{Listed: true, Page: r.PageOf(all)}, nil
}

func deleteFile(r *sandbox.Call) (sandbox.Result, *sandbox.Failure) {
	found, failed := findFile(r)
	if failed != nil {
		return sandbox.Result{}, failed
	}
	r.Remove("files", found)
	return sandbox.Result{Changes: []sandbox.Change{{Resource: r.Resource, Verb: "deleted", Record: found, Fields: sandbox.Object{"file_id": found.ID}}}}, nil
}

// splitList splits a list that is written with commas.
func splitList(v any) []any {
	out := []any{}
	for name := range strings.SplitSeq(sandbox.Text(v), ",") {
		if name = strings.TrimSpace(name); name != "" {
			out = append(out, name)
		}
	}
	return out
}
