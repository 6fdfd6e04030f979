package sandbox

import (
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/tidewire/tidewire/bindings"
)

// rules is what paths and types of a catalogue cannot tell about an app.
type rules struct {
	// account is the id of the customer's space that the sandbox has.
	account string
	// accountParams are folded names of parameters that hold it, or its parent.
	accountParams []string
	// accountField is the field of a record that names its account.
	accountField string
	// id makes an identifier in the vendor's style.
	id func(r *rand.Rand, resource string) string
	// aliases name one resource that the catalogue has at two paths.
	aliases map[string]string
	// operations are exceptions, by "METHOD /path/{template}".
	operations map[string]*rule
	// derive gives the rule of an operation that operations does not name, for
	// an app whose paths tell nothing; nil where there is no such rule.
	derive func(*bindings.Operation) *rule
	unique map[string]unique
	// actions are the fields that the last word of a path sets.
	actions map[string]object
	// fill completes the fields of a new or changed record.
	fill map[string]func(fields object)
	// settle completes a new or changed record by what else the app knows.
	settle func(a *app, res *resource, r *record)
	// stands gives what a value of a path stands for: "me".
	stands func(a *app, param, value string) string
	// guard refuses what paths and types cannot tell, before anything is done.
	guard func(*request) *failure
	// leaves marks a record that is taken away and stays as its own trace; false
	// where nothing stays.
	leaves func(res *resource, r *record) bool
	// show makes of a record what an answer shows of it.
	show func(r *request, shown object, listed bool) object
	// announce tells of a change in a way of the vendor's own, nil where it is
	// the webhook that App.Webhook describes.
	announce func(a *app, c changed) []*job
	// wants reports whether a registered webhook takes what it is told, beyond
	// what App.Subscriptions say.
	wants func(sub *subscription, e *envelope) bool
	// seeds are the records there from the start, under what they hang, by
	// resource and folded parameter.
	seeds map[string][]object
	under map[string]map[string]string
	// triggers names the trigger of a change, by "resource verb", where it is
	// not app.noun.created, updated or deleted; empty: no webhook is sent.
	triggers map[string]string
	// fields names the trigger of a field's change, by "resource field".
	fields map[string]string
	// timeID makes the id of a record out of its time, by resource.
	timeID map[string]func(ms int64) string
	// ids are the fields that may hold a record's id, the usual one first;
	// none: "id" and "_id".
	ids []string
	// idField is the field that is the id where it is not "id", by resource.
	idField map[string]string

	// invalid is the status for arguments that do not fit, 422 where zero.
	invalid int
	// unversioned is the status for a missing fixed header, 400 where zero.
	unversioned int
	// fail writes a failure in the vendor's shape, beyond what App.Errors says.
	fail func(f *failure, body object) (status int)
	// headers are those of an answer that is made of headers.
	headers func(r *request, res result) map[string]string
	// success completes every successful answer.
	success object
	// pageSize is the vendor's own where a request names none.
	pageSize int

	// beside answers at addresses of the vendor that are no operation and take
	// no token: those that it gives out for one use. Path is below the app's own.
	beside func(a *app, h *http.Request, raw []byte, path string) (reply, bool)

	tokenLife time.Duration // zero: tokens do not expire
	// refreshGrace is how long a used refresh token stays usable.
	refreshGrace time.Duration
	// parent is the id of the account that the customer's space belongs to.
	parent string
	// grant completes the answer of the token endpoint; grantCodes are the
	// vendor's words for the errors of RFC 6749.
	grant      func(by authority) object
	grantCodes map[string]string
	// scopeStatus is the status for a token without the scope, 403 where zero.
	scopeStatus int
	rate        rateHeaders

	// gestures are what people do on the app's own screens.
	gestures map[string]gesture

	delivery delivery
	// envelope completes the body of a webhook, notify that which one
	// subscription gets.
	envelope func(e *envelope)
	notify   func(sub *subscription, body object)
}

// rule is an exception for one operation.
type rule struct {
	verb     verb
	resource string
	id       string // the argument that names the record, wherever it stands
	envelope string
	// missing is the vendor's code where the record is not there.
	missing string
	trigger string // instead of the one of resource and verb
	// after does more than the verb, when that went well.
	after func(*request, result) *failure
	// do acts where no verb fits.
	do func(*request) (result, *failure)
}

// unique says which records count as the same one: those that agree in one of
// Fields, the first given one deciding, within the same account.
type unique struct {
	fields []string
	// refuse is the status for a second record made with create; zero lets it be.
	refuse  int
	message string
}

// rateHeaders are the vendor's names for what is left.
type rateHeaders struct {
	max, remaining, interval, daily, dailyRemaining string
}

// delivery is how a vendor sends webhooks again.
type delivery struct {
	timeout time.Duration
	// again reports whether an answer makes it send again; zero is no answer.
	again    func(status int) bool
	attempts int // all sendings together
	factor   int
	// mark adds what a repeated sending carries.
	mark func(h http.Header, attempt int)
}

// rulesOf gives the rules of an app; an app without a table has the plain ones.
func rulesOf(app string) *rules {
	tables := map[string]func() *rules{
		"asana":          asana,
		"googlecalendar": googleCalendar,
		"highlevel":      highlevel,
		"qonto":          qonto,
		"slack":          slack,
		"teams":          teams,
	}
	r := &rules{}
	if table := tables[app]; table != nil {
		r = table()
	}
	if r.account == "" {
		r.account = "account-1"
	}
	if len(r.ids) == 0 {
		r.ids = []string{"id", "_id"}
	}
	if r.id == nil {
		r.id = func(r *rand.Rand, _ string) string { return letters(r, 20, lowerAlphabet) }
	}
	if r.invalid == 0 {
		r.invalid = http.StatusUnprocessableEntity
	}
	if r.scopeStatus == 0 {
		r.scopeStatus = http.StatusForbidden
	}
	if r.unversioned == 0 {
		r.unversioned = http.StatusBadRequest
	}
	if r.pageSize == 0 {
		r.pageSize = 20
	}
	if r.delivery.attempts == 0 {
		r.delivery = delivery{attempts: 5, factor: 2, again: notAccepted}
	}
	if r.delivery.timeout == 0 {
		r.delivery.timeout = 10 * time.Second
	}
	return r
}

// idOf is the id that fields name, empty if they name none.
func (r *rules) idOf(fields object) string {
	for _, name := range r.ids {
		if id := text(fields[name]); id != "" {
			return id
		}
	}
	return ""
}

func notAccepted(status int) bool { return status < 200 || status > 299 }

const (
	lowerAlphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
	upperAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	mixedAlphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

func letters(r *rand.Rand, n int, alphabet string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

// uuid makes a random UUID of version 4.
func uuid(r *rand.Rand) string {
	b := []byte(letters(r, 32, "0123456789abcdef"))
	b[12], b[16] = '4', "89ab"[r.IntN(4)]
	return string(b[:8]) + "-" + string(b[8:12]) + "-" + string(b[12:16]) + "-" + string(b[16:20]) + "-" + string(b[20:])
}
