package bindings

import "strings"

// Decides says how an event of a trigger answers an approval, as the page of
// the approval does: a click on one of two buttons in a message.
type Decides struct {
	// Answer are paths in event.data, of which the first found counts, to the
	// text that Decision reads. What is no such text answers nothing.
	Answer []string `json:"answer"`
	// By is the path of the name of who decided.
	By string `json:"by,omitempty"`
}

// Decision reads the answer to an approval: its id, a colon, and the choice.
func Decision(answer string) (approval, choice string, ok bool) {
	approval, choice, found := strings.Cut(answer, ":")
	return approval, choice, found && approval != "" && choice != ""
}
