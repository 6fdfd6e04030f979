package journal

import (
	"crypto/rand"
	"fmt"
	"regexp"
)

// Delivery is a call whose arguments had the id of an approval: how its question
// came to people.
type Delivery struct {
	Approval   string `json:"approval"`
	Connection string `json:"connection"`
	// Message are names of the message that the call made, as the app's data has
	// them; empty where the answer names none, or is not known yet.
	Message []string `json:"message,omitempty"`
}

// NewApprovalID returns an id for an approval that a step of a run makes. It has 130
// random bits, so that it cannot be guessed.
func NewApprovalID(run string, step int) string {
	return fmt.Sprintf("%s.%d.%s", run, step, rand.Text())
}

// approvalID matches the ids of NewApprovalID.
var approvalID = regexp.MustCompile(`run_[0-9a-z]+\.[0-9]+\.[A-Z2-7]{26}`)

// ApprovalIDs returns the texts in the arguments of a call that may be ids of
// approvals, each once, in their order.
func ApprovalIDs(args []byte) []string {
	var all []string
	known := map[string]bool{}
	for _, id := range approvalID.FindAll(args, -1) {
		if !known[string(id)] {
			known[string(id)] = true
			all = append(all, string(id))
		}
	}
	return all
}
