package bindings

import "strings"

// ApprovalAnswer is where an event has the answer to an approval. The event is
// a click on one of two buttons in a message, and does what a click on the page
// of the approval does. It counts only from the connection that sent the message,
// and from that message.
type ApprovalAnswer struct {
	// Answer are paths in event.data of the text that ParseApprovalAnswer
	// reads; the first one found counts. Another text there has no effect.
	Answer []string `json:"answer"`
	// By is the path of the name of the person who answered.
	By string `json:"by,omitempty"`
	// Messages are ways to name the message with the button.
	Messages []ApprovalMessage `json:"messages,omitempty"`
}

// ApprovalMessage is what names a message: the same texts at the paths in
// event.data and in the answer of the call that sent it.
type ApprovalMessage struct {
	Event []string `json:"event"`
	Sent  []string `json:"sent"`
}

// ParseApprovalAnswer reads the answer to an approval: its id, a colon, and the
// choice. Its last result is false if the text is none.
func ParseApprovalAnswer(text string) (approval, choice string, ok bool) {
	approval, choice, found := strings.Cut(text, ":")
	return approval, choice, found && approval != "" && choice != ""
}
