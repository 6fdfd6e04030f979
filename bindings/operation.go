package bindings

import "slices"

// Operation is one endpoint of an app.
type Operation struct {
	// Name is "group.operation" as scripts write it after the app, with its
	// edition: "contacts.upsert", "v3.contacts.upsert".
	Name string `json:"-"`
	// ID is the vendor's own name for it.
	ID     string `json:"id"`
	Method string `json:"method"`
	// Path is the template below the app's base URL: "/contacts/{contactId}".
	Path string `json:"path"`

	PathParams []Field `json:"in_path,omitempty"`
	Query      []Field `json:"in_query,omitempty"`
	Header     []Field `json:"in_header,omitempty"`
	// Join names the parameters of the query whose lists are written as one
	// text, with what stands between the items: "opt_fields" with ",". Other
	// lists repeat the parameter for each item.
	Join map[string]string `json:"join,omitempty"`
	Body *Body             `json:"body,omitempty"`
	// Address names the setting of a connection, one of Auth.Addresses, that
	// holds the whole address which the call goes to, with no other credential.
	// Path then only says what it is.
	Address string `json:"address,omitempty"`
	// Fixed are headers sent with every call, such as HighLevel's Version.
	Fixed map[string]string `json:"fixed,omitempty"`

	// Answer is the type of a successful answer; nil where the documents do
	// not describe one.
	Answer *Type `json:"answer,omitempty"`
	// AnswerHeaders are headers that make up the answer where it has no body,
	// as fields of the same names: the address of what is under way.
	AnswerHeaders []string `json:"answer_headers,omitempty"`
	// Status is the status of a successful answer; 0 means any 2xx.
	Status int `json:"status,omitempty"`

	// Scopes are the permissions a token needs, all of them; AnyScope lists
	// alternatives, one of which is enough.
	Scopes   []string `json:"scopes,omitempty"`
	AnyScope []string `json:"any_scope,omitempty"`

	// Safe marks an operation that only reads: it may be sent again at will.
	// Operations with the methods GET and HEAD are safe without the mark.
	Safe bool `json:"safe,omitempty"`
	// Idempotent marks an operation whose repetition changes nothing more; it
	// holds the condition under which that is so, in our own words.
	Idempotent string `json:"idempotent,omitempty"`
	// IdempotentWith lists arguments one of which must be given for that, and
	// IdempotentWithout those that must not be.
	IdempotentWith    []string `json:"idempotent_with,omitempty"`
	IdempotentWithout []string `json:"idempotent_without,omitempty"`
	// Key marks an operation that takes the app's idempotency key.
	Key bool `json:"key,omitempty"`

	// Consent marks an operation to which the vendor's customer may have to
	// agree, as App.Consent says.
	Consent bool `json:"consent,omitempty"`

	// Account is the parameter that takes the connection's account when the
	// script leaves it out, and AccountWith the parameters that go with it.
	Account     string            `json:"account,omitempty"`
	AccountWith map[string]string `json:"account_with,omitempty"`
	// Parent is the parameter that takes, in the same way, the id of the
	// account's parent.
	Parent string `json:"parent,omitempty"`

	// Pages says how each walks the list, nil where it cannot.
	Pages *Pages `json:"pages,omitempty"`
	// Limit names one of the app's Limits; empty means those without a name.
	Limit string `json:"limit,omitempty"`
	// Inferred marks what was not read in the vendor's own documents.
	Inferred bool `json:"inferred,omitempty"`
	// Deprecated marks what the vendor advises to leave.
	Deprecated bool `json:"deprecated,omitempty"`

	catalogue *Catalogue // that it was found in
}

// Encoding is how a body is written.
type Encoding string

// The encodings of a body.
const (
	JSON      Encoding = "json"
	Form      Encoding = "form"
	Multipart Encoding = "multipart"
	Binary    Encoding = "binary" // the argument "body" as it is: a file or a text
)

// Body is what an operation takes as its body. The fields of an object stand
// in the flat argument table beside the other parameters; any other type is
// passed whole as the argument "body".
type Body struct {
	Encoding Encoding `json:"encoding"`
	Type     Type     `json:"type"`
	// Wrap is the name of the object that the vendor wants around the fields.
	Wrap     string `json:"wrap,omitempty"`
	Required bool   `json:"required,omitempty"`
	// Max is the most bytes that the vendor takes; more is refused before it is
	// sent. Zero: not known.
	Max int `json:"max,omitempty"`
}

// Pages says how a list is walked. At most one of Cursors, Page, Offset and URL
// is set; none where the list comes whole.
type Pages struct {
	// Items is the path in the answer to the list, or OneList.
	Items string `json:"items"`
	// Keyed marks a list that is written as an object: its items are the
	// members, each as { key = name, value = member }.
	Keyed bool `json:"keyed,omitempty"`
	// Cursors maps a parameter of the next request to the path of its value
	// in this answer, or, behind "item:", in the last item. The walk ends
	// when the first of them in sorted order is absent, null or empty.
	Cursors map[string]string `json:"cursors,omitempty"`
	// Page is the parameter that counts pages; Next the path in the answer to
	// the number of the next page, Last to that of the last one. Without either
	// the walk ends with a page shorter than Size.
	Page string `json:"page,omitempty"`
	Next string `json:"next,omitempty"`
	Last string `json:"last,omitempty"`
	// Zero says that the first page is 0, not 1.
	Zero bool `json:"zero,omitempty"`
	// Offset is the parameter that counts items passed over.
	Offset string `json:"offset,omitempty"`
	// URL is the field at the top of the answer that holds the whole address of
	// the next page, absent on the last one: "@odata.nextLink". The operation,
	// a GET, takes an argument of the same name, and with it goes to that
	// address and nowhere else; it must lie below the connection's own.
	URL string `json:"url,omitempty"`
	// More is the path of a boolean that is false on the last page.
	More string `json:"more,omitempty"`
	// SizeParam takes the page size, Size is what we ask for.
	SizeParam string `json:"size_param,omitempty"`
	Size      int    `json:"size,omitempty"`
	// With are arguments that a walk gives where the script does not, such as
	// one that asks for the whole list at once.
	With map[string]string `json:"with,omitempty"`
}

// OneList, as Pages.Items, stands for the one list in an answer, for answers
// that the documents do not describe.
const OneList = "*"

// ReadOnly reports whether the operation changes nothing at the vendor.
func (o *Operation) ReadOnly() bool {
	return o.Safe || o.Method == "GET" || o.Method == "HEAD"
}

// Repeatable reports whether a call may be sent again without changing more,
// by what the operation is and not by a key; given tells whether the call has
// an argument that is not null and not false.
func (o *Operation) Repeatable(given func(argument string) bool) bool {
	if o.ReadOnly() {
		return true
	}
	if o.Idempotent == "" || slices.ContainsFunc(o.IdempotentWithout, given) {
		return false
	}
	return len(o.IdempotentWith) == 0 || slices.ContainsFunc(o.IdempotentWith, given)
}
