package script

import (
	"strings"
	"time"
)

// Problem is the reason why a script, or a file of the folder, is not live as it
// is in the folder.
type Problem struct {
	Script string `json:"script,omitempty"`
	// File is below the scripts folder; Position is file:line where known.
	File     string `json:"file,omitempty"`
	Position string `json:"position,omitempty"`
	Message  string `json:"message"`
	// LastVersionLive is set when the last version of the script stays live.
	LastVersionLive bool `json:"kept"`
}

func (p Problem) Error() string {
	switch {
	case p.Position != "" && !strings.HasPrefix(p.Message, p.Position):
		return p.Position + ": " + p.Message
	case p.Position == "" && p.File != "":
		return p.File + ": " + p.Message
	}
	return p.Message
}

// Report is the result of a reload.
type Report struct {
	Loaded   []string // new or changed scripts that are live now
	Removed  []string
	Replaced []ReplacedVersion
	Problems []Problem // all, also those of earlier reloads
	Duration time.Duration
}
