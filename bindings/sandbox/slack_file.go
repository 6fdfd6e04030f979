package sandbox

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
)

const (
	slackUploadPath = "/upload/v1/"
	slackFilePath   = "/files-pri/"
)

// A file comes in three steps: an address is asked for, the bytes are posted to
// it, and the upload is completed.

func slackUploadURL(r *Call) (Result, *Failure) {
	if r.Positive("length") == 0 {
		return Result{}, slackError("missing_argument")
	}
	ticket, file := Letters(r.Random, 32, MixedAlphabet), "F0"+Letters(r.Random, 9, UpperAlphabet)
	r.Save("uploads", &Record{ID: file, Fields: Object{"ticket": ticket, "name": r.Fields["filename"], "alt_txt": r.Fields["alt_txt"]}})
	return Result{Fields: Object{"file_id": file, "upload_url": r.URL() + slackUploadPath + ticket}}, nil
}

// slackUploaded takes the bytes of a file, as they are or as a part of a form.
func slackUploaded(a *App, h *http.Request, raw []byte, at string) (Reply, bool) {
	ticket, found := strings.CutPrefix(at, slackUploadPath)
	if !found || h.Method != http.MethodPost && h.Method != http.MethodPut {
		return Reply{}, false
	}
	for _, upload := range a.All("uploads", nil) {
		if upload.Fields["ticket"] != ticket {
			continue
		}
		content, err := slackBytes(h, raw)
		if err != nil || len(content) == 0 {
			return slackPlain(http.StatusBadRequest, "no file in the request"), true
		}
		upload.Content = content
		return slackPlain(http.StatusOK, fmt.Sprintf("OK - %d", len(content))), true
	}
	return slackPlain(http.StatusNotFound, "no such upload"), true
}

// slackBytes gives the first file of a multipart body, or the body.
func slackBytes(h *http.Request, raw []byte) ([]byte, error) {
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

func slackPlain(status int, say string) Reply {
	return Reply{Status: status, Header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, Body: []byte(say)}
}

// slackDownload gives the bytes of a file to who has a token.
func slackDownload(a *App, h *http.Request, at string) (Reply, bool) {
	id, found := strings.CutPrefix(at, slackFilePath)
	if !found || h.Method != http.MethodGet {
		return Reply{}, false
	}
	id, _, _ = strings.Cut(id, "/")
	file := a.Get("files", id)
	if file == nil || !a.Authorized(h) {
		return slackPlain(http.StatusNotFound, "no such file"), true
	}
	return Reply{Status: http.StatusOK, Header: http.Header{"Content-Type": {Text(file.Fields["mimetype"])}}, Body: file.Content}, true
}

func slackCompleteUpload(r *Call) (Result, *Failure) {
	given, _ := r.Fields["files"].([]any)
	channels := slackNames(r.Fields["channels"])
	if one := r.Fields["channel_id"]; !Empty(one) {
		channels = []any{one}
	}
	for _, id := range channels {
		if r.Get("channels", Text(id)) == nil {
			return Result{}, slackError("channel_not_found")
		}
	}
	for _, v := range given {
		id := Text(Lookup(v, "id"))
		if upload := r.Get("uploads", id); upload == nil || upload.Content == nil {
			return Result{}, slackError("file_not_found")
		}
	}
	out, files := Result{}, []any{}
	for _, v := range given {
		made := r.uploaded(Text(Lookup(v, "id")), Text(Lookup(v, "title")), channels)
		files = append(files, made.Fields)
		out.Changes = append(out.Changes, Change{Record: made, Trigger: "file.created",
			Fields: Object{"file_id": made.ID, "user_id": slackBot, "file": Object{"id": made.ID}}})
	}
	for _, id := range channels {
		out.Changes = append(out.Changes, r.shareFiles(Text(id), files)...)
	}
	out.Fields = Object{"files": files}
	return out, nil
}

// uploaded makes the file of an upload.
func (r *Call) uploaded(id, title string, channels []any) *Record {
	upload := r.Get("uploads", id)
	name := Text(upload.Fields["name"])
	if title == "" {
		title = name
	}
	kind := http.DetectContentType(upload.Content)
	kind, _, _ = strings.Cut(kind, ";")
	ending := strings.TrimPrefix(path.Ext(name), ".")
	address := r.URL() + slackFilePath + id + "/" + name
	r.Remove("uploads", upload)
	made := r.Make("files", id, Object{
		"name": name, "title": title, "mimetype": kind, "filetype": ending, "pretty_type": strings.ToUpper(ending), "user": slackBot,
		"size": Count(len(upload.Content)), "created": Number(r.Now.Unix()), "mode": "hosted", "is_external": false, "is_public": len(channels) > 0,
		"public_url_shared": false, "url_private": address, "url_private_download": address, "alt_txt": upload.Fields["alt_txt"],
		"permalink": "https://sandbox.slack.com/files/" + slackBot + "/" + id + "/" + name, "channels": channels,
	}, nil)
	made.Content = upload.Content
	return made
}

// shareFiles posts files into a channel, and tells of it.
func (r *Call) shareFiles(channel string, files []any) []Change {
	messages := "messages"
	fields := Object{"type": "message", "user": slackBot, "bot_id": "B0SANDBOT01", "text": Text(r.Fields["initial_comment"]), "files": Clone(files)}
	for _, name := range []string{"blocks", "thread_ts"} {
		if v := r.Fields[name]; !Empty(v) {
			fields[name] = Clone(v)
		}
	}
	posted := r.Make(messages, "", fields, map[string]string{"channel": channel})
	event, _ := Clone(posted.Fields).(Object)
	event["channel"], event["subtype"], event["event_ts"] = channel, "file_share", posted.ID
	told := []Change{{Resource: messages, Record: posted, Trigger: "message.file_shared", Fields: event}}
	for _, f := range files {
		id := Text(Lookup(f, "id"))
		told = append(told, Change{Record: posted, Trigger: "file.shared",
			Fields: Object{"file_id": id, "user_id": slackBot, "file": Object{"id": id}, "channel_id": channel}})
	}
	return told
}

// file finds the file that a request names.
func (r *Call) file() (*Record, *Failure) {
	if found := r.Get("files", Text(r.Fields["file"])); found != nil {
		return found, nil
	}
	return nil, slackError("file_not_found")
}

func slackFileInfo(r *Call) (Result, *Failure) {
	found, failed := r.file()
	if failed != nil {
		return Result{}, failed
	}
	return Result{Listed: true, Page: r.PageOf(r.All("comments", nil)), Fields: Object{"file": found.Fields}}, nil
}

func slackListFiles(r *Call) (Result, *Failure) {
	all := slices.DeleteFunc(r.All("files", nil), func(f *Record) bool {
		channels, _ := f.Fields["channels"].([]any)
		return !Empty(r.Fields["channel"]) && !slices.Contains(channels, r.Fields["channel"]) ||
			!Empty(r.Fields["user"]) && r.Fields["user"] != f.Fields["user"]
	})
	return Result{Listed: true, Page: r.PageOf(all)}, nil
}

func slackDeleteFile(r *Call) (Result, *Failure) {
	found, failed := r.file()
	if failed != nil {
		return Result{}, failed
	}
	r.Remove("files", found)
	return Result{Changes: []Change{{Resource: r.Resource, Verb: "deleted", Record: found, Fields: Object{"file_id": found.ID}}}}, nil
}

// slackNames cuts a list that is written with commas.
func slackNames(v any) []any {
	out := []any{}
	for name := range strings.SplitSeq(Text(v), ",") {
		if name = strings.TrimSpace(name); name != "" {
			out = append(out, name)
		}
	}
	return out
}
