package bindings

import "slices"

// Operation is one endpoint of an app.
type Operation struct {
	// Name is "group.operation" as scripts write it after the app, with the
	// edition before it: "contacts.upsert", "v3.contacts.upsert".
	Name string `json:"-"`
	// ID is the vendor's own name for it.
	ID     string `json:"id"`
	Method string `json:"method"`
	// Path is the template below the app's base URL: "/contacts/{contactId}".
	Path string `json:"path"`

	PathParams []Field `json:"in_path,omitempty"`
	Query      []Field `json:"in_query,omitempty"`
	Header     []Field `json:"in_header,omitempty"`
	// Join maps the parameters of the query whose lists are written as one text
	// to the separator of their items: "opt_fields" to ",". For other lists the
	// parameter is repeated for each item.
	Join map[string]string `json:"join,omitempty"`
	Body *Body             `json:"body,omitempty"`
	// Address is the setting of a connection, one of Auth.Addresses, whose value
	// is the whole address of the request, with no other credential. Path is
	// then only a name for it.
	Address string `json:"address,omitempty"`
	// Fixed are headers that every call has, such as HighLevel's Version.
	Fixed map[string]string `json:"fixed,omitempty"`

	// Answer is the type of a successful answer; nil if the documents do not
	// describe one.
	Answer *Type `json:"answer,omitempty"`
	// AnswerHeaders are headers that become fields of the answer if it has no
	// body: the address of an operation that has not ended yet.
	AnswerHeaders []string `json:"answer_headers,omitempty"`
	// Status is the status of a successful answer; 0 means any 2xx.
	Status int `json:"status,omitempty"`

	// Scopes are the permissions that a token needs, all of them; of AnyScope
	// one is enough.
	Scopes   []string `json:"scopes,omitempty"`
	AnyScope []string `json:"any_scope,omitempty"`

	// Safe is set if the operation is read-only, so that it can always be sent
	// again. Operations with the methods GET and HEAD are safe without it.
	Safe bool `json:"safe,omitempty"`
	// Idempotent is set if sending the same call again changes nothing more. It
	// is the reason or the condition for that, in our own words.
	Idempotent string `json:"idempotent,omitempty"`
	// IdempotentWith are arguments: the operation is idempotent only for calls
	// with at least one of them. It is not idempotent for calls with one of
	// IdempotentWithout.
	IdempotentWith    []string `json:"idempotent_with,omitempty"`
	IdempotentWithout []string `json:"idempotent_without,omitempty"`
	// Key is set if the operation accepts the app's idempotency key.
	Key bool `json:"key,omitempty"`
	// OwnKey is how calls are sent with a key of ours; nil: they are not.
	OwnKey *OwnKey `json:"own_key,omitempty"`
	// Find are the ways to find out whether a call was done whose result is not
	// known. NotFound is why there are none, in our own words, where that does not
	// follow from the operation's method and name.
	Find     []Find `json:"find,omitempty"`
	NotFound string `json:"not_found,omitempty"`

	// Consent is set if the vendor's customer may have to agree to a call, as
	// in App.Consent.
	Consent bool `json:"consent,omitempty"`

	// Account is the parameter that is set to the connection's account if the
	// script leaves it out, and AccountWith are parameters that are then set
	// too.
	Account     string            `json:"account,omitempty"`
	AccountWith map[string]string `json:"account_with,omitempty"`
	// Parent is the parameter that is set in the same way to the account's
	// parent.
	Parent string `json:"parent,omitempty"`

	// Pages is how `each` reads the pages of the list; nil if the operation has
	// no list that can be read so.
	Pages *Pages `json:"pages,omitempty"`
	// Limit is the Name of one of the app's Limits; empty: those without a name.
	Limit string `json:"limit,omitempty"`
	// Inferred is set if the operation is not in the vendor's own documents.
	Inferred bool `json:"inferred,omitempty"`
	// Deprecated is set if the vendor advises against its use.
	Deprecated bool `json:"deprecated,omitempty"`

	catalogue *Catalogue // the one that it was found in
}

// Encoding is how a body is written.
type Encoding string

// The encodings of a body.
const (
	JSON      Encoding = "json"
	Form      Encoding = "form"
	Multipart Encoding = "multipart"
	Binary    Encoding = "binary" // the argument "body" unchanged: a file or a text
)

// Body is the body of an operation's request. The fields of an object are
// arguments in the same flat table as the other parameters. A body of another
// type is the argument "body".
type Body struct {
	Encoding Encoding `json:"encoding"`
	Type     Type     `json:"type"`
	// Wrap is the name of the one member of the request's body, whose value is
	// an object with the fields; empty: the fields are the body.
	Wrap     string `json:"wrap,omitempty"`
	Required bool   `json:"required,omitempty"`
	// Max is the greatest size that the vendor accepts, in bytes. A larger body
	// is refused before it is sent. Zero: not known.
	Max int `json:"max,omitempty"`
}

// Pages is how the pages of a list are read. At most one of Cursors, Page,
// Offset and URL is set; none if an answer has the whole list.
type Pages struct {
	// Items is the path in the answer of the list, or OneList.
	Items string `json:"items"`
	// Keyed is set if the list is an object. Its items are the members, each as
	// { key = name, value = member }.
	Keyed bool `json:"keyed,omitempty"`
	// Cursors maps a parameter of the next request to the path of its value in
	// this answer, or, after "item:", in the last item. A page is the last one
	// if the value of the first of them in sorted order is absent, null or
	// empty.
	Cursors map[string]string `json:"cursors,omitempty"`
	// Page is the parameter for the number of the page; Next is the path in the
	// answer of the number of the next page, Last that of the last one. Without
	// both, a page shorter than Size is the last one.
	Page string `json:"page,omitempty"`
	Next string `json:"next,omitempty"`
	Last string `json:"last,omitempty"`
	// ZeroBased is set if the first page has the number 0, not 1.
	ZeroBased bool `json:"zero,omitempty" app:"zero"`
	// Offset is the parameter for the number of items before the page.
	Offset string `json:"offset,omitempty"`
	// URL is the field at the top of the answer with the whole address of the
	// next page, absent on the last one: "@odata.nextLink". The operation, a
	// GET, has an argument of the same name; a request with it is sent to that
	// address, which must be below the connection's base URL.
	URL string `json:"url,omitempty"`
	// More is the path of a boolean that is false on the last page.
	More string `json:"more,omitempty"`
	// SizeParam is the parameter for the size of a page, and Size its value.
	SizeParam string `json:"size_param,omitempty"`
	Size      int    `json:"size,omitempty"`
	// With are arguments that are added if the script does not set them, such
	// as one for the whole list in one answer.
	With map[string]string `json:"with,omitempty"`
}

// OneList is the value of Pages.Items for the only list in an answer, for
// answers that the documents do not describe.
const OneList = "*"

// ReadOnly reports whether the operation changes nothing at the vendor.
func (o *Operation) ReadOnly() bool {
	return o.Safe || o.Method == "GET" || o.Method == "HEAD"
}

// Repeatable reports whether a call can be sent again without changing more.
// Idempotency keys are not considered. given reports whether the call has an
// argument and its value is neither null nor false.
func (o *Operation) Repeatable(given func(argument string) bool) bool {
	if o.ReadOnly() {
		return true
	}
	if o.Idempotent == "" || slices.ContainsFunc(o.IdempotentWithout, given) {
		return false
	}
	return len(o.IdempotentWith) == 0 || slices.ContainsFunc(o.IdempotentWith, given)
}
