// Package subscription registers webhooks at vendors that have an API for it,
// renews and removes them, and knows which one a webhook came by. What is
// wanted is what live scripts name; what is ours is found again by its
// address, so that nothing is registered twice.
//
// It keeps no events and looks at no lists: it tells whoever polls that there
// is something new.
package subscription
