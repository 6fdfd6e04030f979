package control

// ReadReport is how well the answers of a vendor fit the catalogue. It has no
// value of an answer, no argument, and no name of a connection or account.
type ReadReport struct {
	App     string     `json:"app"`
	Calls   []ReadCall `json:"calls"`
	Skipped []NotRead  `json:"skipped,omitempty"`
}

// ReadCall is one call and how its answer differs from what is declared.
type ReadCall struct {
	Operation string `json:"operation"`
	// Status is the HTTP status, 0 if there was no answer. Error is the kind of
	// the error, empty for a successful answer.
	Status int    `json:"status"`
	Error  string `json:"error,omitempty"`
	// Empty is set if the list had no item, so that no item was compared.
	Empty bool `json:"empty,omitempty"`
	// Undeclared is set if the catalogue has no type for the answer.
	Undeclared bool        `json:"undeclared,omitempty"`
	Unknown    []string    `json:"unknown,omitempty"` // fields that are not declared
	Missing    []string    `json:"missing,omitempty"` // required fields that the answer does not have
	Other      []OtherType `json:"other_type,omitempty"`
}

// Differs reports whether the answer is not as declared.
func (c ReadCall) Differs() bool { return len(c.Unknown)+len(c.Missing)+len(c.Other) > 0 }

// OtherType is a field whose value has another type than the declared one.
type OtherType struct {
	Field    string `json:"field"`
	Declared string `json:"declared"`
	Found    string `json:"found"` // "text", "number", "boolean", "list" or "object"
}

// NotRead is an operation that was not called.
type NotRead struct {
	Operation string `json:"operation"`
	Reason    string `json:"reason"`
}
